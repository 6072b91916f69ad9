"""The checks in their order, and what is done about what they find."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from gitslices.core.errors import GitslicesError, MachineError
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.doctor.goals import find_late_commits, find_lost_targets
from gitslices.ops.doctor.repairs import examine_slices
from gitslices.ops.doctor.repository import (
    DAMAGED_HEAD,
    FILE_CHECKS,
    GIT_CHECKS,
    SETTING_CHECKS,
    TORN,
    find_damaged_head,
    find_damaged_refs,
    find_disarmed_hooks,
    find_git_locks,
    find_unguarded_worktrees,
)
from gitslices.ops.doctor.settings import USER_FILE_CHECKS
from gitslices.ops.doctor.slices import (
    find_deleted_folders,
    find_faulty_slices,
    find_lost_store,
    find_strange_branches,
    find_wrong_holds,
)
from gitslices.ops.doctor.state import (
    DAMAGED,
    STATE_CHECKS,
    TRASH_CHECKS,
    find_damaged_marks,
    find_unrecorded_slices,
)
from gitslices.recovery.recovery import recover
from gitslices.state.lock import is_held
from gitslices.workspace import Workspace

_Check = Callable[[Workspace, str], Iterator[Trouble]]
"""What a workspace has wrong; given the interpreter that hooks are to start."""

_STOPPERS: Final = frozenset({TORN, DAMAGED, DAMAGED_HEAD})
"""With one of these neither git nor the store can be asked anything."""

_SLICE_CHECKS: Final = (
    find_faulty_slices,
    find_strange_branches,
    find_lost_targets,
    find_wrong_holds,
    find_late_commits,
    find_damaged_refs,
    find_git_locks,
)


class DoctorRequest(Struct, frozen=True, kw_only=True):
    """`common_dir` was found by files alone; `fix` repairs what can be repaired.

    `python` is the interpreter that git hooks are to start. With `deleted` folders of worktrees
    that are not there were deleted: no disk is away.
    """

    common_dir: Path
    python: str
    fix: bool = False
    deleted: bool = False


class DoctorReport(Struct, frozen=True, kw_only=True):
    """What `gitslices doctor --json` prints."""

    findings: tuple[Finding, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing was found that is not repaired."""
        return all(finding.fixed for finding in self.findings)


def doctor(
    open_workspace: Callable[[], Workspace], request: DoctorRequest, checks: Sequence[_Check] = ()
) -> DoctorReport:
    """Everything that is wrong; repaired, with `fix`, where gitslices itself has made it.

    Files come first, because git may fail until they are in order. Without `fix` nothing changes.
    `checks` are those of rooms that stand above this one.
    """
    findings = [
        _treat(trouble, fix=request.fix)
        for check in (*STATE_CHECKS, *FILE_CHECKS, find_damaged_head)
        for trouble in check(request.common_dir)
    ]
    # What has just been repaired may be what kept git from answering.
    if not any(one.check in _STOPPERS and not one.fixed for one in findings):
        git = _examine_git(open_workspace, request, checks)
        findings += [_treat(trouble, fix=request.fix) for trouble in git]
    return DoctorReport(findings=tuple(findings))


def _treat(trouble: Trouble, *, fix: bool) -> Finding:
    if trouble.mend is None or not fix:
        return trouble.finding
    try:
        said = trouble.mend()
    # One repair that fails keeps nobody from the others: its finding stays, with the reason.
    except (GitslicesError, OSError) as error:
        return structs.replace(trouble.finding, hint=f"the repair failed: {error}")
    done = said if isinstance(said, str) else trouble.finding.fix
    return structs.replace(trouble.finding, fixed=True, fix=done)


def _examine_git(
    open_workspace: Callable[[], Workspace], request: DoctorRequest, checks: Sequence[_Check]
) -> Iterator[Trouble]:
    try:
        workspace = open_workspace()
        for check in (find_disarmed_hooks, find_unguarded_worktrees, *checks):
            yield from check(workspace, request.python)
        yield from _examine_workspace(workspace, request)
    except MachineError as error:
        finding = Finding(
            check="git", thing=str(request.common_dir), problem=error.message,
            why="gitslices cannot work here", hint=error.hint,
        )  # fmt: skip
        yield Trouble(finding=finding)


def _examine_workspace(workspace: Workspace, request: DoctorRequest) -> Iterator[Trouble]:
    for check in (*GIT_CHECKS, *SETTING_CHECKS, *USER_FILE_CHECKS):
        yield from check(workspace)
    if not workspace.has_store():
        yield from find_lost_store(workspace)
        return
    if _is_cut_short(workspace):
        finding = Finding(
            check="left-intent",
            thing=str(workspace.state_folder),
            problem="a change of branches and worktrees was cut short",
            why="slices are half made or half removed",
            fix="complete it, or take it back, as every other command does first",
        )
        yield Trouble(finding=finding, mend=lambda: recover(workspace))
        if not request.fix:
            return  # what is half done is no trouble of its own
    with workspace.open_store() as store:
        # First: what is taken over is no stranger to the checks that follow.
        for find in (find_unrecorded_slices, find_damaged_marks):
            yield from find(workspace, store)
        if request.deleted:
            yield from find_deleted_folders(workspace, store)
        # Under the lock, so that nothing is on its way; repairs take it themselves.
        with workspace.hold_topology():
            examined = examine_slices(workspace, store)
            troubles = [one for check in (*_SLICE_CHECKS, *TRASH_CHECKS) for one in check(examined)]
        yield from troubles


def _is_cut_short(workspace: Workspace) -> bool:
    left = workspace.has_intent() and not is_held(workspace.state_folder, "topology")
    return left or bool(workspace.find_dead_operations())
