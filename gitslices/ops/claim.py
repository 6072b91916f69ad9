"""Give a slice to a worker: until a deadline, and to nobody else before that."""

from pathlib import Path
from typing import Final

from msgspec import UNSET, UnsetType, structs

from gitslices.core.errors import (
    InputError,
    LeaseHeldError,
    NothingReadyError,
    RefusedError,
)
from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.git.read import find_tip, find_tip_and_target
from gitslices.git.worktrees import is_filled
from gitslices.ops.grant import ClaimRequest, Granted, Refused, revoke_lease, wait_for_grant
from gitslices.recovery.recovery import recover_and_lock
from gitslices.remote.agreement import agreed
from gitslices.slices.briefing import Briefing, make_briefing
from gitslices.slices.claims import (
    Work,
    find_work,
    free_slice,
    hold_slice,
    show_token,
    warn_of_dropped_base,
)
from gitslices.slices.environment import describe_setup, list_writable_roots
from gitslices.slices.target import find_lag, is_fetch_wanted, read_target
from gitslices.state.leases import (
    Lease,
    find_open_lease,
    renew_lease,
)
from gitslices.state.sharing import list_shared_goals
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace

_MAX_HOLDER: Final = 200


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


@agreed
def claim(workspace: Workspace, request: ClaimRequest) -> ClaimReport:
    """Lease a ready slice to `request.holder`, provisioned and on its target where untouched.

    Without a `slice_id` it is the one with the longest remaining path; a slice whose worktree is
    not in order is passed over, and told of. Raises `NothingReadyError` or `LeaseHeldError` once
    `request.wait` is over, `InputError` where the target is gone; then nothing has changed.
    """
    _refuse_odd_holder(request.holder)
    warnings = _fetch_first(workspace, request)
    refused: dict[SliceId, RefusedError] = {}
    with workspace.open_store() as store:
        while True:
            try:
                granted = wait_for_grant(workspace, store, request, refused)
                return _add_warnings(_settle(workspace, store, granted), refused, warnings)
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


def _fetch_first(workspace: Workspace, request: ClaimRequest) -> tuple[str, ...]:
    if not (is_fetch_wanted(workspace) if request.fetch is None else request.fetch):
        return ()
    # Imported here for the sake of claims: most of them fetch nothing.
    from gitslices.ops.fetch import fetch_before

    return fetch_before(workspace, request.goal_id, asked=request.fetch is True)


def _add_warnings(report: ClaimReport, refused: Refused, more: tuple[str, ...]) -> ClaimReport:
    if not refused and not more:
        return report
    known = () if report.warnings is UNSET else report.warnings
    passed = (
        f"{id_} was passed over: {error.problems[0].message}" for id_, error in refused.items()
    )
    return structs.replace(report, warnings=(*known, *more, *passed))


def _settle(workspace: Workspace, store: Store, granted: Granted) -> ClaimReport:
    try:
        # Whatever happens, Ctrl-C as well: a lease whose token nobody was told would keep the slice
        # until it lapses.
        return _hand_over(workspace, store, granted)
    except BaseException:
        if not granted.resumed:
            revoke_lease(workspace, store, granted)
        raise


def _refuse_odd_holder(holder: str) -> None:
    if not holder.strip() or not holder.isprintable() or len(holder) > _MAX_HOLDER:
        raise InputError(
            f"{holder[:_MAX_HOLDER]!r} names no holder",
            hint=f"choose 1 to {_MAX_HOLDER} printable characters",
        )


def _hand_over(workspace: Workspace, store: Store, granted: Granted) -> ClaimReport:
    goal, lease = granted.goal, granted.lease
    repo, target = workspace.repo, goal.plan.target
    brought = _bring_work(workspace, store, lease)
    tip, found = find_tip_and_target(repo, granted.slice.branch_name, target)
    target_tip = found or read_target(repo, target)
    start = _find_start(workspace, store, granted, target_tip)
    warnings: tuple[str, ...] = brought
    record = store.find_slice(goal.goal_id, lease.slice_id)
    if record is None or record.filling_operation or not is_filled(Path(record.worktree_path)):
        warnings += _provision(workspace, store, granted, start)
        tip = None
        lease = _start_anew(workspace, store, lease)
        record = store.find_slice(goal.goal_id, lease.slice_id)
        assert record is not None, "a slice that is provisioned is recorded"  # noqa: S101
    elif record.needs_setup:
        warnings += (describe_setup(workspace, record),)
    if record.base_commit != start:
        record, target_tip = _bring_forward(workspace, store, granted, record)
        tip = None
    show_token(workspace, record, lease)
    hold_slice(workspace, record)
    for one in granted.lapsed:
        free_slice(workspace, store, one.goal_id, one.slice_id)
    briefing = make_briefing(workspace, store, goal, granted.slice, lease)
    tips = tip or find_tip(repo, record.branch_name), target_tip
    work = find_work(workspace, store, record, tips, lease)
    if work is not None:
        warnings += warn_of_dropped_base(workspace, goal, record, target_tip)
    if lag := find_lag(workspace, target):
        warnings += (lag.describe(target),)
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


def _bring_work(workspace: Workspace, store: Store, lease: Lease) -> tuple[str, ...]:
    """Begin where another clone has left the slice, and say what may be missing."""
    record = store.find_slice(lease.goal_id, lease.slice_id)
    if record is None or lease.goal_id not in list_shared_goals(store):
        return ()
    # Imported here: most claims go on with nobody's work.
    from gitslices.merging.follow_remote import bring_work

    with recover_and_lock(workspace, store):
        if not bring_work(workspace, store, record):
            return ()
    return ("it goes on from what another clone has pushed; what was not pushed there is missing",)


def _bring_forward(
    workspace: Workspace, store: Store, granted: Granted, record: SliceRecord
) -> tuple[SliceRecord, Oid]:
    """Let a slice follow its target where nobody has begun it; return what is so then of both."""
    goal = granted.goal
    # Imported here: it brings with it all that moves branches.
    from gitslices.ops.forward import forward_slice
    from gitslices.slices.own_commits import follows_target

    with recover_and_lock(workspace, store):
        # Whoever had the lock before may have moved it.
        record = store.find_slice(goal.goal_id, record.slice_id) or record
        target_tip = read_target(workspace.repo, goal.plan.target)
        start = _find_start(workspace, store, granted, target_tip)
        if follows_target(workspace.repo, goal.plan, record.base_commit, start):
            record = forward_slice(workspace, store, record, start)
    return record, target_tip


def _find_start(workspace: Workspace, store: Store, granted: Granted, target_tip: Oid) -> Oid:
    """What the slice starts from: the target as it is now, or what is made of it for the slice."""
    if granted.goal.plan.start == "merged":
        return target_tip
    # Imported here: it brings with it all that merges.
    from gitslices.merging.early_base import make_start

    return make_start(workspace, store, granted.goal, granted.slice, target_tip)


def _provision(workspace: Workspace, store: Store, granted: Granted, start: Oid) -> tuple[str, ...]:
    """Make the slice's branch and worktree, or complete them; return what went amiss.

    They begin at `start`, not where the plan was made: what the slice waits for has come since.
    """
    # A slice is provisioned once and claimed often: its claims go without these imports.
    from gitslices.ops.provision import SlicesOrder, order_slices, provision, raise_failures
    from gitslices.provisioning.wanted import Wanted
    from gitslices.repo_commands.setup import SetupRequest, set_up

    goal_id, slice_ = granted.goal.goal_id, granted.slice
    wanted = Wanted(goal_id=goal_id, slices=(slice_,), base=start, target=granted.goal.plan.target)

    def choose(operation: str) -> SlicesOrder:
        # As the goal was applied: one full worktree among sparse ones may not fit on the disk.
        sparse = any(record.sparse for record in store.read_slices(goal_id))
        return order_slices(workspace, store, wanted, operation, sparse=sparse)

    made = provision(workspace, store, choose)
    raise_failures(made.failures, 1)
    setup = set_up(workspace, SetupRequest(goal_id=goal_id, slice_id=slice_.slice_id))
    return (*made.warnings, *setup.warnings)


def _start_anew(workspace: Workspace, store: Store, lease: Lease) -> Lease:
    """Let the time of a lease begin once its worktree, however long that took, is there.

    But not where others would have to be told so: its first heartbeat says it.
    """
    if lease.goal_id in list_shared_goals(store):
        return lease
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
