"""Bring slices that nobody has begun forward to their target, branch and worktree.

Never all that stand: whoever merges would wait for hundreds of worktrees that nobody looks at. A
slice follows when it is claimed or entered, or when a merge has landed the last of what it waited
for.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from gitslices.core.errors import BusyError, GitError, GitLockedError
from gitslices.core.model import LANDED, BranchName, Change, Oid, Plan, SliceId
from gitslices.git.compare import read_tree_changes
from gitslices.git.read import read_tips
from gitslices.merging.branch_worktrees import (
    find_branch_worktrees,
    find_in_the_way,
    read_branch_worktrees,
)
from gitslices.merging.move_branches import Moved, move_branches
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.worktree_faults import HIDES_WORK, find_bar
from gitslices.slices.claim_state import find_followers
from gitslices.slices.snapshot import Snapshot
from gitslices.state.journal import BranchMove
from gitslices.state.landings import SliceChange
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace

_AT_A_TIME: Final = 8
"""So many slices move under one lock, and so many are set free by one merge."""


class Forwarded(Struct, frozen=True, kw_only=True):
    """The slices that were brought forward, and what kept others back that git could not move."""

    slice_ids: tuple[SliceId, ...] = ()
    warnings: tuple[str, ...] = ()


def forward_freed(
    workspace: Workspace, store: Store, goal: Goal, merged: frozenset[SliceId]
) -> Forwarded:
    """Do it for those slices whose turn has come because `merged` have landed: the first few."""
    snapshot = Snapshot(workspace, store, goal.plan)
    freed = (
        one.slice_id
        for one in goal.plan.slices
        if not merged.isdisjoint(one.dependencies)
        and all(snapshot.statuses[id_] in LANDED for id_ in one.dependencies)
    )
    return _forward(snapshot, goal.plan, frozenset(islice(freed, _AT_A_TIME)))


def forward_slices(
    workspace: Workspace, store: Store, goal: Goal, slice_ids: Collection[SliceId] | None = None
) -> Forwarded:
    """Move untouched slices of `goal`, all or those of `slice_ids`, to the tip of its target.

    The topology lock is held for a few at a time. A slice with a commit or any uncommitted file
    stays where it is, and so do the others where somebody else has the lock for too long.
    """
    snapshot = Snapshot(workspace, store, goal.plan)
    return _forward(snapshot, goal.plan, snapshot.records if slice_ids is None else slice_ids)


def _forward(snapshot: Snapshot, plan: Plan, slice_ids: Collection[SliceId]) -> Forwarded:
    commit = snapshot.target
    if commit is None:
        return Forwarded()
    asked = (one for id_, one in snapshot.records.items() if id_ in slice_ids)
    sound = [
        one
        for one in find_followers(snapshot, plan, asked)
        # `status` and `doctor` tell of the others.
        if not find_bar(snapshot.find_faults(one, alone=True), HIDES_WORK)
    ]
    moved: list[SliceId] = []
    warnings: list[str] = []
    # Who has the lock may move them; else they follow when they are claimed.
    with suppress(BusyError):
        for begin in range(0, len(sound), _AT_A_TIME):
            done = _forward_batch(snapshot, sound[begin : begin + _AT_A_TIME], commit)
            moved += done.slice_ids
            warnings += done.warnings
    return Forwarded(slice_ids=tuple(moved), warnings=tuple(warnings))


def forward_slice(
    workspace: Workspace, store: Store, record: SliceRecord, target_tip: Oid
) -> SliceRecord:
    """Move one untouched slice, whoever has it, to `target_tip`; return what is recorded of it now.

    A slice with commits, uncommitted or untracked files is left as it is, and one in whose worktree
    a git is at work. The caller holds the topology lock.
    """
    move = make_move(workspace, record, target_tip)
    if move is None:
        return record
    match move_branches(workspace, store, [move], [record]):
        case Moved(stuck=()):
            return structs.replace(record, base_commit=target_tip)
        case _:  # Somebody is at work in the worktree, or has the slice: so it is not untouched.
            return record


def _forward_batch(snapshot: Snapshot, batch: Sequence[SliceRecord], commit: Oid) -> Forwarded:
    try:
        return Forwarded(slice_ids=_move_together(snapshot, batch, commit))
    except (GitError, GitLockedError) as error:
        if len(batch) == 1:
            told = f"{batch[0].slice_id} was not brought forward: {error.message}"
            return Forwarded(warnings=(told,))
    # One transaction moves all branches, or none: those that can move do so by themselves.
    each = [_forward_batch(snapshot, [one], commit) for one in batch]
    return Forwarded(
        slice_ids=tuple(id_ for one in each for id_ in one.slice_ids),
        warnings=tuple(told for one in each for told in one.warnings),
    )


def _move_together(
    snapshot: Snapshot, batch: Sequence[SliceRecord], commit: Oid
) -> tuple[SliceId, ...]:
    workspace, store = snapshot.workspace, snapshot.store
    # A slice that is being filled is not handed out: a claim waits until the operation has ended.
    operation = uuid.uuid4().hex
    wanted = {one: structs.replace(one, filling_operation=operation) for one in batch}
    with workspace.hold_operation(operation), recover_and_lock(workspace, store):
        busy = [after for before, after in wanted.items() if store.swap_slice(before, after)]
        starts = {one.branch_name: tip for one in busy if (tip := snapshot.find_tip(one))}
        try:
            moves = _make_moves(workspace, busy, commit, starts)
            outcome = move_branches(workspace, store, moves, busy)
        finally:
            # They may have been claimed meanwhile: nothing else of them is ours to write.
            with store.transaction():
                store.write_filled(busy)
    if not isinstance(outcome, Moved):
        return ()
    stuck = {one.move.branch for one in outcome.stuck}
    going = {one.branch for one in moves} - stuck
    return tuple(one.slice_id for one in busy if one.branch_name in going)


def make_move(
    workspace: Workspace, record: SliceRecord, target: Oid, start: Oid | None = None
) -> BranchMove | None:
    """What brings an untouched slice to `target`; None where it is there, or is to stay.

    It is to be at `start`, which is its base unless somebody has brought it up to date by hand.
    """
    starts = {record.branch_name: start or record.base_commit}
    return next(iter(_make_moves(workspace, [record], target, starts)), None)


def _make_moves(
    workspace: Workspace,
    records: Sequence[SliceRecord],
    target: Oid,
    starts: Mapping[BranchName, Oid],
) -> list[BranchMove]:
    repo, tips = workspace.repo, read_tips(workspace.repo, starts)
    ready = [
        (record, start)
        for record in records
        if (start := starts[record.branch_name]) != target and start == tips.get(record.branch_name)
    ]
    if not ready:
        return []
    places = find_branch_worktrees(workspace, starts)
    changes = {start: read_tree_changes(repo, start, target) for start in {one for _, one in ready}}
    moves = (
        _make_move(
            workspace, record, (start, target), changes[start], places.get(record.branch_name, ())
        )
        for record, start in ready
    )
    return [move for move in moves if move is not None]


def _make_move(
    workspace: Workspace,
    record: SliceRecord,
    way: tuple[Oid, Oid],
    changes: Sequence[Change],
    places: Sequence[Path],
) -> BranchMove | None:
    worktrees = read_branch_worktrees(workspace.repo, places)
    if any(one.edited for one in worktrees) or find_in_the_way(
        workspace.repo, record.slice_id, worktrees, changes
    ):
        return None
    old, new = way
    change = SliceChange(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="forwarded",
        detail={"from": old, "to": new},
        base_commit=new,
    )
    return BranchMove(
        branch=record.branch_name,
        old=old,
        new=new,
        # Where both trees are alike neither files nor indexes have anywhere to go.
        worktrees=tuple(str(one.path) for one in worktrees) if changes else (),
        changes=(change,),
    )
