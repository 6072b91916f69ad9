"""Which slice a claim means, and why there is none to be had."""

from collections.abc import Sequence

from msgspec import structs

from gitslices.core.errors import LeaseHeldError, NothingLeftError, NothingReadyError, suggest
from gitslices.core.model import FINISHED, SliceId
from gitslices.ops.ready import describe_holder, describe_slice, explain_wait, list_wait_problems
from gitslices.rules.claiming import ClaimState, Entrant, find_best, find_entrant, list_entrants
from gitslices.rules.progress import describe_finished
from gitslices.slices.lookup import get_slice
from gitslices.state.store import Goal


def choose_entrant(
    goal: Goal, state: ClaimState, slice_id: SliceId | None, *, waited: bool
) -> Entrant:
    """The slice of that id, or the most urgent, if it may be claimed now.

    Raises `NothingReadyError` or `LeaseHeldError`; `waited` says that the claim has waited already.
    """
    if slice_id is not None:
        chosen = find_entrant(state, get_slice(goal, slice_id).slice_id)
        _refuse_unless_free(goal, chosen, state, waited=waited)
        return chosen
    best = find_best(state)
    if best is not None:
        return best
    raise explain_none_ready([state], waited=waited)


def explain_none_ready(states: Sequence[ClaimState], *, waited: bool) -> NothingReadyError:
    """What there is to wait for; where all is finished or waits to be merged, that."""
    ids = ", ".join(repr(state.plan.goal_id) for state in states)
    statuses = [status for state in states for status in state.statuses.values()]
    goal = f"goal {ids}" if len(states) == 1 else f"goals {ids}"
    if all(status in FINISHED for status in statuses):
        verb = "is" if len(states) == 1 else "are"
        return NothingLeftError(
            f"{goal} {verb} finished: no slice is left to claim",
            hint="see: gitslices status --finished",
        )
    if all(status in {"done", *FINISHED} for status in statuses):
        raise NothingLeftError(
            f"no slice of {goal} is left to claim",
            hint="take in what is done: gitslices merge --all",
        )
    return NothingReadyError(
        f"no slice of {goal} is ready",
        hint=None if waited else "wait for one with --wait",
        problems=[
            structs.replace(one, place=f"{state.plan.goal_id}/{one.place}")
            if len(states) > 1
            else one
            for state in states
            for one in list_wait_problems(list_entrants(state), state)
        ],
    )


def _refuse_unless_free(goal: Goal, entrant: Entrant, state: ClaimState, *, waited: bool) -> None:
    """Let pass what is ready, and a slice whose merge met a conflict, for somebody to mend."""
    id_ = entrant.slice.slice_id
    free = suggest("release", id_, "--force", goal_id=goal.goal_id)
    if entrant.status in FINISHED:
        raise NothingLeftError(
            f"slice {id_!r}: {describe_finished(entrant.status)}",
            hint=f"to work on it again: {suggest('reopen', id_, goal_id=goal.goal_id)}",
        )
    if entrant.status == "done":
        raise NothingLeftError(
            f"slice {id_!r} is done already",
            hint=f"to work on it again, open it first: {free}",
        )
    if entrant.status == "claimed" and entrant.holding:
        raise LeaseHeldError(
            f"slice {id_!r} is held by {describe_holder(entrant.holding)}",
            hint=f"take it over once it lapses, or free it with: {free}",
        )
    if entrant.on_hold is not None:
        raise NothingReadyError(
            f"slice {id_!r} is on hold: {entrant.on_hold}",
            hint=f"let it go on: {suggest('unhold', id_, goal_id=goal.goal_id)}",
        )
    if entrant.blocked or entrant.waits_for:
        raise NothingReadyError(
            f"slice {id_!r} is not ready: {explain_wait(entrant, state)}",
            hint=f"see what is: {suggest('ready', goal_id=goal.goal_id)}",
        )
    if contact := entrant.kept_out_by:
        other = describe_slice(contact.holding, state)
        raise LeaseHeldError(
            f"slice {id_!r} shares {contact.path!r} with slice {other}, which is held by "
            f"{describe_holder(contact.holding)}",
            hint="take another slice"
            if waited
            else "wait for its release with --wait, or take another slice",
        )
