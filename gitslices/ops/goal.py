"""Goals: which there are, one ended before all its slices are, opened again, called otherwise."""

from collections import Counter
from functools import partial

from msgspec import Struct

from gitslices.core.errors import InputError, Problem, RefusedError, suggest
from gitslices.core.model import GONE, SliceStatus
from gitslices.graph.rules import find_id_fault
from gitslices.recovery.recovery import recover_and_lock
from gitslices.remote.agreement import agreed, told
from gitslices.rules.progress import GoalState
from gitslices.slices.claims import free_slice, make_lease_event
from gitslices.slices.goals import read_goal_state
from gitslices.slices.location import WorktreeMap
from gitslices.slices.looks import look_at_each
from gitslices.slices.lookup import get_goal, refuse_none_applied
from gitslices.slices.renaming import rename_goal
from gitslices.slices.snapshot import Snapshot
from gitslices.state.leases import end_lease
from gitslices.state.sharing import list_shared_goals
from gitslices.state.store import Event, Goal, Store
from gitslices.workspace import Workspace


class GoalEntry(Struct, frozen=True, kw_only=True):
    """A goal: how far it is, and how many of its slices have which status."""

    goal_id: str
    state: GoalState
    target: str
    slices: dict[SliceStatus, int]
    applied_at: str
    closed_at: str | None


class GoalsReport(Struct, frozen=True, kw_only=True):
    """All goals, the one applied first in front."""

    goals: tuple[GoalEntry, ...]


class GoalReport(Struct, frozen=True, kw_only=True):
    """What became of a goal: `renamed_from` is the id that it had."""

    goal: GoalEntry
    renamed_from: str | None = None


@told
def list_goals(workspace: Workspace) -> GoalsReport:
    """Every goal that was ever applied; reads only."""
    with workspace.open_store() as store:
        goals, worktrees = store.read_goals(), WorktreeMap(workspace)
        refuse_none_applied(goals)
        return GoalsReport(
            goals=tuple(_describe(workspace, store, goal, worktrees) for goal in goals)
        )


@agreed
def close_goal(workspace: Workspace, goal_id: str) -> GoalReport:
    """End a goal: it keeps its record, and nothing of it is asked for or given out any more.

    Raises `RefusedError` while somebody has one of its slices, or one has work that is not in the
    target.
    """
    with workspace.open_store() as store, recover_and_lock(workspace, store):
        goal = get_goal(store, goal_id)
        snapshot = Snapshot(workspace, store, goal.plan)
        problems = (*_find_held(snapshot), *_find_unmerged(snapshot))
        if problems:
            raise RefusedError(f"goal {goal_id!r} is not closed", problems=problems)
        with store.transaction():
            # A claim takes the store's lock alone: it may have come since.
            again = snapshot.read_store_again(goal.plan)
            if held := _find_held(again):
                raise RefusedError(f"goal {goal_id!r} is not closed", problems=held)
            _end_lapsed(again)
            _write_closed(workspace, store, goal, workspace.now())
        for lease in snapshot.leases.values():
            free_slice(workspace, store, lease.goal_id, lease.slice_id)
        return _report(workspace, store, goal_id)


@agreed
def reopen_goal(workspace: Workspace, goal_id: str) -> GoalReport:
    """Take back that a goal was closed; raise `RefusedError` where it was not."""
    with workspace.open_store() as store, recover_and_lock(workspace, store):
        goal = get_goal(store, goal_id)
        if goal.closed_at is None:
            state = read_goal_state(Snapshot(workspace, store, goal.plan), goal)
            raise RefusedError(
                f"goal {goal_id!r} is {state.replace('-', ' ')}, not closed",
                hint="open one of its slices again: gitslices reopen SLICE"
                if state == "finished"
                else None,
            )
        with store.transaction():
            _write_closed(workspace, store, goal, None)
        return _report(workspace, store, goal_id)


def rename(workspace: Workspace, goal_id: str, new_id: str) -> GoalReport:
    """Call a goal otherwise; its branches and worktrees keep their names.

    Raises `RefusedError` while somebody has one of its slices, `InputError` for an id that is
    taken, or that can be none.
    """
    if fault := find_id_fault(new_id):
        raise InputError(f"no goal can be called {new_id!r}: {fault}")
    with workspace.open_store() as store, recover_and_lock(workspace, store):
        goal = get_goal(store, goal_id)
        if new_id in store.read_goal_ids():
            raise InputError(f"there is a goal {new_id!r} already", hint="choose another id")
        if goal_id in list_shared_goals(store):
            raise RefusedError(
                f"goal {goal_id!r} is shared, and others go by that name",
                hint="close it, and share its graph under another one",
            )
        # Whoever works on it goes by the id of now.
        if held := _find_held(Snapshot(workspace, store, goal.plan)):
            raise RefusedError(f"goal {goal_id!r} is not renamed", problems=held)
        rename_goal(workspace, store, goal, new_id)
        with store.transaction():
            _write_event(workspace, store, new_id, "goal-renamed", {"from": goal_id})
        report = _report(workspace, store, new_id)
    return GoalReport(goal=report.goal, renamed_from=goal_id)


def _report(workspace: Workspace, store: Store, goal_id: str) -> GoalReport:
    goal = get_goal(store, goal_id)
    return GoalReport(goal=_describe(workspace, store, goal, WorktreeMap(workspace)))


def _describe(workspace: Workspace, store: Store, goal: Goal, worktrees: WorktreeMap) -> GoalEntry:
    snapshot = Snapshot(workspace, store, goal.plan, worktrees=worktrees)
    planned = Counter(snapshot.statuses[one.slice_id] for one in goal.plan.slices)
    return GoalEntry(
        goal_id=goal.goal_id,
        state=read_goal_state(snapshot, goal),
        target=goal.plan.target,
        slices=dict(planned),
        applied_at=goal.applied_at,
        closed_at=goal.closed_at,
    )


def _find_held(snapshot: Snapshot) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            id_,
            f"{lease.holder} has it until {lease.expires_at}",
            f"free it with: {suggest('release', id_, '--force', goal_id=lease.goal_id)}",
        )
        for id_, lease in snapshot.live_leases.items()
    )


def _find_unmerged(snapshot: Snapshot) -> tuple[Problem, ...]:
    """Slices with work that closing would leave behind, committed or not."""
    held = snapshot.live_leases
    standing = [
        one
        for id_, one in snapshot.records.items()
        if one.status not in GONE and id_ not in held and snapshot.statuses[id_] != "merged"
    ]
    progress = look_at_each(snapshot, partial(Snapshot.progress_of, snapshot), standing)
    goal_id = snapshot.plan.goal_id
    return tuple(
        Problem(
            one.slice_id,
            f"it has work that is not in {snapshot.plan.target}",
            f"merge it, or give it up (it can be brought back): "
            f"{suggest('remove', one.slice_id, '--force', goal_id=goal_id)}",
        )
        for one in standing
        if progress[one.slice_id] == "started"
    )


def _end_lapsed(snapshot: Snapshot) -> None:
    """End the leases that have lapsed, so that no heartbeat brings one back to life."""
    workspace, store = snapshot.workspace, snapshot.store
    for lease in snapshot.leases.values():
        end_lease(store, lease.token, at=workspace.now(), ending="lapsed")
        store.write_events([make_lease_event(workspace, "lapsed", lease)])


def _write_closed(workspace: Workspace, store: Store, goal: Goal, closed_at: str | None) -> None:
    store.execute("UPDATE goals SET closed_at = ? WHERE goal_id = ?", (closed_at, goal.goal_id))
    _write_event(workspace, store, goal.goal_id, "goal-closed" if closed_at else "goal-reopened")


def _write_event(
    workspace: Workspace,
    store: Store,
    goal_id: str,
    event: str,
    detail: dict[str, str] | None = None,
) -> None:
    made = Event(
        at=workspace.now(), goal_id=goal_id, slice_id=None, event=event, detail=detail or {}
    )
    store.write_events([made])
