"""Run the repository's set-up commands in new worktrees, once they are approved."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import BusyError, DiskError
from gitslices.core.model import SliceId
from gitslices.repo_commands.trust import approve, require_trust
from gitslices.slices.environment import make_slice_environment, name_setup_log
from gitslices.slices.settings import read_settings
from gitslices.state.store import SliceRecord
from gitslices.system.settings import Setup
from gitslices.system.shell import Ended, Shell, open_shell
from gitslices.workspace import Workspace

Ask = Callable[[tuple[str, ...]], bool]
"""Asks the user whether these commands may run."""


class SetupRequest(Struct, frozen=True, kw_only=True):
    """`jobs` worktrees of the goal are set up at a time; with `slice_id` that one alone."""

    goal_id: str
    slice_id: SliceId | None = None
    jobs: int = 1


class SetupReport(Struct, frozen=True, kw_only=True):
    """What set-up came to: the worktrees made ready, and those that still need it.

    `unapproved` are the commands that nobody has approved; then none was run.
    """

    ready: tuple[SliceId, ...] = ()
    unready: tuple[SliceId, ...] = ()
    unapproved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def refuse(commands: tuple[str, ...]) -> bool:
    """Approve nothing: the answer where nobody can be asked."""
    return False


def set_up(workspace: Workspace, request: SetupRequest, ask: Ask = refuse) -> SetupReport:
    """Run the set-up commands in every worktree of the goal that needs it.

    `ask` is asked for commands that nobody has approved yet; its yes is kept. A worktree whose
    set-up fails, or may not run, needs it still. The topology lock must not be held: a command may
    do anything, call gitslices too.
    """
    with workspace.open_store() as store:
        records = store.read_slices(request.goal_id)
        goal = store.read_goal(request.goal_id)
    wanted = {request.slice_id} if request.slice_id else {one.slice_id for one in records}
    waiting = [
        record
        for record in records
        if record.needs_setup and not record.filling_operation and record.slice_id in wanted
    ]
    if not waiting:
        return SetupReport()
    setup = read_settings(workspace, goal.plan.target if goal else None).setup
    unapproved = require_trust(workspace, setup.commands)
    if unapproved and ask(unapproved):
        approve(workspace, unapproved)
    elif unapproved:
        unready = tuple(record.slice_id for record in waiting)
        return SetupReport(
            unready=unready, unapproved=unapproved, warnings=(_refuse(unready, unapproved),)
        )
    with ThreadPoolExecutor(max_workers=request.jobs) as pool, open_shell() as shell:
        complaints = list(pool.map(partial(_set_up, workspace, setup, shell), waiting))
    ended = list(zip(waiting, complaints, strict=True))
    return SetupReport(
        ready=tuple(record.slice_id for record, complaint in ended if complaint is None),
        unready=tuple(record.slice_id for record, complaint in ended if complaint is not None),
        warnings=tuple(
            f"{record.slice_id}: {complaint}" for record, complaint in ended if complaint
        ),
    )


def _refuse(unready: Sequence[SliceId], unapproved: Sequence[str]) -> str:
    commands = "1 command is" if len(unapproved) == 1 else f"{len(unapproved)} commands are"
    return (
        f"set-up was not run in {', '.join(unready)}: {commands} not approved; "
        "see and approve with: gitslices trust, then run gitslices plan --apply again"
    )


def _set_up(workspace: Workspace, setup: Setup, shell: Shell, record: SliceRecord) -> str | None:
    """Set up one worktree; return None when it is, else what went wrong.

    That is nothing to tell where another process is at it.
    """
    name = Path(record.worktree_path).name
    try:
        with workspace.without_wait().hold_operation(f"setup-{name}"):
            return _run_commands(workspace, setup, shell, record)
    except BusyError:
        return ""
    except DiskError as error:
        return error.message


def _run_commands(
    workspace: Workspace, setup: Setup, shell: Shell, record: SliceRecord
) -> str | None:
    with workspace.open_store() as store:
        now = {one.slice_id: one.needs_setup for one in store.read_slices(record.goal_id)}
    if now.get(record.slice_id):
        complaint = run_setup(workspace, setup, shell, record)
        if complaint is not None:
            return complaint
    with workspace.open_store() as store:
        store.clear_setup(record)
    return None


def run_setup(workspace: Workspace, setup: Setup, shell: Shell, record: SliceRecord) -> str | None:
    """Run the commands, which are approved, in the worktree of `record`; say which one failed."""
    path = Path(record.worktree_path)
    log = name_setup_log(workspace, record)
    environ = make_slice_environment(record, workspace.environ)
    for command in setup.commands:
        ended = shell.run(command, cwd=path, environ=environ, timeout=setup.timeout, log=log)
        if ended.status != 0:
            return f"set-up command {command!r} {_describe_end(ended, setup.timeout)} (see {log})"
    return None


def _describe_end(ended: Ended, timeout: float) -> str:
    how = f"took over {timeout:g} s" if ended.status is None else f"failed ({ended.status})"
    return f"{how}: {ended.last_line}" if ended.last_line else how
