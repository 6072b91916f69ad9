"""Who did what: the events of goals and slices."""

from difflib import get_close_matches

from msgspec import Struct

from gitslices.errors import UnknownSliceError
from gitslices.ops.goals import choose_goal
from gitslices.state.store import Event, Store
from gitslices.workspace import Workspace


class LogRequest(Struct, frozen=True, kw_only=True):
    """None asks for every goal, every slice, or every event."""

    goal_id: str | None = None
    slice_id: str | None = None
    last: int | None = None


class LogReport(Struct, frozen=True, kw_only=True):
    """What `gitslices log --json` prints: the newest event last."""

    events: tuple[Event, ...]


def read_log(workspace: Workspace, request: LogRequest) -> LogReport:
    """The events that `request` asks for.

    Raises `InputError` for a goal that was never applied, `UnknownSliceError` for a slice of which
    neither a plan nor an event tells.
    """
    with workspace.open_store() as store:
        if request.goal_id is not None:
            choose_goal(store, request.goal_id)
        events = store.read_events(request.goal_id, request.slice_id, last=request.last)
        if request.slice_id is not None and not events:
            _refuse_unknown_slice(store, request.goal_id, request.slice_id)
    return LogReport(events=events)


def _refuse_unknown_slice(store: Store, goal_id: str | None, slice_id: str) -> None:
    ids = store.read_goal_ids() if goal_id is None else (goal_id,)
    goals = [choose_goal(store, id_) for id_ in ids]
    known = {str(slice_.slice_id) for goal in goals for slice_ in goal.plan.slices}
    if slice_id in known:
        return
    near = get_close_matches(slice_id, known, n=1)
    raise UnknownSliceError(
        f"no slice {slice_id!r} was ever planned",
        hint=f"the nearest is {near[0]!r}" if near else "see: gitslices log",
    )
