"""Record what somebody thinks of a slice's commit."""

from msgspec import Struct

from gitslices.core.errors import RefusedError, suggest
from gitslices.core.model import SliceId
from gitslices.git.read import find_tip
from gitslices.rules.evidence import Review, Verdict
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_slice, refuse_odd_name
from gitslices.state.proofs import add_review
from gitslices.state.store import Event
from gitslices.workspace import Workspace


class ReviewRequest(Struct, frozen=True, kw_only=True):
    """A verdict of one kind of review; it counts for the commit the slice's branch is at."""

    slice_id: SliceId
    kind: str
    reviewer: str
    verdict: Verdict
    note: str = ""
    goal_id: str | None = None


def review(workspace: Workspace, request: ReviewRequest) -> Review:
    """Record a review; raise `RefusedError` where the slice has no commit to speak of."""
    refuse_odd_name(request.reviewer)
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        id_ = get_slice(goal, request.slice_id).slice_id
        record = store.find_slice(goal.goal_id, id_)
        commit = find_tip(workspace.repo, record.branch_name) if record else None
        if commit is None:
            see = suggest("status", goal_id=goal.goal_id)
            raise RefusedError(f"slice {id_!r} has no branch", hint=f"see: {see}")
        made = Review(
            goal_id=goal.goal_id,
            slice_id=id_,
            kind=request.kind,
            reviewer=request.reviewer,
            verdict=request.verdict,
            note=request.note,
            commit=commit,
            at=workspace.now(),
        )
        event = Event(
            at=made.at, goal_id=goal.goal_id, slice_id=id_, event="reviewed",
            detail={"kind": made.kind, "by": made.reviewer, "verdict": made.verdict,
                    "commit": commit},
        )  # fmt: skip
        with store.transaction():
            add_review(store, made)
            store.write_events([event])
    return made
