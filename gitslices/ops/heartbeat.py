"""Move the deadline of a lease."""

from msgspec import Struct

from gitslices.core.model import SliceId
from gitslices.slices.claims import require_lease
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import find_held, get_goal
from gitslices.state.leases import renew_lease
from gitslices.workspace import Workspace


class HeartbeatRequest(Struct, frozen=True, kw_only=True):
    """`ttl` None means as long as the claim, or the heartbeat before, asked for."""

    slice_id: SliceId
    token: int
    goal_id: str | None = None
    ttl: int | None = None


class HeartbeatReport(Struct, frozen=True, kw_only=True):
    """What `gitslices heartbeat --json` prints."""

    ok: bool = True
    goal_id: str
    slice_id: SliceId
    holder: str
    token: int
    expires_at: str


def heartbeat(workspace: Workspace, request: HeartbeatRequest) -> HeartbeatReport:
    """Let the lease begin anew from now; raise `StaleTokenError` if it is somebody else's."""
    with workspace.open_store() as store:
        # Before the transaction: it may ask git.
        goal_id = choose_goal(workspace, store, request.goal_id, request.slice_id).goal_id
        with store.transaction():
            goal = get_goal(store, goal_id)
            slice_id = find_held(store, goal, request.slice_id)
            lease = require_lease(store, goal.goal_id, slice_id, request.token)
            ttl = request.ttl or lease.ttl
            expires_at = workspace.after(ttl)
            renew_lease(store, lease.token, ttl=ttl, expires_at=expires_at)
    return HeartbeatReport(
        goal_id=goal.goal_id,
        slice_id=slice_id,
        holder=lease.holder,
        token=lease.token,
        expires_at=expires_at,
    )
