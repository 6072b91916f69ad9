"""What decides which slices of a goal may start: from the store, and from what git has told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gitslices.core.errors import Problem
from gitslices.core.model import Plan, SliceId
from gitslices.git.read import is_true
from gitslices.rules.claiming import ClaimState, Holding, Prefer, read_priority
from gitslices.rules.worktree_faults import BARS_WORK, find_bar
from gitslices.slices.snapshot import Snapshot
from gitslices.state.leases import Lease, read_open_leases
from gitslices.state.on_hold import read_on_hold
from gitslices.state.store import Goal, SliceRecord


def read_claim_state(
    snapshot: Snapshot,
    goal: Goal,
    faults: Mapping[SliceId, Problem],
    prefer: Prefer = "critical",
) -> ClaimState:
    """What decides about `goal` now; `faults` keep slices that have them from everybody.

    Once git's parts of `snapshot` have been read the store alone is asked, so it may be part of a
    transaction.
    """
    config = snapshot.workspace.config
    # Of all goals: their scopes meet in the same files.
    leases = read_open_leases(snapshot.store)
    on_hold = read_on_hold(snapshot.store, goal.goal_id)
    tasks = {task.id: task for task in goal.graph.tasks}
    planned = {one.slice_id: tasks.get(one.task_id) for one in goal.plan.slices}
    return ClaimState(
        plan=_add_allowed(goal.plan, snapshot.records),
        shared=goal.graph.unordered,
        statuses=snapshot.statuses,
        blocked=frozenset(
            id_ for id_, task in planned.items() if task and task.status == "blocked"
        ),
        on_hold={id_: one.reason for id_, one in on_hold.items()},
        priorities={id_: read_priority(task.metadata) for id_, task in planned.items() if task},
        prefer=prefer,
        faults=faults,
        holdings=tuple(_make_holdings(snapshot, goal, leases)),
        published=frozenset(snapshot.publications if goal.plan.start == "published" else ()),
        ignore_case=is_true(config.get("core.ignorecase")),
        precompose_unicode=is_true(config.get("core.precomposeunicode")),
    )


def _add_allowed(plan: Plan, records: Mapping[SliceId, SliceRecord]) -> Plan:
    if not any(record.allowed_scope for record in records.values()):
        return plan
    # Imported here for the sake of claims: few slices are allowed more, and it compiles scopes.
    from gitslices.slices.scopes import add_allowed

    return add_allowed(plan, records)


def find_work_bar(snapshot: Snapshot, record: SliceRecord) -> Problem | None:
    """Why nobody may be given a slice, by the state of its worktree; None where all is well."""
    bar = find_bar(snapshot.find_faults(record), BARS_WORK)
    return bar.problem if bar else None


def find_followers(
    snapshot: Snapshot, plan: Plan, records: Iterable[SliceRecord]
) -> tuple[SliceRecord, ...]:
    """Those of `records` that nobody has begun and that are not where their target is now."""
    target = snapshot.target
    waiting = [
        one
        for one in records
        if one.status == "provisioned" and not one.filling_operation
        if one.base_commit != target and snapshot.find_tip(one) and not snapshot.has_commits(one)
    ]
    if target is None or not waiting:
        return ()
    # Imported here for the sake of claims: it brings what reads scopes.
    from gitslices.slices.own_commits import follows_target

    repo, bases = snapshot.workspace.repo, {one.base_commit for one in waiting}
    following = {base for base in bases if follows_target(repo, plan, base, target)}
    return tuple(one for one in waiting if one.base_commit in following)


def _make_holdings(snapshot: Snapshot, own: Goal, leases: Sequence[Lease]) -> Iterator[Holding]:
    store, now = snapshot.store, snapshot.workspace.now()
    others = {one.goal_id for one in leases} - {own.goal_id}
    goals = {own.goal_id: own, **{goal_id: store.read_goal(goal_id) for goal_id in others}}
    for lease in leases:
        goal = goals[lease.goal_id]
        planned = goal.plan.slices if goal else ()
        named = (slice_ for slice_ in planned if slice_.slice_id == lease.slice_id)
        # The record first: it has what was allowed beyond the plan.
        held = store.find_slice(lease.goal_id, lease.slice_id) or next(named, None)
        if held is not None:
            yield Holding(
                goal_id=lease.goal_id,
                slice_id=lease.slice_id,
                holder=lease.holder,
                expires_at=lease.expires_at,
                lapsed=not lease.is_live(now),
                read_scope=held.read_scope,
                write_scope=held.write_scope,
                shared=goal.graph.unordered if goal else (),
            )
