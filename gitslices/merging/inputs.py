"""What a merge reads before it decides anything, and what a slice lacks for it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import Problem, RefusedError
from gitslices.core.model import FINISHED, BranchName, Oid, Slice, SliceId, SliceStatus
from gitslices.git.remotes import RemoteBranch, find_remote_branch
from gitslices.merging.branch_worktrees import (
    BranchWorktree,
    find_branch_worktrees,
    read_branch_worktrees,
)
from gitslices.remote.work import fetch_work
from gitslices.repo_commands.gates import choose_gates, choose_reviews, list_texts, read_proof
from gitslices.rules.evidence import find_missing_evidence
from gitslices.rules.merging import MergeCandidate
from gitslices.rules.worktree_faults import BARS_MERGE, Uncommitted, find_bar
from gitslices.slices.lookup import get_planned
from gitslices.slices.settings import read_settings
from gitslices.slices.snapshot import Snapshot
from gitslices.state.proofs import read_reviews
from gitslices.state.sharing import read_elsewhere
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.system.settings_tables import Settings
from gitslices.workspace import Workspace


def read_missing_evidence(
    workspace: Workspace, store: Store, goal: Goal, records: Iterable[SliceRecord]
) -> dict[SliceId, tuple[Problem, ...]]:
    """What keeps each of `records` from being merged: gates, required reviews, rejections."""
    settings = read_settings(workspace, goal.plan.target)
    gates, required = settings.gates, settings.review_requirements
    return {
        record.slice_id: _list_missing(workspace, store, goal, record, settings)
        for record in records
        if record.status not in FINISHED
        # Git is asked only where there is something to hold against its answer.
        and (gates or required or read_reviews(store, goal.goal_id, record.slice_id))
    }


def _list_missing(
    workspace: Workspace,
    store: Store,
    goal: Goal,
    record: SliceRecord,
    settings: Settings,
) -> tuple[Problem, ...]:
    try:
        proof = read_proof(workspace, store, goal, record, settings.gates)
    # A slice whose branch is gone keeps only itself out.
    except RefusedError as error:
        return (Problem(record.slice_id, error.message, error.hint),)
    required = choose_reviews(settings, goal, record)
    commands = list_texts(choose_gates(settings.gates, goal, record))
    return find_missing_evidence(proof, commands, required)


# Unasked, nothing is merged but what was declared done, or asked for before.
_TRIED = frozenset({"done", "conflicted"})


class MergeInputs(Struct, frozen=True, kw_only=True):
    """The target, its worktrees, and the slices to be merged, in the plan's order.

    What is of branches `elsewhere` other clones have pushed.
    `candidates` lacks slices that have no branch; `missing` is the evidence that the settings ask
    for and a slice lacks. `there` is the target where that is a remote's branch, which no worktree
    has at hand.
    """

    goal: Goal
    target: Oid
    wanted: tuple[Slice, ...]
    records: Mapping[SliceId, SliceRecord]
    candidates: Mapping[SliceId, MergeCandidate]
    statuses: Mapping[SliceId, SliceStatus]
    worktrees: tuple[BranchWorktree, ...]
    missing: Mapping[SliceId, tuple[Problem, ...]]
    there: RemoteBranch | None = None
    elsewhere: frozenset[BranchName] = frozenset()


def read_merge_inputs(
    workspace: Workspace, store: Store, goal: Goal, wanted: tuple[SliceId, ...] | None
) -> MergeInputs:
    """What there is of `wanted`; for None, of every slice that is done or met a conflict before.

    Raises `UnknownSliceError` for an id that the plan lacks.
    """
    repo, plan = workspace.repo, goal.plan
    others = read_elsewhere(store, plan.goal_id)
    known = store.read_slices(plan.goal_id) if others else ()
    elsewhere = [one for one in known if one.slice_id in others and one.status in _TRIED]
    if elsewhere:
        fetch_work(workspace, store, elsewhere)
    snapshot = Snapshot(workspace, store, plan)
    records = snapshot.records
    # A slice whose lease has lapsed is its holder's still, until somebody else has it.
    statuses = {one.slice_id: snapshot.find_recorded_status(one.slice_id) for one in plan.slices}
    chosen = _choose_slices(store, goal, wanted, statuses)
    there = find_remote_branch(repo, workspace.config, plan.target)
    return MergeInputs(
        goal=goal,
        target=snapshot.get_target(),
        wanted=chosen,
        records=records,
        candidates={
            one.slice_id: _read_candidate(
                snapshot, one, records[one.slice_id], statuses[one.slice_id]
            )
            for one in chosen
            if one.slice_id in records
        },
        # Merged by hand or on a forge, which nobody has recorded: what depends on it may go on.
        statuses=statuses | dict.fromkeys(snapshot.landed, "merged"),
        worktrees=()
        if there
        else read_branch_worktrees(repo, _find_target_worktrees(workspace, goal)),
        missing=read_missing_evidence(
            workspace,
            store,
            goal,
            [records[one.slice_id] for one in chosen if one.slice_id in records],
        ),
        there=there,
        elsewhere=frozenset(one.branch_name for one in elsewhere),
    )


def _find_target_worktrees(workspace: Workspace, goal: Goal) -> tuple[Path, ...]:
    """The worktrees that have the target of `goal` at hand."""
    target = goal.plan.target
    return find_branch_worktrees(workspace, [target]).get(target, ())


def _choose_slices(
    store: Store,
    goal: Goal,
    wanted: tuple[SliceId, ...] | None,
    statuses: Mapping[SliceId, SliceStatus],
) -> tuple[Slice, ...]:
    if wanted is None:
        return tuple(one for one in goal.plan.slices if statuses[one.slice_id] in _TRIED)
    ids = {get_planned(store, goal, id_).slice_id for id_ in wanted}
    return tuple(one for one in goal.plan.slices if one.slice_id in ids)


def _read_candidate(
    snapshot: Snapshot, slice_: Slice, record: SliceRecord, status: SliceStatus
) -> MergeCandidate:
    lease = snapshot.leases.get(record.slice_id)
    bar = find_bar(snapshot.find_faults(record), BARS_MERGE)
    # What is uncommitted keeps only these out, and `git status` takes long in a big worktree.
    counts = status in {"provisioned", "conflicted"}
    uncommitted = snapshot.read_uncommitted(record) if counts and not bar else Uncommitted()
    fault = bar or uncommitted.fault
    return MergeCandidate(
        slice=slice_,
        status=status,
        tip=snapshot.find_tip(record),
        late=snapshot.count_since_merge(record),
        base_commit=record.base_commit,
        holder=lease.holder if lease else None,
        edited=uncommitted.paths,
        fault=fault.problem if fault else None,
        landed=snapshot.find_landed(record),
        reverted_by=snapshot.find_reverting(record),
    )
