"""A lease on the slice that a claim means, once there is one to be had."""

import time
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct, structs

from gitslices.core.errors import (
    LeaseHeldError,
    NothingLeftError,
    NothingReadyError,
    Problem,
    RefusedError,
)
from gitslices.core.model import Slice, SliceId, SliceStatus
from gitslices.ops.choice import choose_entrant, explain_none_ready
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.claiming import Entrant, Prefer, find_best, find_entrant_urgency
from gitslices.slices.claim_state import find_work_bar, read_claim_state
from gitslices.slices.claims import (
    find_shown_token,
    free_slice,
    make_lease_event,
    shorten_deadlines,
)
from gitslices.slices.goals import choose_goal, choose_goals, refuse_closed
from gitslices.slices.location import WorktreeMap
from gitslices.slices.lookup import get_goal, get_planned, get_slice
from gitslices.slices.marks import find_mark
from gitslices.slices.snapshot import Snapshot
from gitslices.state.journal import is_moving
from gitslices.state.leases import (
    Lease,
    add_lease,
    end_lease,
    find_open_lease,
    renew_lease,
)
from gitslices.state.sharing import bound_token, take_work
from gitslices.state.store import Goal, Store
from gitslices.workspace import Workspace

Refused = Mapping[SliceId, RefusedError]
"""Slices that were found out of order, and how."""

DEFAULT_TTL: Final = 30 * 60
_SHORTEST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


class ClaimRequest(Struct, frozen=True, kw_only=True):
    """`slice_id` None leaves the choice to `claim`; `ttl` and `wait` are seconds.

    `resume` says which lease of its own the holder gets back, with its token: none, the one on the
    slice whose worktree is at hand, or any, where a slice is named that on this one. With `fetch`
    the target is fetched first; None leaves that to the settings. `prefer` says which slice goes
    first where none is named.
    """

    holder: str
    slice_id: SliceId | None = None
    goal_id: str | None = None
    resume: Literal["none", "here", "any"] = "none"
    ttl: int = DEFAULT_TTL
    wait: float = 0
    fetch: bool | None = False
    prefer: Prefer = "critical"


class Granted(Struct, frozen=True):
    """A lease just opened; `former` is the status before it, None where there was no record.

    `resumed` where the holder had it before. The leases that have `lapsed` were ended for it.
    """

    goal: Goal
    slice: Slice
    lease: Lease
    former: SliceStatus | None = None
    resumed: bool = False
    lapsed: tuple[Lease, ...] = ()


def wait_for_grant(
    workspace: Workspace, store: Store, request: ClaimRequest, refused: Refused
) -> Granted:
    """Open a lease as soon as there is one to be had, within `request.wait` seconds.

    Raises what kept it out at last: `NothingReadyError`, `LeaseHeldError`, or `RefusedError` for a
    slice whose worktree is not in order.
    """
    give_up = time.monotonic() + request.wait
    pause = _SHORTEST_PAUSE
    while True:
        try:
            granted = _grant(workspace, store, request, refused)
            if granted is not None:
                return granted
            continue
        # It is a NothingReadyError, too, but no waiting helps.
        except NothingLeftError:
            raise
        except (NothingReadyError, LeaseHeldError):
            left = give_up - time.monotonic()
            if left <= 0:
                raise
        time.sleep(min(left, pause))
        if workspace.agreement is not None:
            workspace.agreement.renew(store)
        # Longer each time: workers wait by the dozen, and each look reads the whole goal.
        pause = min(2 * pause, _LONGEST_PAUSE)


def _grant(
    workspace: Workspace, store: Store, request: ClaimRequest, refused: Refused
) -> Granted | None:
    """Open a lease; None where the slice has just been merged or moved, and all is to be seen anew.

    Raises `NothingReadyError` or `LeaseHeldError` where there is none to be had, `RefusedError`
    for a slice whose worktree is not in order.
    """
    shorten_deadlines(workspace, store)
    faults = {id_: error.problems[0] for id_, error in refused.items()}
    goal, snapshot = _choose_goal(workspace, store, request, faults)
    refuse_closed(goal)
    snapshot.get_target()
    if (own := _find_own_lease(snapshot, request)) is not None:
        return _resume(snapshot, goal, own, request)
    if request.slice_id is not None:
        get_planned(store, goal, request.slice_id)
    # First without the write lock: most of those who wait find nothing, and keep out nobody.
    state = read_claim_state(snapshot, goal, faults, request.prefer)
    first = choose_entrant(goal, state, request.slice_id, waited=bool(request.wait))
    _refuse_out_of_order(snapshot, first.slice.slice_id)
    with store.transaction():
        goal = get_goal(store, goal.goal_id)
        refuse_closed(goal)
        now = snapshot.read_store_again(goal.plan)
        state = read_claim_state(now, goal, faults, request.prefer)
        chosen = choose_entrant(goal, state, request.slice_id, waited=bool(request.wait))
        # The worktree of the first has been looked at: everybody else would wait while git is asked
        # again.
        if chosen.slice.slice_id != first.slice.slice_id:
            _refuse_out_of_order(now, chosen.slice.slice_id)
        if not is_moving(workspace.state_folder, goal.goal_id, chosen.slice.slice_id):
            lapsed = _end_lapsed(workspace, store, chosen)
            granted = _open_lease(workspace, store, goal, chosen, request)
            return structs.replace(granted, lapsed=lapsed)
    # Outside the transaction: whoever moves the slice writes to the store before the lock is free.
    with recover_and_lock(workspace, store):
        return None


def _choose_goal(
    workspace: Workspace, store: Store, request: ClaimRequest, faults: Mapping[SliceId, Problem]
) -> tuple[Goal, Snapshot]:
    """The goal of the slice that is asked for; of all under way, the one with the most urgent.

    Raises `NothingReadyError` where several have none that is ready.
    """
    if request.slice_id is not None:
        goals: tuple[Goal, ...] = (
            choose_goal(workspace, store, request.goal_id, request.slice_id),
        )
    else:
        goals = choose_goals(workspace, store, request.goal_id)
    worktrees = WorktreeMap(workspace)
    views = [(one, Snapshot(workspace, store, one.plan, worktrees=worktrees)) for one in goals]
    if len(views) == 1:
        return views[0]
    for view in views:
        if _find_own_lease(view[1], request) is not None:
            return view
    # One without a target is not to keep the others waiting; `status` tells of it.
    states = [
        (view, read_claim_state(view[1], view[0], faults, request.prefer))
        for view in views
        if view[1].target
    ]
    bests = [(view, best) for view, state in states if (best := find_best(state)) is not None]
    if bests:
        return min(bests, key=lambda one: find_entrant_urgency(request.prefer, one[1]))[0]
    raise explain_none_ready([state for _, state in states], waited=bool(request.wait))


def _find_own_lease(snapshot: Snapshot, request: ClaimRequest) -> Lease | None:
    """The lease that the holder has already and is to get back, be it that it has lapsed."""
    if request.resume == "none":
        return None
    planned = {one.slice_id for one in snapshot.plan.slices}
    own = {
        id_: lease
        for id_, lease in snapshot.leases.items()
        if lease.holder == request.holder and id_ in planned
    }
    if request.slice_id is not None:
        return own.get(request.slice_id)
    opened_from = snapshot.store.opened_from
    mark = find_mark(opened_from) if own and opened_from else None
    if mark is not None and mark.goal_id == snapshot.plan.goal_id and mark.slice_id in own:
        return own[mark.slice_id]
    return next(iter(own.values()), None) if request.resume == "any" else None


def _resume(snapshot: Snapshot, goal: Goal, own: Lease, request: ClaimRequest) -> Granted | None:
    """Let the holder's lease begin anew; None where it has ended meanwhile."""
    workspace, store = snapshot.workspace, snapshot.store
    _refuse_out_of_order(snapshot, own.slice_id)
    expires_at = workspace.after(request.ttl)
    with store.transaction():
        lease = find_open_lease(store, own.goal_id, own.slice_id)
        if lease is None or lease.token != own.token:
            return None
        renew_lease(store, lease.token, ttl=request.ttl, expires_at=expires_at)
        lease = structs.replace(lease, ttl=request.ttl, expires_at=expires_at)
        event = make_lease_event(workspace, "resumed", lease, expires_at=expires_at)
        store.write_events([event])
    return Granted(goal, get_slice(goal, lease.slice_id), lease, resumed=True)


def _refuse_out_of_order(snapshot: Snapshot, id_: SliceId) -> None:
    record = snapshot.records.get(id_)
    problem = find_work_bar(snapshot, record) if record else None
    if problem is not None:
        raise RefusedError(f"slice {id_!r} is not in order", problems=[problem])


def _end_lapsed(workspace: Workspace, store: Store, chosen: Entrant) -> tuple[Lease, ...]:
    """End the lapsed leases that this claim goes against; their holders' tokens are stale now."""
    ended = []
    in_the_way = [contact.holding for contact in chosen.contacts]
    for holding in (*in_the_way, *([chosen.holding] if chosen.holding else [])):
        lease = find_open_lease(store, holding.goal_id, holding.slice_id)
        if lease is not None:
            end_lease(store, lease.token, at=workspace.now(), ending="lapsed")
            store.write_events([make_lease_event(workspace, "lapsed", lease)])
            ended.append(lease)
    return tuple(ended)


def _open_lease(
    workspace: Workspace, store: Store, goal: Goal, chosen: Entrant, request: ClaimRequest
) -> Granted:
    id_ = chosen.slice.slice_id
    record = store.find_slice(goal.goal_id, id_)
    store.write_status(goal.goal_id, id_, "provisioned")
    tokens = bound_token(store, goal.goal_id, find_shown_token(workspace, store, record))
    take_work(store, goal.goal_id, id_)
    lease = add_lease(
        store,
        Lease(
            token=0,
            goal_id=goal.goal_id,
            slice_id=id_,
            holder=request.holder,
            ttl=request.ttl,
            claimed_at=workspace.now(),
            expires_at=workspace.after(request.ttl),
        ),
        above=tokens.above,
        below=tokens.below,
    )
    store.write_events([make_lease_event(workspace, "claimed", lease, expires_at=lease.expires_at)])
    return Granted(goal, chosen.slice, lease, record.status if record else None)


def revoke_lease(workspace: Workspace, store: Store, granted: Granted) -> None:
    """End the lease, unless another has been granted since; the slice has its status of before."""
    lease = granted.lease
    with store.transaction():
        open_lease = find_open_lease(store, lease.goal_id, lease.slice_id)
        if open_lease is None or open_lease.token != lease.token:
            return
        end_lease(store, lease.token, at=workspace.now(), ending="failed")
        store.write_events([make_lease_event(workspace, "failed", lease)])
        if granted.former is not None:
            store.write_status(lease.goal_id, lease.slice_id, granted.former)
    free_slice(workspace, store, lease.goal_id, lease.slice_id)
