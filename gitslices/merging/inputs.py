"""What a merge reads before it decides anything."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import Problem
from gitslices.core.model import BranchName, Oid, Slice, SliceId, SliceStatus
from gitslices.git.read import read_tips
from gitslices.git.uncommitted import find_uncommitted
from gitslices.merging.branch_worktrees import (
    BranchWorktree,
    find_branch_worktrees,
    read_branch_worktrees,
)
from gitslices.merging.evidence import read_missing_evidence
from gitslices.rules.merging import MergeCandidate
from gitslices.slices.location import make_finder
from gitslices.slices.lookup import find_slice
from gitslices.slices.situation import find_landed
from gitslices.slices.target import read_target
from gitslices.state.leases import Lease, read_open_leases
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace

_TRIED = frozenset({"done", "conflicted"})


class MergeInputs(Struct, frozen=True, kw_only=True):
    """The target, its worktrees, and the slices to be merged, in the plan's order.

    `candidates` lacks slices that have no branch; `missing` is the evidence that the settings ask
    for and a slice lacks.
    """

    goal: Goal
    target: Oid
    wanted: tuple[Slice, ...]
    records: Mapping[SliceId, SliceRecord]
    candidates: Mapping[SliceId, MergeCandidate]
    statuses: Mapping[SliceId, SliceStatus]
    worktrees: tuple[BranchWorktree, ...]
    missing: Mapping[SliceId, tuple[Problem, ...]]


def read_merge_inputs(
    workspace: Workspace, store: Store, goal: Goal, wanted: tuple[SliceId, ...] | None
) -> MergeInputs:
    """What there is of `wanted`; for None, of every slice that is done or met a conflict before.

    Raises `UnknownSliceError` for an id that the plan lacks.
    """
    repo, plan = workspace.repo, goal.plan
    records = {record.slice_id: record for record in store.read_slices(goal.goal_id)}
    landed = find_landed(workspace, list(records.values()), plan.target)
    statuses: dict[SliceId, SliceStatus] = {
        one.slice_id: records[one.slice_id].status if one.slice_id in records else "planned"
        for one in plan.slices
    }
    tips = read_tips(repo, (record.branch_name for record in records.values()))
    leases = {lease.slice_id: lease for lease in read_open_leases(store, goal.goal_id)}
    chosen = _choose_slices(goal, wanted, statuses)
    statuses |= dict.fromkeys(landed, "merged")
    return MergeInputs(
        goal=goal,
        target=read_target(repo, plan.target),
        wanted=chosen,
        records=records,
        candidates={
            one.slice_id: _read_candidate(
                workspace, one, records[one.slice_id], tips, leases.get(one.slice_id)
            )
            for one in chosen
            if one.slice_id in records
        },
        statuses=statuses,
        worktrees=read_branch_worktrees(repo, find_target_worktrees(workspace, goal)),
        missing=read_missing_evidence(
            workspace,
            store,
            goal,
            [records[one.slice_id] for one in chosen if one.slice_id in records],
        ),
    )


def find_target_worktrees(workspace: Workspace, goal: Goal) -> tuple[Path, ...]:
    """The worktrees that have the target of `goal` at hand."""
    target = goal.plan.target
    return find_branch_worktrees(workspace, [target]).get(target, ())


def _choose_slices(
    goal: Goal, wanted: tuple[SliceId, ...] | None, statuses: Mapping[SliceId, SliceStatus]
) -> tuple[Slice, ...]:
    if wanted is None:
        return tuple(one for one in goal.plan.slices if statuses[one.slice_id] in _TRIED)
    ids = {find_slice(goal, id_).slice_id for id_ in wanted}
    return tuple(one for one in goal.plan.slices if one.slice_id in ids)


def _read_candidate(
    workspace: Workspace,
    slice_: Slice,
    record: SliceRecord,
    tips: Mapping[BranchName, Oid],
    lease: Lease | None,
) -> MergeCandidate:
    counts = record.status in {"provisioned", "conflicted"}
    return MergeCandidate(
        slice=slice_,
        status=record.status,
        tip=tips.get(record.branch_name),
        base_commit=record.base_commit,
        holder=lease.holder if lease else None,
        edited=(
            find_uncommitted(workspace.repo, make_finder(workspace)(record).worktree)
            if counts
            else ()
        ),
    )
