"""A slice kept from workers for now, and left to them again."""

from typing import Literal

from msgspec import Struct

from gitslices.core.errors import RefusedError, suggest
from gitslices.core.model import SliceId
from gitslices.ops.note import refuse_odd_text
from gitslices.remote.agreement import told
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_goal, get_planned, refuse_odd_name
from gitslices.state.leases import find_open_lease
from gitslices.state.on_hold import OnHold, delete_on_hold, read_on_hold, write_on_hold
from gitslices.state.store import Event, Store
from gitslices.workspace import Workspace


class HoldRequest(Struct, frozen=True, kw_only=True):
    """A slice to be kept from workers, who wants that and why; without a reason to be let go on."""

    slice_id: SliceId
    by: str
    goal_id: str | None = None
    reason: str | None = None


class HoldReport(Struct, frozen=True, kw_only=True):
    """What `gitslices hold --json` and `unhold --json` print.

    `reason` is null where the slice is on hold no more. `holder` has a lease on it, which stays.
    """

    goal_id: str
    slice_id: SliceId
    reason: str | None
    holder: str | None


@told
def hold(workspace: Workspace, request: HoldRequest) -> HoldReport:
    """Keep a slice from all claims, or let it go on, and log it; whoever has it keeps it.

    Raises `InputError` for a reason that is blank or too long, `RefusedError` for a slice that is
    to go on and is not on hold.
    """
    refuse_odd_name(request.by)
    if request.reason is not None:
        refuse_odd_text(request.reason)
    with workspace.open_store() as store:
        # Before the transaction: it may ask git.
        goal_id = choose_goal(workspace, store, request.goal_id, request.slice_id).goal_id
        with store.transaction():
            goal = get_goal(store, goal_id)
            slice_id = get_planned(store, goal, request.slice_id).slice_id
            if request.reason is None:
                _let_go_on(workspace, store, goal_id, slice_id, request.by)
            else:
                _keep(workspace, store, goal_id, slice_id, request.by, request.reason)
            lease = find_open_lease(store, goal_id, slice_id)
    return HoldReport(
        goal_id=goal_id,
        slice_id=slice_id,
        reason=request.reason,
        holder=lease.holder if lease else None,
    )


def _keep(
    workspace: Workspace, store: Store, goal_id: str, slice_id: SliceId, by: str, reason: str
) -> None:
    one = OnHold(goal_id=goal_id, slice_id=slice_id, reason=reason, held_by=by, at=workspace.now())
    write_on_hold(store, one)
    _log(store, one, "on-hold", reason=reason)


def _let_go_on(
    workspace: Workspace, store: Store, goal_id: str, slice_id: SliceId, by: str
) -> None:
    one = read_on_hold(store, goal_id).get(slice_id)
    if one is None:
        see = suggest("show", slice_id, goal_id=goal_id)
        raise RefusedError(f"slice {slice_id!r} is not on hold", hint=f"see: {see}")
    delete_on_hold(store, goal_id, slice_id)
    now = OnHold(
        goal_id=goal_id, slice_id=slice_id, reason=one.reason, held_by=by, at=workspace.now()
    )
    _log(store, now, "off-hold")


def _log(store: Store, one: OnHold, event: Literal["on-hold", "off-hold"], **detail: str) -> None:
    store.write_events(
        [
            Event(
                at=one.at, goal_id=one.goal_id, slice_id=one.slice_id, event=event,
                detail={"by": one.held_by, **detail},
            )
        ]
    )  # fmt: skip
