"""Bring slices that nobody has begun forward to the target."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from msgspec import structs

from gitslices.git.compare import Change, read_tree_changes
from gitslices.git.read import HEADS, find_commit, is_ancestor, read_branches
from gitslices.model import Oid, SliceId
from gitslices.ops.move import (
    Checkout,
    find_checkouts,
    find_in_the_way,
    look_at_checkouts,
    move_branches,
)
from gitslices.ops.topology import hold_topology
from gitslices.state.journal import Move
from gitslices.state.landings import SliceChange
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


def forward_slice(
    workspace: Workspace, store: Store, record: SliceRecord, target_tip: Oid
) -> SliceRecord:
    """Move one untouched slice, whoever has it, to `target_tip`; return what is recorded of it now.

    A slice with commits, uncommitted or untracked files is left as it is. The caller holds the
    topology lock.
    """
    tip = find_commit(workspace.repo, HEADS + record.branch_name)
    behind = tip == record.base_commit != target_tip
    moves = _make_moves(workspace, [record] if behind else [], target_tip)
    stuck = move_branches(workspace, store, moves)
    return structs.replace(record, base_commit=target_tip) if moves and not stuck else record


def forward_slices(workspace: Workspace, store: Store, goal_id: str) -> tuple[SliceId, ...]:
    """Move every slice of the goal that waits untouched to the target; return those moved.

    Untouched means: nobody has claimed it, its branch is where it was made, and its worktree holds
    nothing of its own.
    """
    goal = store.read_goal(goal_id)
    if goal is None:
        return ()
    with hold_topology(workspace, store):
        target = find_commit(workspace.repo, HEADS + goal.plan.target)
        if target is None:
            return ()
        tips = read_branches(workspace.repo, [workspace.prefix])
        waiting = [
            record
            for record in store.read_slices(goal_id)
            if record.status == "provisioned"
            and not record.filler
            and record.base_commit != target
            and tips.get(record.branch_name) == record.base_commit
        ]
        moves = _make_moves(workspace, waiting, target)
        stuck = {one.move.branch for one in move_branches(workspace, store, moves)}
    return tuple(move.changes[0].slice_id for move in moves if move.branch not in stuck)


def _make_moves(workspace: Workspace, waiting: Sequence[SliceRecord], target: Oid) -> list[Move]:
    repo = workspace.repo
    steps: dict[Oid, tuple[Change, ...]] = {
        base: read_tree_changes(repo, base, target)
        for base in {record.base_commit for record in waiting}
        if is_ancestor(repo, base, target)
    }
    behind = [record for record in waiting if record.base_commit in steps]
    places = find_checkouts(repo) if behind else {}
    worktrees = [places.get(record.branch_name, ()) for record in behind]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        looked = pool.map(partial(look_at_checkouts, repo), worktrees)
        return [
            make_move(workspace, record, target, checkouts)
            for record, checkouts in zip(behind, looked, strict=True)
            if not any(one.edited for one in checkouts)
            and not find_in_the_way(record.slice_id, checkouts, steps[record.base_commit])
        ]


def make_move(
    workspace: Workspace, record: SliceRecord, target: Oid, checkouts: Sequence[Checkout]
) -> Move:
    """What brings an untouched slice with these checkouts to `target`."""
    change = SliceChange(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="forwarded",
        detail={"from": record.base_commit, "to": target},
        base_commit=target,
    )
    return Move(
        branch=record.branch_name,
        old=record.base_commit,
        new=target,
        worktrees=tuple(str(one.worktree) for one in checkouts),
        changes=(change,),
    )
