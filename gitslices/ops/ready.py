"""What could be claimed now, and what the other slices wait for."""

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from gitslices.core.errors import Problem
from gitslices.core.model import FINISHED, Cost, SliceId, SliceStatus
from gitslices.rules.claiming import CLAIMABLE, ClaimState, Entrant, Holding, list_entrants
from gitslices.rules.progress import describe_finished
from gitslices.slices.claim_state import find_work_bar, read_claim_state
from gitslices.slices.goals import choose_goal
from gitslices.slices.snapshot import Snapshot
from gitslices.workspace import Workspace


class ReadySlice(Struct, frozen=True, kw_only=True):
    """A slice that may start; `remaining` is the cost of the longest way from it to the end."""

    slice_id: SliceId
    title: str
    status: SliceStatus
    wave: int
    remaining: Cost


class WaitingSlice(Struct, frozen=True, kw_only=True):
    """A slice that may not, and why."""

    slice_id: SliceId
    status: SliceStatus
    waits_for: tuple[SliceId, ...]
    reason: str


class ReadyReport(Struct, frozen=True, kw_only=True):
    """What `gitslices ready --json` prints: the slice that `claim` would give comes first."""

    goal_id: str
    ready: tuple[ReadySlice, ...]
    waiting: tuple[WaitingSlice, ...]


def ready(workspace: Workspace, goal_id: str | None) -> ReadyReport:
    """What could be claimed of one goal; reads only.

    Raises `InputError` where its target is gone.
    """
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, goal_id)
        snapshot = Snapshot(workspace, store, goal.plan)
        snapshot.get_target()
        state = read_claim_state(snapshot, goal, _find_faults(snapshot))
    entrants = list_entrants(state)
    return ReadyReport(
        goal_id=goal.goal_id,
        ready=tuple(_describe(entrant) for entrant in entrants if entrant.is_ready),
        waiting=tuple(
            WaitingSlice(
                slice_id=entrant.slice.slice_id,
                status=entrant.status,
                waits_for=entrant.waits_for,
                reason=explain_wait(entrant, state),
            )
            for entrant in _list_waiting(entrants)
        ),
    )


def _find_faults(snapshot: Snapshot) -> dict[SliceId, Problem]:
    """What is wrong with the worktrees of those slices that could be claimed but for that."""
    open_ = [one for id_, one in snapshot.records.items() if snapshot.statuses[id_] in CLAIMABLE]
    bars = snapshot.look_at_each(partial(find_work_bar, snapshot, alone=True), open_)
    return {id_: bar for id_, bar in bars.items() if bar is not None}


def list_wait_problems(entrants: Sequence[Entrant], state: ClaimState) -> tuple[Problem, ...]:
    """What each unfinished slice waits for, for a refusal."""
    return tuple(
        Problem(entrant.slice.slice_id, explain_wait(entrant, state))
        for entrant in _list_waiting(entrants)
    )


def explain_wait(entrant: Entrant, state: ClaimState) -> str:
    """Why a slice cannot start now, in words."""
    if entrant.status == "claimed" and entrant.holding:
        return f"held by {describe_holder(entrant.holding)}"
    if entrant.status in FINISHED:
        return describe_finished(entrant.status)
    if entrant.waits_for:
        return "waits for " + ", ".join(
            f"{needed} ({state.statuses[needed]})" for needed in entrant.waits_for
        )
    if entrant.blocked:
        return "blocked in the task graph"
    if entrant.fault and entrant.status in CLAIMABLE:
        return entrant.fault.message
    if contact := entrant.kept_out_by:
        whose = describe_slice(contact.holding, state)
        return f"shares {contact.path} with {whose}, held by {describe_holder(contact.holding)}"
    return "waits to be merged" if entrant.status == "done" else "its merge met a conflict"


def describe_holder(holding: Holding) -> str:
    """Who has it, and until when."""
    return f"{holding.holder} until {holding.expires_at}"


def describe_slice(holding: Holding, state: ClaimState) -> str:
    """Which slice is held, with its goal where that is another one."""
    elsewhere = holding.goal_id != state.plan.goal_id
    return f"{holding.slice_id} of goal {holding.goal_id}" if elsewhere else holding.slice_id


def _list_waiting(entrants: Sequence[Entrant]) -> list[Entrant]:
    return [one for one in entrants if not one.is_ready and one.status not in FINISHED]


def _describe(entrant: Entrant) -> ReadySlice:
    return ReadySlice(
        slice_id=entrant.slice.slice_id,
        title=entrant.slice.title,
        status=entrant.status,
        wave=entrant.slice.wave,
        remaining=entrant.remaining,
    )
