"""Everything that shows how a slice came about, in one document."""

from msgspec import Struct

from gitslices.errors import Problem, RefusedError
from gitslices.evidence import GateRun, Review, find_missing_evidence
from gitslices.fence import Violation
from gitslices.git.read import LogEntry, read_log_entries
from gitslices.landing import describe_violations
from gitslices.model import BranchName, Oid, SliceId, SliceStatus
from gitslices.ops.check import CheckRequest, check
from gitslices.ops.gate_runs import list_texts, load_gates, read_proof
from gitslices.ops.goals import choose_goal, find_slice
from gitslices.ops.settings import read_settings
from gitslices.state.leases import Lease, read_lease_history
from gitslices.state.store import Event, SliceRecord
from gitslices.statuses import UNDER_WAY
from gitslices.suggestion import suggest
from gitslices.workspace import Workspace


class EvidenceReport(Struct, frozen=True, kw_only=True):
    """What `gitslices log SLICE --evidence --json` prints.

    `violations` are what its commits change outside the write scope: a slice that was merged has
    none. `gates` and `reviews` hold all there were, on the slice's commits and on merges of them.
    `missing` is what counts now and keeps the slice from being merged.
    """

    goal_id: str
    slice_id: SliceId
    status: SliceStatus
    branch_name: BranchName
    base_commit: Oid
    commit: Oid
    write_scope: tuple[str, ...]
    violations: tuple[Violation, ...]
    commits: tuple[LogEntry, ...]
    leases: tuple[Lease, ...]
    gates: tuple[GateRun, ...]
    reviews: tuple[Review, ...]
    missing: tuple[Problem, ...]
    events: tuple[Event, ...]


def read_evidence(workspace: Workspace, slice_id: str, goal_id: str | None) -> EvidenceReport:
    """The evidence of one slice that has a worktree; raise `RefusedError` for any other."""
    with workspace.open_store() as store:
        goal = choose_goal(store, goal_id)
        texts = list_texts(load_gates(workspace, goal.plan.target))
        required = read_settings(workspace, goal.plan.target).merge.required_reviews
        id_ = find_slice(goal, slice_id).slice_id
        record = store.find_slice(goal.goal_id, id_)
        if record is None:
            see = suggest("status", goal_id=goal.goal_id)
            raise RefusedError(f"slice {id_!r} has no worktree", hint=f"see: {see}")
        proof = read_proof(workspace, store, goal, record)
        leases = read_lease_history(store, goal.goal_id, id_)
        events = store.read_events(goal.goal_id, id_)
    violations = _find_violations(workspace, record, proof.commit)
    missing = find_missing_evidence(proof, texts, required)
    if violations:
        missing = (describe_violations(goal.goal_id, id_, violations), *missing)
    return EvidenceReport(
        goal_id=goal.goal_id,
        slice_id=id_,
        status=record.status,
        branch_name=record.branch_name,
        base_commit=record.base_commit,
        commit=proof.commit,
        write_scope=record.write_scope,
        violations=violations,
        commits=read_log_entries(workspace.repo, record.base_commit, proof.commit),
        leases=leases,
        gates=proof.runs,
        reviews=proof.reviews,
        missing=missing,
        events=events,
    )


def _find_violations(
    workspace: Workspace, record: SliceRecord, commit: Oid
) -> tuple[Violation, ...]:
    if record.status not in UNDER_WAY:
        return ()
    request = CheckRequest(slice_id=record.slice_id, goal_id=record.goal_id, commits=commit)
    return check(workspace, request).slices[0].violations
