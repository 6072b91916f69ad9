"""What decides which slices of a goal may start: read from the store and from git."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from gitslices.core.model import LANDABLE, BranchName, Oid, SliceId, SliceStatus, settle_status
from gitslices.git.read import find_tip, is_true, read_merged, read_tips
from gitslices.git.reflog import Stretch, find_worked
from gitslices.rules.claiming import Holding, Situation
from gitslices.state.leases import Lease, read_open_leases
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


def find_landed(
    workspace: Workspace, records: Sequence[SliceRecord], target: BranchName
) -> frozenset[SliceId]:
    """The slices that have commits of their own, all in `target` already, whoever merged them."""
    if not any(one.status in LANDABLE for one in records):
        return frozenset()
    tip = find_tip(workspace.repo, target)
    return find_landed_in(workspace, records, target, tip) if tip else frozenset()


def find_landed_in(
    workspace: Workspace, records: Sequence[SliceRecord], target: BranchName, tip: Oid
) -> frozenset[SliceId]:
    """The same where the last commit of the target is known."""
    waiting = {one.branch_name: one for one in records if one.status in LANDABLE}
    started = find_stretches(records, read_tips(workspace.repo, waiting))
    merged = {name: started[name] for name in read_merged(workspace.repo, tip, list(started))}
    worked = find_worked(workspace.repo, merged, target)
    return frozenset(waiting[name].slice_id for name in worked)


def find_stretches(
    records: Iterable[SliceRecord], tips: Mapping[BranchName, Oid]
) -> dict[BranchName, Stretch]:
    """What has become of the branches that have left their base, and may have landed."""
    return {
        one.branch_name: Stretch(one.base_commit, tip)
        for one in records
        if one.status in LANDABLE
        and (tip := tips.get(one.branch_name)) is not None
        and tip != one.base_commit
    }


def read_situation(
    workspace: Workspace,
    store: Store,
    goal: Goal,
    landed: frozenset[SliceId],
    without: Collection[SliceId] = (),
) -> Situation:
    """What decides about `goal` now; asks the store only, so it may be part of a transaction.

    The slices in `without` count as blocked.
    """
    now = workspace.now()
    leases = read_open_leases(store)
    records = store.read_slices()
    blocked = {task.id for task in goal.graph.tasks if task.status == "blocked"}
    return Situation(
        plan=goal.plan,
        shared=goal.graph.shared,
        statuses=_find_statuses(goal, records, leases, landed, now),
        blocked=frozenset(
            one.slice_id
            for one in goal.plan.slices
            if one.task_id in blocked or one.slice_id in without
        ),
        holdings=tuple(_make_holdings(store, goal, leases, records, now)),
        ignore_case=is_true(workspace.config.get("core.ignorecase")),
        precompose_unicode=is_true(workspace.config.get("core.precomposeunicode")),
    )


def _find_statuses(
    goal: Goal,
    records: Sequence[SliceRecord],
    leases: Sequence[Lease],
    landed: frozenset[SliceId],
    now: str,
) -> dict[SliceId, SliceStatus]:
    known = {one.slice_id: one.status for one in records if one.goal_id == goal.goal_id}
    leased = {one.slice_id for one in leases if one.goal_id == goal.goal_id and one.is_live(now)}
    ids = [slice_.slice_id for slice_ in goal.plan.slices]
    return {
        id_: settle_status(known.get(id_), leased=id_ in leased, landed=id_ in landed)
        for id_ in ids
    }


def _make_holdings(
    store: Store,
    own: Goal,
    leases: Sequence[Lease],
    records: Sequence[SliceRecord],
    now: str,
) -> Iterator[Holding]:
    others = {one.goal_id for one in leases} - {own.goal_id}
    goals = {own.goal_id: own, **{goal_id: store.read_goal(goal_id) for goal_id in others}}
    by_id = {(record.goal_id, record.slice_id): record for record in records}
    for lease in leases:
        goal = goals[lease.goal_id]
        planned = goal.plan.slices if goal else ()
        named = (slice_ for slice_ in planned if slice_.slice_id == lease.slice_id)
        held = by_id.get((lease.goal_id, lease.slice_id)) or next(named, None)
        if held is not None:
            yield Holding(
                goal_id=lease.goal_id,
                slice_id=lease.slice_id,
                holder=lease.holder,
                expires_at=lease.expires_at,
                lapsed=not lease.is_live(now),
                read_scope=held.read_scope,
                write_scope=held.write_scope,
                shared=goal.graph.shared if goal else (),
            )
