"""Remove one slice's worktree and branch, unless work would be lost."""

from msgspec import Struct

from gitslices.core.errors import RefusedError
from gitslices.core.model import BranchName, SliceId
from gitslices.ops.purge import start_emptying
from gitslices.recovery.recovery import recover_and_lock
from gitslices.removal.candidates import Candidate, find_candidates, find_disposable
from gitslices.removal.to_trash import trash_slices
from gitslices.rules.removal import find_removal_problems
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_slice
from gitslices.slices.snapshot import Snapshot
from gitslices.state.store import Goal, SliceRecord
from gitslices.workspace import Workspace


class RemoveRequest(Struct, frozen=True, kw_only=True):
    """`force` removes uncommitted and unmerged work, too."""

    slice_id: SliceId
    goal_id: str | None = None
    force: bool = False


class RemoveReport(Struct, frozen=True, kw_only=True):
    """What was removed; `tip` is the last commit of its branch."""

    goal_id: str
    slice_id: SliceId
    branch_name: BranchName
    worktree_path: str
    tip: str | None


def remove(workspace: Workspace, request: RemoveRequest) -> RemoveReport:
    """Move one slice to the trash.

    Raises `RefusedError` for uncommitted, unmerged or locked work, `UnknownSliceError` for an id
    that no plan has had.
    """
    with workspace.open_store() as store:
        known = store.read_slices(request.goal_id)
        meant = [one for one in known if one.slice_id == request.slice_id]
        # Before the lock: a pattern of the user's may take for ever, and would keep out everybody.
        is_disposable = find_disposable(workspace, meant)
        with recover_and_lock(workspace, store):
            goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
            snapshot = Snapshot(workspace, store, goal.plan)
            record = _get_record(snapshot, goal, request.slice_id)
            (candidate,) = find_candidates(snapshot, [record], is_disposable)
            _refuse(candidate, force=request.force)
            # Looked at again right before the move: an agent may have saved a file since.
            for kept in trash_slices(workspace, store, [candidate]):
                _refuse(kept, force=request.force)
            start_emptying(workspace, store)
    return RemoveReport(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        branch_name=record.branch_name,
        worktree_path=record.worktree_path,
        tip=candidate.tip,
    )


def _refuse(candidate: Candidate, *, force: bool) -> None:
    problems = find_removal_problems(candidate.facts, force=force)
    if problems:
        id_ = candidate.record.slice_id
        raise RefusedError(f"slice {id_!r} is not removed", problems=problems)


def _get_record(snapshot: Snapshot, goal: Goal, slice_id: SliceId) -> SliceRecord:
    record = snapshot.records.get(slice_id)
    if record is None:
        get_slice(goal, slice_id)
    if record is None or record.status == "removed":
        raise RefusedError(f"slice {slice_id!r} has no worktree and no branch to remove")
    return record
