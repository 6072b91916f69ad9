"""Whether all that a decision to move branches rests on is still as it was read.

A merge is made without the topology lock, for it may run gates for hours. Under the lock nothing is
decided anew: either everything is as before, or all is done again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from gitslices.core.model import BranchName, Change, Oid, SliceId
from gitslices.git.follow import is_midway
from gitslices.git.read import read_tips
from gitslices.merging.branch_worktrees import (
    BranchWorktree,
    find_branch_worktrees,
    find_in_the_way,
)
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


class Arrival(Struct, frozen=True, kw_only=True):
    """Changes that come to worktrees, from a slice or to it."""

    slice_id: SliceId
    worktrees: tuple[BranchWorktree, ...]
    changes: tuple[Change, ...]


class MoveBasis(Struct, frozen=True, kw_only=True):
    """What a decision to move branches rests on.

    `records` are the slices that it speaks of, `worktrees` those of each branch that is to move.
    The slices in `proven` had all their evidence.
    """

    goal: Goal
    records: tuple[SliceRecord, ...]
    tips: Mapping[BranchName, Oid]
    worktrees: Mapping[BranchName, tuple[Path, ...]]
    arrivals: tuple[Arrival, ...]
    proven: tuple[SliceRecord, ...] = ()


def is_as_before(workspace: Workspace, store: Store, basis: MoveBasis) -> bool:
    """Whether all of `basis` is as it was; the caller holds the topology lock.

    What costs most is asked last. Edits of tracked files are left to git: it refuses to overwrite
    them when the files move.
    """
    return (
        # No transaction around them: git must not run in one. Claims are seen again by the mover.
        are_as_recorded(store, basis.records)
        and store.read_goal(basis.goal.goal_id) == basis.goal
        and read_tips(workspace.repo, basis.tips) == basis.tips
        and _are_checked_out_as_before(workspace, basis)
        and not any(_is_blocked(workspace, one) for one in basis.arrivals)
        and _has_all_evidence(workspace, store, basis)
    )


def are_as_recorded(store: Store, records: Sequence[SliceRecord]) -> bool:
    """Whether the store has all of `records` as they are, leases included."""
    return all(store.find_slice(one.goal_id, one.slice_id) == one for one in records)


def _are_checked_out_as_before(workspace: Workspace, basis: MoveBasis) -> bool:
    found = find_branch_worktrees(workspace, basis.worktrees)
    # None before is compared, too: in a worktree that has the branch since, files would stay
    # behind.
    return all(found.get(branch, ()) == paths for branch, paths in basis.worktrees.items())


def _is_blocked(workspace: Workspace, arrival: Arrival) -> bool:
    """Whether something has come that is in the way.

    An ignored file, say, which git would overwrite without a word; or somebody has begun a merge.
    """
    now = [structs.replace(one, midway=is_midway(one.path)) for one in arrival.worktrees]
    return find_in_the_way(workspace.repo, arrival.slice_id, now, arrival.changes) is not None


def _has_all_evidence(workspace: Workspace, store: Store, basis: MoveBasis) -> bool:
    if not basis.proven:
        return True
    # Imported here for the sake of claims, which move a slice that nothing is proven of.
    from gitslices.merging.inputs import read_missing_evidence

    return not any(read_missing_evidence(workspace, store, basis.goal, basis.proven).values())
