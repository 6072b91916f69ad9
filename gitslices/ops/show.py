"""Everything about one slice."""

from functools import partial

from msgspec import structs

from gitslices.core.errors import RefusedError
from gitslices.core.model import FINISHED, BranchName, Cost, Oid, Serialization, SliceId
from gitslices.ops.evidence import GatesRequest, GateStatus, read_gates
from gitslices.ops.status import SliceState, read_slice_state
from gitslices.recovery.recovery import read_undisturbed
from gitslices.remote.agreement import told
from gitslices.rules.evidence import Review
from gitslices.slices.briefing import Briefing, make_briefing
from gitslices.slices.claims import Work, find_work
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_slice, put_back
from gitslices.slices.snapshot import Snapshot
from gitslices.state.leases import Lease
from gitslices.state.proofs import read_reviews
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


class ShowReport(Briefing, frozen=True, kw_only=True):
    """What `gitslices show --json` prints.

    `state` is the slice as `status --json` has it, `forced` those of its waits that an overlap
    forces, `gate_states` how its gates stand; empty where it has no worktree. `work` is what has
    been done in it. `unplanned` where the plan no longer has it: then it is what its record says.
    """

    target: BranchName
    owner_role: str | None
    risk: str
    estimate: Cost
    base_commit: Oid | None
    read_scope: tuple[str, ...]
    write_scope: tuple[str, ...]
    allowed_scope: tuple[str, ...]
    checkout_scope: tuple[str, ...]
    state: SliceState
    forced: tuple[Serialization, ...]
    gate_states: tuple[GateStatus, ...]
    reviews: tuple[Review, ...]
    work: Work | None
    unplanned: bool


@told
def show(workspace: Workspace, slice_id: SliceId, goal_id: str | None) -> ShowReport:
    """What is known of one slice; reads only. Raises `UnknownSliceError` where no plan has it."""
    with workspace.open_store() as store:
        read = partial(_read_report, workspace, store, slice_id, goal_id)
        return read_undisturbed(workspace, store, read)


def _read_report(
    workspace: Workspace, store: Store, slice_id: SliceId, goal_id: str | None
) -> ShowReport:
    planned = choose_goal(workspace, store, goal_id, slice_id)
    goal = put_back(store, planned, slice_id)
    slice_ = get_slice(goal, slice_id)
    snapshot = Snapshot(workspace, store, goal.plan)
    record, lease = snapshot.records.get(slice_id), snapshot.leases.get(slice_id)
    scopes = record or slice_
    briefing = make_briefing(workspace, store, goal, slice_, lease)
    return ShowReport(
        **structs.asdict(briefing),
        target=goal.plan.target,
        owner_role=slice_.owner_role,
        risk=slice_.risk,
        estimate=slice_.estimate,
        base_commit=record.base_commit if record else None,
        read_scope=scopes.read_scope,
        write_scope=scopes.write_scope,
        allowed_scope=record.allowed_scope if record else (),
        checkout_scope=scopes.checkout_scope,
        state=read_slice_state(snapshot, goal, slice_),
        forced=tuple(
            one for one in goal.plan.overlap_serializations if one.blocked_slice_id == slice_id
        ),
        gate_states=_read_gates(workspace, slice_id, goal.goal_id) if goal is planned else (),
        reviews=read_reviews(store, goal.goal_id, slice_id),
        work=_find_work(snapshot, record, lease),
        unplanned=goal is not planned,
    )


def _read_gates(workspace: Workspace, slice_id: SliceId, goal_id: str) -> tuple[GateStatus, ...]:
    try:
        return read_gates(workspace, GatesRequest(slice_id=slice_id, goal_id=goal_id)).gates
    except RefusedError:
        return ()  # it has no worktree, or no branch: `state` tells


def _find_work(snapshot: Snapshot, record: SliceRecord | None, lease: Lease | None) -> Work | None:
    """What has been done in a slice whose worktree is in order."""
    if record is None or snapshot.target is None or record.status in FINISHED:
        return None
    if record.filling_operation or snapshot.find_faults(record, alone=True):
        return None
    return find_work(
        snapshot.workspace,
        snapshot.store,
        record,
        (snapshot.find_tip(record), snapshot.target),
        lease,
    )
