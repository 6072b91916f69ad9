"""Run the repository's teardown commands in worktrees that are about to go."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from gitslices.core.errors import GitslicesError, Problem
from gitslices.core.model import BranchName
from gitslices.repo_commands.background import end_background
from gitslices.repo_commands.gates import refuse_untrusted
from gitslices.repo_commands.setup import describe_end
from gitslices.repo_commands.trust import require_trust
from gitslices.slices.environment import make_slice_environment, name_teardown_log
from gitslices.slices.settings import read_settings
from gitslices.state.store import SliceRecord
from gitslices.system.settings_tables import Teardown
from gitslices.system.shell import Shell, open_shell
from gitslices.workspace import Workspace

_JOBS = 4


def has_teardown(workspace: Workspace, target: BranchName) -> bool:
    """Whether anything is to be run before a worktree goes."""
    return bool(read_settings(workspace, target).teardown.commands)


def tear_down(
    workspace: Workspace, target: BranchName, records: Sequence[SliceRecord], *, force: bool
) -> tuple[Problem, ...]:
    """Run the commands in each worktree that is there; what has not come through.

    A worktree needs its set-up again from then on. The topology lock must not be held. Raises
    `UntrustedError` for commands that nobody has approved, unless it is by `force`; then none runs.
    """
    teardown = read_settings(workspace, target).teardown
    there = [one for one in records if Path(one.worktree_path).is_dir()]
    if not teardown.commands or not there:
        return ()
    if force and require_trust(workspace, teardown.commands):
        said = "its teardown was not run: its commands are not approved"
        return tuple(Problem(one.slice_id, said, "see: gitslices trust") for one in there)
    refuse_untrusted(workspace, teardown.commands)
    # In this order: left by an error, the shell ends its commands, for which the pool waits.
    with ThreadPoolExecutor(max_workers=_JOBS) as pool, open_shell() as shell:
        found = list(pool.map(partial(_tear_down, workspace, teardown, shell), there))
    return tuple(problem for problem in found if problem is not None)


def _tear_down(
    workspace: Workspace, teardown: Teardown, shell: Shell, record: SliceRecord
) -> Problem | None:
    try:
        with workspace.open_store() as store:
            # First: a kill in between leaves what set-up makes anew, and never the reverse.
            store.demand_setup(record)
        # Beside set-up, which may be at it, each would undo the other.
        with workspace.hold_operation(f"setup-{Path(record.worktree_path).name}"):
            return _run_commands(workspace, teardown, shell, record)
    except GitslicesError as error:
        return Problem(record.slice_id, error.message, error.hint)


def _run_commands(
    workspace: Workspace, teardown: Teardown, shell: Shell, record: SliceRecord
) -> Problem | None:
    # First: a database goes only once nobody is connected to it.
    end_background(workspace, [record])
    log = name_teardown_log(workspace, record)
    environ = make_slice_environment(workspace, record)
    problem = None
    for command in teardown.commands:
        ended = shell.run(
            command, cwd=Path(record.worktree_path), environ=environ,
            timeout=teardown.timeout, log=log,
        )  # fmt: skip
        # The others all the same: what one has left is no reason to leave the rest.
        if ended.status != 0 and problem is None:
            how = describe_end(ended, teardown.timeout)
            problem = Problem(
                record.slice_id,
                f"teardown command {command!r} {how}",
                f"see {log}; take the slice away all the same: --force",
            )
    return problem
