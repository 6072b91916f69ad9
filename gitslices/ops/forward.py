"""Bring slices that nobody has begun forward to their target, branch and worktree."""

import uuid
from collections.abc import Iterable

from msgspec import Struct, structs

from gitslices.core.errors import BusyError, GitError, GitLockedError
from gitslices.core.model import Oid, Plan, SliceId
from gitslices.git.compare import read_tree_changes
from gitslices.git.read import find_tip, is_ancestor
from gitslices.merging.branch_worktrees import (
    find_branch_worktrees,
    find_in_the_way,
    read_branch_worktrees,
)
from gitslices.merging.move_branches import Moved, move_branches
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.worktree_faults import HIDES_WORK, find_bar
from gitslices.slices.own_commits import is_planned_start
from gitslices.slices.snapshot import Snapshot
from gitslices.state.journal import BranchMove
from gitslices.state.landings import SliceChange
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


class Forwarded(Struct, frozen=True, kw_only=True):
    """The slices that were brought forward, and what kept others back that git could not move."""

    slice_ids: tuple[SliceId, ...] = ()
    warnings: tuple[str, ...] = ()


def find_waiting(workspace: Workspace, store: Store, goal: Goal) -> tuple[SliceRecord, ...]:
    """The slices of `goal` that have a worktree, no commit of their own, and no holder."""
    return _find_waiting(Snapshot(workspace, store, goal.plan))


def _find_waiting(snapshot: Snapshot) -> tuple[SliceRecord, ...]:
    return tuple(
        one
        for one in snapshot.records.values()
        if one.status == "provisioned"
        and not one.filling_operation
        and snapshot.find_tip(one) is not None
        and not snapshot.has_commits(one)
    )


def forward_slices(workspace: Workspace, store: Store, goal: Goal) -> Forwarded:
    """Move untouched slices of `goal` to the tip of its target, branch and worktree.

    Takes the topology lock for one slice at a time, and leaves the rest when somebody else has it:
    they move the next time. A slice with a commit or any uncommitted file stays where it is.
    """
    snapshot = Snapshot(workspace, store, goal.plan)
    commit = snapshot.target
    if commit is None:
        return Forwarded()
    moved: list[SliceId] = []
    warnings: list[str] = []
    for record in _choose_followers(workspace, goal.plan, _find_waiting(snapshot), commit):
        if find_bar(snapshot.find_faults(record, alone=True), HIDES_WORK):
            continue  # `status` and `doctor` tell of it
        try:
            if _forward(workspace, store, record, commit, snapshot.find_tip(record)):
                moved.append(record.slice_id)
        except (GitError, GitLockedError) as error:
            warnings.append(f"{record.slice_id} was not brought forward: {error.message}")
        # Somebody else has the lock: whoever moves the target next brings the rest.
        except BusyError:
            break
    return Forwarded(slice_ids=tuple(moved), warnings=tuple(warnings))


def forward_slice(
    workspace: Workspace,
    store: Store,
    record: SliceRecord,
    target_tip: Oid,
    start: Oid | None = None,
) -> SliceRecord:
    """Move one untouched slice, whoever has it, to `target_tip`; return what is recorded of it now.

    It is to be at `start`, which is its base unless somebody has brought it up to date by hand. A
    slice with commits, uncommitted or untracked files is left as it is, and one in whose worktree
    a git is at work. The caller holds the topology lock.
    """
    move = make_move(workspace, record, target_tip, start)
    if move is None:
        return record
    match move_branches(workspace, store, [move], [record]):
        case Moved(stuck=()):
            return structs.replace(record, base_commit=target_tip)
        case _:  # Somebody is at work in the worktree, or has the slice: so it is not untouched.
            return record


def _forward(
    workspace: Workspace, store: Store, record: SliceRecord, commit: Oid, start: Oid | None
) -> bool:
    # A slice that is being filled is not handed out: a claim waits until the operation has ended.
    operation = uuid.uuid4().hex
    busy = structs.replace(record, filling_operation=operation)
    with workspace.hold_operation(operation), recover_and_lock(workspace.without_wait(), store):
        if not store.swap_slice(record, busy):
            return False
        try:
            after = forward_slice(workspace, store, busy, commit, start)
        finally:
            # It may have been claimed meanwhile: nothing else of it is ours to write.
            with store.transaction():
                store.write_filled([busy])
    return after.base_commit == commit


def _choose_followers(
    workspace: Workspace, plan: Plan, records: Iterable[SliceRecord], commit: Oid
) -> list[SliceRecord]:
    bases = {record.base_commit for record in records} - {commit}
    following = {base for base in bases if follows_target(workspace, plan, base, commit)}
    return [record for record in records if record.base_commit in following]


def follows_target(workspace: Workspace, plan: Plan, base: Oid, target: Oid) -> bool:
    """Whether an untouched slice that starts from `base` is to move to `target`.

    It is, however the target has moved: a reset, an amended commit or another target leave it on
    commits that are in no slice, and would come back with its work. But where the plan was asked to
    start slices from elsewhere, they stay there until the target has come to it.
    """
    repo = workspace.repo
    return not is_planned_start(repo, plan, base) or is_ancestor(repo, base, target)


def make_move(
    workspace: Workspace, record: SliceRecord, target: Oid, start: Oid | None = None
) -> BranchMove | None:
    """What brings an untouched slice to `target`; None where it is there, or is to stay."""
    repo, branch, base = workspace.repo, record.branch_name, start or record.base_commit
    tip = find_tip(repo, branch)
    if tip != base or base == target:
        return None
    places = find_branch_worktrees(workspace, [branch]).get(branch, ())
    worktrees = read_branch_worktrees(repo, places)
    changes = read_tree_changes(repo, base, target)
    if any(one.edited for one in worktrees) or find_in_the_way(
        repo, record.slice_id, worktrees, changes
    ):
        return None
    change = SliceChange(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="forwarded",
        detail={"from": base, "to": target},
        base_commit=target,
    )
    return BranchMove(
        branch=branch,
        old=base,
        new=target,
        worktrees=tuple(str(one.path) for one in worktrees),
        changes=(change,),
    )
