"""What could be claimed now, and what the other slices wait for."""

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from gitslices.core.errors import Problem
from gitslices.core.model import FINISHED, Cost, SliceId, SliceStatus
from gitslices.remote.agreement import told
from gitslices.rules.claiming import (
    CLAIMABLE,
    ClaimState,
    Entrant,
    Holding,
    Prefer,
    find_urgency,
    list_entrants,
)
from gitslices.rules.progress import describe_finished
from gitslices.slices.claim_state import find_work_bar, read_claim_state
from gitslices.slices.goals import GoalSummary, choose_goals, summarize_goal
from gitslices.slices.location import WorktreeMap
from gitslices.slices.looks import look_at_each
from gitslices.slices.snapshot import Snapshot
from gitslices.slices.target import read_target
from gitslices.state.store import Goal
from gitslices.workspace import Workspace


class ReadySlice(Struct, frozen=True, kw_only=True):
    """A slice that may start; `remaining` is the cost of the longest way from it to the end.

    `priority` is that of its task, the smaller the more urgent.
    """

    goal_id: str
    slice_id: SliceId
    title: str
    status: SliceStatus
    wave: int
    remaining: Cost
    priority: float


class WaitingSlice(Struct, frozen=True, kw_only=True):
    """A slice that may not, and why."""

    goal_id: str
    slice_id: SliceId
    status: SliceStatus
    waits_for: tuple[SliceId, ...]
    reason: str


class ReadyReport(Struct, frozen=True, kw_only=True):
    """What `gitslices ready --json` prints: the slice that `claim` would give comes first.

    `goal_id` is null where `goals` are several; each slice names its own.
    """

    goal_id: str | None
    goals: tuple[GoalSummary, ...]
    ready: tuple[ReadySlice, ...]
    waiting: tuple[WaitingSlice, ...]


@told
def ready(workspace: Workspace, goal_id: str | None, prefer: Prefer = "critical") -> ReadyReport:
    """What could be claimed of one goal, or of all under way; reads only.

    Raises `InputError` where the target of the only one is gone.
    """
    with workspace.open_store() as store:
        goals, worktrees = choose_goals(workspace, store, goal_id), WorktreeMap(workspace)
        parts = [
            _read_goal(Snapshot(workspace, store, goal.plan, worktrees=worktrees), goal, prefer)
            for goal in goals
        ]
        if len(parts) == 1:
            read_target(workspace.repo, goals[0].plan.target)
    found = [one for part in parts for one in part.ready]
    return ReadyReport(
        goal_id=goals[0].goal_id if len(goals) == 1 else None,
        goals=tuple(summary for part in parts for summary in part.goals),
        # Stable: of equal ones the goal that was applied first goes first, for every worker alike.
        ready=tuple(sorted(found, key=partial(find_ready_urgency, prefer))),
        waiting=tuple(one for part in parts for one in part.waiting),
    )


def find_ready_urgency(prefer: Prefer, one: ReadySlice) -> tuple[float, str, float]:
    """What ready slices of any goal are sorted by, the most urgent in front."""
    return find_urgency(
        prefer, slice_id=one.slice_id, remaining=one.remaining, priority=one.priority
    )


def _read_goal(snapshot: Snapshot, goal: Goal, prefer: Prefer) -> ReadyReport:
    state = read_claim_state(snapshot, goal, _find_faults(snapshot), prefer)
    entrants = list_entrants(state)
    summary = summarize_goal(snapshot, goal)
    # Of a goal that has lost its target, or was closed, nothing is given out.
    bar = "its goal is closed" if goal.closed_at else None
    bar = f"there is no branch {goal.plan.target!r} to merge into" if summary.problem else bar
    return ReadyReport(
        goal_id=goal.goal_id,
        goals=(summary,),
        ready=tuple(
            _describe(goal.goal_id, entrant) for entrant in entrants if entrant.is_ready and not bar
        ),
        waiting=tuple(
            WaitingSlice(
                goal_id=goal.goal_id,
                slice_id=entrant.slice.slice_id,
                status=entrant.status,
                waits_for=entrant.waits_for,
                reason=bar or explain_wait(entrant, state),
            )
            for entrant in entrants
            if (bar or not entrant.is_ready) and entrant.status not in FINISHED
        ),
    )


def _find_faults(snapshot: Snapshot) -> dict[SliceId, Problem]:
    """What is wrong with the worktrees of those slices that could be claimed but for that."""
    open_ = [one for id_, one in snapshot.records.items() if snapshot.statuses[id_] in CLAIMABLE]
    bars = look_at_each(snapshot, partial(find_work_bar, snapshot), open_)
    return {id_: bar for id_, bar in bars.items() if bar is not None}


def list_wait_problems(entrants: Sequence[Entrant], state: ClaimState) -> tuple[Problem, ...]:
    """What each unfinished slice waits for, for a refusal."""
    return tuple(
        Problem(entrant.slice.slice_id, explain_wait(entrant, state))
        for entrant in entrants
        if not entrant.is_ready and entrant.status not in FINISHED
    )


def explain_if_waiting(entrant: Entrant, state: ClaimState) -> str | None:
    """The same; None for a slice that can start, or needs no start any more."""
    if entrant.is_ready or entrant.status in FINISHED:
        return None
    return explain_wait(entrant, state)


def explain_wait(entrant: Entrant, state: ClaimState) -> str:
    """Why a slice cannot start now, in words."""
    if entrant.status == "claimed" and entrant.holding:
        return f"held by {describe_holder(entrant.holding)}"
    if entrant.status in FINISHED:
        return describe_finished(entrant.status)
    if entrant.on_hold is not None:
        return f"on hold: {entrant.on_hold}"
    if entrant.waits_for:
        return "waits for " + ", ".join(
            f"{needed} ({_describe_needed(needed, state)})" for needed in entrant.waits_for
        )
    if entrant.blocked:
        return "blocked in the task graph"
    if entrant.fault and entrant.status in CLAIMABLE:
        return entrant.fault.message
    if contact := entrant.kept_out_by:
        whose = describe_slice(contact.holding, state)
        return f"shares {contact.path} with {whose}, held by {describe_holder(contact.holding)}"
    return "waits to be merged" if entrant.status == "done" else "its merge met a conflict"


def _describe_needed(needed: SliceId, state: ClaimState) -> str:
    status = state.statuses[needed]
    is_behind = status == "done" and state.plan.start == "published"
    return "done, not published" if is_behind and needed not in state.published else status


def describe_holder(holding: Holding) -> str:
    """Who has it, and until when."""
    return f"{holding.holder} until {holding.expires_at}"


def describe_slice(holding: Holding, state: ClaimState) -> str:
    """Which slice is held, with its goal where that is another one."""
    elsewhere = holding.goal_id != state.plan.goal_id
    return f"{holding.slice_id} of goal {holding.goal_id}" if elsewhere else holding.slice_id


def _describe(goal_id: str, entrant: Entrant) -> ReadySlice:
    return ReadySlice(
        goal_id=goal_id,
        slice_id=entrant.slice.slice_id,
        title=entrant.slice.title,
        status=entrant.status,
        wave=entrant.slice.wave,
        remaining=entrant.remaining,
        priority=entrant.priority,
    )
