"""Bring slices that nobody has begun forward to the target."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from msgspec import structs

from gitslices.fence import Change
from gitslices.git.compare import read_tree_changes
from gitslices.git.read import HEADS, find_commit, is_ancestor
from gitslices.model import Oid
from gitslices.ops.move import (
    Checkout,
    find_checkouts,
    find_in_the_way,
    look_at_checkouts,
    move_branches,
)
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
