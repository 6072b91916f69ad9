"""A lease's deadline moved, or the slice given back before it is done."""

from msgspec import Struct

from gitslices.core.errors import BusyError, RefusedError, suggest
from gitslices.core.model import Oid, SliceId
from gitslices.ops.scope_requests import grant_landed
from gitslices.remote.agreement import agreed
from gitslices.slices.claims import free_slice, make_lease_event, require_lease
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import find_held, get_goal
from gitslices.state.journal import is_moving
from gitslices.state.leases import Ending, Lease, end_lease, find_open_lease, renew_lease
from gitslices.state.scope_requests import AskedScope, list_asked, read_open_requests
from gitslices.state.sharing import list_shared_goals, note_work
from gitslices.state.store import Event, Store
from gitslices.workspace import Workspace


class HeartbeatRequest(Struct, frozen=True, kw_only=True):
    """`ttl` None means as long as the claim, or the heartbeat before, asked for."""

    slice_id: SliceId
    token: int
    goal_id: str | None = None
    ttl: int | None = None


class HeartbeatReport(Struct, frozen=True, kw_only=True):
    """What `gitslices heartbeat --json` prints.

    `asked` is what others ask to write that the slice is in the way of.
    """

    ok: bool = True
    goal_id: str
    slice_id: SliceId
    holder: str
    token: int
    expires_at: str
    asked: tuple[AskedScope, ...] = ()


@agreed
def heartbeat(workspace: Workspace, request: HeartbeatRequest) -> HeartbeatReport:
    """Let the lease begin anew from now; raise `StaleTokenError` if it is somebody else's."""
    with workspace.open_store() as store:
        # Before the transaction: it may ask git.
        goal_id = choose_goal(workspace, store, request.goal_id, request.slice_id).goal_id
        tip = _push_work(workspace, store, goal_id, request.slice_id, request.token)
        with store.transaction():
            goal = get_goal(store, goal_id)
            slice_id = find_held(store, goal, request.slice_id)
            lease = require_lease(store, goal.goal_id, slice_id, request.token)
            note_work(store, goal_id, slice_id, tip)
            ttl = request.ttl or lease.ttl
            expires_at = workspace.after(ttl)
            renew_lease(store, lease.token, ttl=ttl, expires_at=expires_at)
        requests = read_open_requests(store)
        if any((one.goal_id, one.slice_id) == (goal_id, slice_id) for one in requests):
            grant_landed(workspace, store)
    return HeartbeatReport(
        goal_id=goal.goal_id,
        slice_id=slice_id,
        holder=lease.holder,
        token=lease.token,
        expires_at=expires_at,
        asked=list_asked(requests, goal_id, slice_id),
    )


class ReleaseRequest(Struct, frozen=True, kw_only=True):
    """A token, or None to open the slice whoever has it."""

    slice_id: SliceId
    token: int | None
    goal_id: str | None = None


class ReleaseReport(Struct, frozen=True, kw_only=True):
    """What `gitslices release --json` prints; no holder where the slice was done."""

    ok: bool = True
    goal_id: str
    slice_id: SliceId
    holder: str | None


@agreed
def release(workspace: Workspace, request: ReleaseRequest) -> ReleaseReport:
    """Open a slice for others; commits and uncommitted files stay for the next holder.

    Raises `StaleTokenError` for a token that is not the slice's, `RefusedError` where there is
    nothing to open.
    """
    with workspace.open_store() as store:
        # Before the transaction: it may ask git.
        goal_id = choose_goal(workspace, store, request.goal_id, request.slice_id).goal_id
        tip = _push_work(workspace, store, goal_id, request.slice_id, request.token)
        with store.transaction():
            goal = get_goal(store, goal_id)
            slice_id = find_held(store, goal, request.slice_id)
            if request.token is not None:
                require_lease(store, goal.goal_id, slice_id, request.token)
                note_work(store, goal_id, slice_id, tip)
            lease = find_open_lease(store, goal.goal_id, slice_id)
            if lease is None:
                _reopen(workspace, store, goal.goal_id, slice_id)
            else:
                _end(workspace, store, lease, forced=request.token is None)
        free_slice(workspace, store, goal.goal_id, slice_id)
    return ReleaseReport(
        goal_id=goal.goal_id, slice_id=slice_id, holder=lease.holder if lease else None
    )


def _push_work(
    workspace: Workspace, store: Store, goal_id: str, slice_id: SliceId, token: int | None
) -> Oid | None:
    """Push what a holder has committed of a slice of a shared goal; the last commit pushed."""
    if token is None or goal_id not in list_shared_goals(store):
        return None
    # Imported here for the sake of heartbeats of all other goals.
    from gitslices.remote.work import push_work

    lease, record = find_open_lease(store, goal_id, slice_id), store.find_slice(goal_id, slice_id)
    # Nothing of somebody who has lost the slice: the transaction tells of that.
    return (
        push_work(workspace, store, record) if record and lease and lease.token == token else None
    )


def _end(workspace: Workspace, store: Store, lease: Lease, *, forced: bool) -> None:
    ending: Ending = "freed" if forced else "released"
    end_lease(store, lease.token, at=workspace.now(), ending=ending)
    store.write_events([make_lease_event(workspace, "released", lease, forced=forced)])


def _reopen(workspace: Workspace, store: Store, goal_id: str, slice_id: SliceId) -> None:
    record = store.find_slice(goal_id, slice_id)
    if record is None or record.status not in {"done", "conflicted"}:
        see = suggest("status", goal_id=goal_id)
        raise RefusedError(f"nobody holds slice {slice_id!r}", hint=f"see: {see}")
    if is_moving(workspace.state_folder, goal_id, slice_id):
        raise BusyError(f"slice {slice_id!r} is being merged", hint="try again when it has ended")
    store.write_status(goal_id, slice_id, "provisioned")
    event = Event(at=workspace.now(), goal_id=goal_id, slice_id=slice_id, event="reopened",
                  detail={"status": record.status})  # fmt: skip
    store.write_events([event])
