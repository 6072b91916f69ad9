"""Give a slice to a worker: until a deadline, and to nobody else before that."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType, structs

from gitslices.core.errors import (
    InputError,
    LeaseHeldError,
    NothingLeftError,
    NothingReadyError,
    Problem,
    RefusedError,
)
from gitslices.core.model import BranchName, Oid, Slice, SliceId, SliceStatus
from gitslices.git.worktrees import is_filled
from gitslices.ops.choice import choose_entrant, explain_none_ready
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.claiming import Entrant, find_best
from gitslices.slices.briefing import Briefing, make_briefing
from gitslices.slices.claim_state import find_work_bar, read_claim_state
from gitslices.slices.claims import (
    Work,
    find_shown_token,
    find_work,
    free_slice,
    hold_slice,
    make_lease_event,
    shorten_deadlines,
    show_token,
    warn_of_dropped_base,
)
from gitslices.slices.environment import describe_setup, list_writable_roots
from gitslices.slices.goals import choose_goal, choose_goals, refuse_closed
from gitslices.slices.location import WorktreeMap
from gitslices.slices.lookup import get_goal, get_slice
from gitslices.slices.marks import find_mark
from gitslices.slices.snapshot import Snapshot
from gitslices.slices.target import read_target
from gitslices.state.journal import is_moving
from gitslices.state.leases import (
    Lease,
    add_lease,
    end_lease,
    find_open_lease,
    renew_lease,
)
from gitslices.state.store import Goal, Store
from gitslices.workspace import Workspace

_Refused = Mapping[SliceId, RefusedError]

DEFAULT_TTL: Final = 30 * 60
_MAX_HOLDER: Final = 200
_SHORTEST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


class ClaimRequest(Struct, frozen=True, kw_only=True):
    """`slice_id` None leaves the choice to `claim`; `ttl` and `wait` are seconds.

    `resume` says which lease of its own the holder gets back, with its token: none, the one on the
    slice whose worktree is at hand, or any, where a slice is named that on this one.
    """

    holder: str
    slice_id: SliceId | None = None
    goal_id: str | None = None
    resume: Literal["none", "here", "any"] = "none"
    ttl: int = DEFAULT_TTL
    wait: float = 0


class ClaimReport(Briefing, frozen=True, kw_only=True):
    """What `gitslices claim --json` prints.

    `work` is there where the slice was begun before, `resumed` where the holder had the lease
    already, `warnings` where its worktree is not as it should be.
    """

    holder: str
    token: int
    expires_at: str
    worktree_path: str
    branch_name: BranchName
    base_commit: Oid
    read_scope: tuple[str, ...]
    write_scope: tuple[str, ...]
    writable_roots: tuple[str, ...]
    resumed: bool | UnsetType = UNSET
    work: Work | UnsetType = UNSET
    warnings: tuple[str, ...] | UnsetType = UNSET


class _Granted(Struct, frozen=True):
    """A lease just opened; `former` is the status before it, None where there was no record.

    `resumed` where the holder had it before. The leases that have `lapsed` were ended for it.
    """

    goal: Goal
    slice: Slice
    lease: Lease
    former: SliceStatus | None = None
    resumed: bool = False
    lapsed: tuple[Lease, ...] = ()


def claim(workspace: Workspace, request: ClaimRequest) -> ClaimReport:
    """Lease a ready slice to `request.holder`, provisioned and on its target where untouched.

    Without a `slice_id` it is the one with the longest remaining path; a slice whose worktree is
    not in order is passed over, and told of. Raises `NothingReadyError` or `LeaseHeldError` once
    `request.wait` is over, `InputError` where the target is gone; then nothing has changed.
    """
    _refuse_odd_holder(request.holder)
    refused: dict[SliceId, RefusedError] = {}
    with workspace.open_store() as store:
        while True:
            try:
                granted = _wait_for_grant(workspace, store, request, refused)
                return _add_refused(_settle(workspace, store, granted), refused)
            except NothingReadyError as error:
                raise next(iter(refused.values()), error) from None
            except RefusedError as error:
                id_ = _find_passed_over(error)
                if request.slice_id is not None or id_ is None or id_ in refused:
                    raise
                refused[id_] = error


def _find_passed_over(error: RefusedError) -> SliceId | None:
    """The one slice that is not in order; None where something else is in the way."""
    # Of that very class: what is derived from it tells of a lease, a gate or of trust instead.
    places = {one.place for one in error.problems}
    return SliceId(places.pop()) if type(error) is RefusedError and len(places) == 1 else None


def _add_refused(report: ClaimReport, refused: _Refused) -> ClaimReport:
    if not refused:
        return report
    known = () if report.warnings is UNSET else report.warnings
    passed = (
        f"{id_} was passed over: {error.problems[0].message}" for id_, error in refused.items()
    )
    return structs.replace(report, warnings=(*known, *passed))


def _settle(workspace: Workspace, store: Store, granted: _Granted) -> ClaimReport:
    try:
        # Whatever happens, Ctrl-C as well: a lease whose token nobody was told would keep the slice
        # until it lapses.
        return _hand_over(workspace, store, granted)
    except BaseException:
        if not granted.resumed:
            _revoke_lease(workspace, store, granted)
        raise


def _revoke_lease(workspace: Workspace, store: Store, granted: _Granted) -> None:
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


def _refuse_odd_holder(holder: str) -> None:
    if not holder.strip() or not holder.isprintable() or len(holder) > _MAX_HOLDER:
        raise InputError(
            f"{holder[:_MAX_HOLDER]!r} names no holder",
            hint=f"choose 1 to {_MAX_HOLDER} printable characters",
        )


def _wait_for_grant(
    workspace: Workspace, store: Store, request: ClaimRequest, refused: _Refused
) -> _Granted:
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
        # Longer each time: workers wait by the dozen, and each look reads the whole goal.
        pause = min(2 * pause, _LONGEST_PAUSE)


def _grant(
    workspace: Workspace, store: Store, request: ClaimRequest, refused: _Refused
) -> _Granted | None:
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
    # First without the write lock: most of those who wait find nothing, and keep out nobody.
    first = choose_entrant(
        goal, read_claim_state(snapshot, goal, faults), request.slice_id, waited=bool(request.wait)
    )
    _refuse_out_of_order(snapshot, first.slice.slice_id)
    with store.transaction():
        goal = get_goal(store, goal.goal_id)
        refuse_closed(goal)
        now = snapshot.read_store_again(goal.plan)
        chosen = choose_entrant(
            goal, read_claim_state(now, goal, faults), request.slice_id, waited=bool(request.wait)
        )
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
        (view, read_claim_state(view[1], view[0], faults)) for view in views if view[1].target
    ]
    bests = [(view, best) for view, state in states if (best := find_best(state)) is not None]
    if bests:
        return max(bests, key=lambda one: one[1].remaining)[0]
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


def _resume(snapshot: Snapshot, goal: Goal, own: Lease, request: ClaimRequest) -> _Granted | None:
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
    return _Granted(goal, get_slice(goal, lease.slice_id), lease, resumed=True)


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
) -> _Granted:
    id_ = chosen.slice.slice_id
    record = store.find_slice(goal.goal_id, id_)
    store.write_status(goal.goal_id, id_, "provisioned")
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
        above=find_shown_token(workspace, store, record),
    )
    store.write_events([make_lease_event(workspace, "claimed", lease, expires_at=lease.expires_at)])
    return _Granted(goal, chosen.slice, lease, record.status if record else None)


def _hand_over(workspace: Workspace, store: Store, granted: _Granted) -> ClaimReport:
    goal, lease = granted.goal, granted.lease
    target_tip = read_target(workspace.repo, goal.plan.target)
    warnings: tuple[str, ...] = ()
    record = store.find_slice(goal.goal_id, lease.slice_id)
    if record is None or record.filling_operation or not is_filled(Path(record.worktree_path)):
        warnings = _provision(workspace, store, granted, target_tip)
        lease = _start_anew(workspace, store, lease)
        record = store.find_slice(goal.goal_id, lease.slice_id)
        assert record is not None, "a slice that is provisioned is recorded"  # noqa: S101
    elif record.needs_setup:
        warnings = (describe_setup(workspace, record),)
    if record.base_commit != target_tip:
        # Imported here: it brings with it all that moves branches.
        from gitslices.ops.forward import follows_target, forward_slice

        with recover_and_lock(workspace, store):
            # Whoever had the lock before may have moved it.
            record = store.find_slice(goal.goal_id, lease.slice_id) or record
            target_tip = read_target(workspace.repo, goal.plan.target)
            if follows_target(workspace, goal.plan, record.base_commit, target_tip):
                record = forward_slice(workspace, store, record, target_tip)
    show_token(workspace, record, lease)
    hold_slice(workspace, record)
    for one in granted.lapsed:
        free_slice(workspace, store, one.goal_id, one.slice_id)
    briefing = make_briefing(workspace, store, goal, granted.slice, lease)
    work = find_work(workspace, store, record, target_tip, lease)
    if work is not None:
        warnings += warn_of_dropped_base(workspace, goal, record, target_tip)
    return ClaimReport(
        **structs.asdict(briefing),
        holder=lease.holder,
        token=lease.token,
        expires_at=lease.expires_at,
        worktree_path=record.worktree_path,
        branch_name=record.branch_name,
        base_commit=record.base_commit,
        read_scope=record.read_scope,
        write_scope=record.write_scope,
        writable_roots=list_writable_roots(workspace, record),
        resumed=granted.resumed or UNSET,
        work=work or UNSET,
        warnings=warnings or UNSET,
    )


def _provision(
    workspace: Workspace, store: Store, granted: _Granted, target_tip: Oid
) -> tuple[str, ...]:
    """Make the slice's branch and worktree, or complete them; return what went amiss.

    They start from where the target is now: what the slice waited for has landed since the plan.
    """
    # A slice is provisioned once and claimed often: its claims go without these imports.
    from gitslices.ops.provision import SlicesOrder, order_slices, provision, raise_failures
    from gitslices.provisioning.wanted import Wanted
    from gitslices.repo_commands.setup import SetupRequest, set_up

    goal_id, slice_ = granted.goal.goal_id, granted.slice
    wanted = Wanted(
        goal_id=goal_id, slices=(slice_,), base=target_tip, target=granted.goal.plan.target
    )

    def choose(operation: str) -> SlicesOrder:
        # As the goal was applied: one full worktree among sparse ones may not fit on the disk.
        sparse = any(record.sparse for record in store.read_slices(goal_id))
        return order_slices(workspace, store, wanted, operation, sparse=sparse)

    made = provision(workspace, store, choose)
    raise_failures(made.failures, 1)
    setup = set_up(workspace, SetupRequest(goal_id=goal_id, slice_id=slice_.slice_id))
    return (*made.warnings, *setup.warnings)


def _start_anew(workspace: Workspace, store: Store, lease: Lease) -> Lease:
    """Let the time of a lease begin once its worktree, however long that took, is there."""
    expires_at = workspace.after(lease.ttl)
    with store.transaction():
        open_lease = find_open_lease(store, lease.goal_id, lease.slice_id)
        if open_lease is None or open_lease.token != lease.token:
            raise LeaseHeldError(
                f"the lease of slice {lease.slice_id!r} lapsed before its worktree was there",
                hint="claim again, with a longer --ttl",
            )
        renew_lease(store, lease.token, ttl=lease.ttl, expires_at=expires_at)
    return structs.replace(lease, expires_at=expires_at)
