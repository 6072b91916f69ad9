"""Run the repository's set-up commands in new worktrees, once they are approved."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import BusyError, GitslicesError
from gitslices.core.model import SliceId
from gitslices.core.naming import count, list_some
from gitslices.git.set_up_traces import note_traces
from gitslices.git.uncommitted import find_uncommitted
from gitslices.repo_commands.background import start_background
from gitslices.repo_commands.trust import approve, require_trust
from gitslices.slices.environment import make_slice_environment, name_setup_log
from gitslices.slices.settings import read_settings
from gitslices.state.store import SliceRecord
from gitslices.system.settings_tables import Setup
from gitslices.system.shell import Ended, Shell, open_shell
from gitslices.workspace import Workspace

_Ask = Callable[[tuple[str, ...]], bool]
"""Asks the user whether these commands may run."""


class SetupRequest(Struct, frozen=True, kw_only=True):
    """`jobs` worktrees of the goal are set up at a time; with `slice_id` that one alone.

    It is then about to be handed over: nobody is at work in it yet.
    """

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


def set_up(workspace: Workspace, request: SetupRequest, ask: _Ask = refuse) -> SetupReport:
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
    unapproved = require_trust(workspace, setup.texts)
    if unapproved and ask(unapproved):
        approve(workspace, unapproved)
    elif unapproved:
        unready = tuple(record.slice_id for record in waiting)
        return SetupReport(
            unready=unready, unapproved=unapproved, warnings=(_refuse(unready, unapproved),)
        )
    claims = request.slice_id is not None
    # In this order: left by an error, the shell ends its commands, for which the pool waits.
    with ThreadPoolExecutor(max_workers=request.jobs) as pool, open_shell() as shell:
        outcomes = list(pool.map(partial(_set_up, workspace, setup, shell, claims), waiting))
    ended = list(zip(waiting, outcomes, strict=True))
    complaints = [(record.slice_id, outcome.complaint) for record, outcome in ended]
    return SetupReport(
        ready=tuple(id_ for id_, complaint in complaints if complaint is None),
        unready=tuple(id_ for id_, complaint in complaints if complaint is not None),
        warnings=(
            # An empty one: another process is at that worktree, and tells what comes of it.
            *(f"{id_}: {complaint}" for id_, complaint in complaints if complaint),
            *_describe_traces([(record.slice_id, outcome.traces) for record, outcome in ended]),
        ),
    )


class _Outcome(Struct, frozen=True):
    """How one set-up ended: None where all is well, and the paths it left changed."""

    complaint: str | None = None
    traces: tuple[str, ...] = ()


def _describe_traces(found: Sequence[tuple[SliceId, tuple[str, ...]]]) -> Iterator[str]:
    """What is to be said of files that set-up has changed, once for all slices with the same."""
    by_paths: dict[tuple[str, ...], list[SliceId]] = {}
    for id_, paths in found:
        by_paths.setdefault(paths, []).append(id_)
    for paths, ids in by_paths.items():
        if paths:
            yield (
                f"{', '.join(ids)}: set-up has changed files that git does not ignore: "
                f"{list_some(paths)}; they count as nobody's work until somebody changes them "
                "(better are commands that leave them alone, such as npm ci, or a line in "
                ".gitignore)"
            )


def _refuse(unready: Sequence[SliceId], unapproved: Sequence[str]) -> str:
    commands = count(len(unapproved), "command", ("is", "are"))
    return (
        f"set-up was not run in {', '.join(unready)}: {commands} not approved; "
        "see and approve with: gitslices trust, then run gitslices plan --apply again"
    )


def _set_up(
    workspace: Workspace, setup: Setup, shell: Shell, claims: bool, record: SliceRecord
) -> _Outcome:
    """Set up one worktree; what went wrong is nothing to tell where another process is at it."""
    name = Path(record.worktree_path).name
    try:
        # Two commands at once must not install into one folder; the second need not wait.
        with workspace.without_wait().hold_operation(f"setup-{name}"):
            return _run_commands(workspace, setup, shell, claims, record)
    except BusyError:
        return _Outcome("")
    except GitslicesError as error:
        return _Outcome(error.message)


def _run_commands(
    workspace: Workspace, setup: Setup, shell: Shell, claims: bool, record: SliceRecord
) -> _Outcome:
    traces: tuple[str, ...] = ()
    with workspace.open_store() as store:
        # Asked again under the lock: whoever had it before may have set the worktree up.
        now = {one.slice_id: one.needs_setup for one in store.read_slices(record.goal_id)}
    if now.get(record.slice_id):
        path = Path(record.worktree_path)
        before = frozenset(find_uncommitted(workspace.repo, path))
        complaint = run_setup(workspace, setup, shell, record)
        # Also of one that failed: it runs again, and must not take its own traces for somebody's.
        traces = tuple(one for one in find_uncommitted(workspace.repo, path) if one not in before)
        # Not beside a holder at work, whose changes must never pass for those of a command.
        if claims or record.status != "claimed":
            note_traces(path, traces)
        if complaint is not None:
            return _Outcome(complaint, traces)
    start_background(workspace, setup, record)
    with workspace.open_store() as store:
        store.clear_setup(record)
    return _Outcome(None, traces)


def run_setup(workspace: Workspace, setup: Setup, shell: Shell, record: SliceRecord) -> str | None:
    """Run the commands, which are approved, in the worktree of `record`; say which one failed."""
    path = Path(record.worktree_path)
    log = name_setup_log(workspace, record)
    environ = make_slice_environment(workspace, record)
    for command in setup.commands:
        ended = shell.run(command, cwd=path, environ=environ, timeout=setup.timeout, log=log)
        # The first to fail ends it: what follows builds on what was installed before.
        if ended.status != 0:
            return f"set-up command {command!r} {describe_end(ended, setup.timeout)} (see {log})"
    return None


def describe_end(ended: Ended, timeout: float) -> str:
    """How a command that has not come through ended, as half a sentence."""
    how = f"took over {timeout:g} s" if ended.status is None else f"failed ({ended.status})"
    return f"{how}: {ended.last_line}" if ended.last_line else how
