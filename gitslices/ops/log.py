"""Who did what: the events of goals and slices, and all that shows how one came about."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from msgspec import Struct, structs

from gitslices.core.errors import Problem, RefusedError, UnknownSliceError, suggest
from gitslices.core.model import UNDER_WAY, BranchName, Oid, SliceId, SliceStatus
from gitslices.git.read import LogEntry, read_log_entries
from gitslices.ops.check import CheckRequest, check
from gitslices.remote.agreement import told
from gitslices.repo_commands.gates import choose_gates, choose_reviews, list_texts, read_proof
from gitslices.rules.evidence import GateRun, Review, find_missing_evidence
from gitslices.rules.merging import describe_violations
from gitslices.rules.scope_check import Violation
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_goal, get_planned
from gitslices.slices.settings import read_settings
from gitslices.state.event_log import EventLog, Subject
from gitslices.state.leases import Lease, read_lease_history
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.workspace import Workspace


class LogRequest(Struct, frozen=True, kw_only=True):
    """None asks for every goal, every slice, or every event."""

    goal_id: str | None = None
    slice_id: str | None = None
    last: int | None = None


class LogReport(Struct, frozen=True, kw_only=True):
    """What `gitslices log --json` prints: the newest event last.

    `subjects` are the goals and slices that the events are about.
    """

    events: Iterable[Event]
    subjects: tuple[Subject, ...] = ()


class _Events:
    """Events that are read from the store while they are gone through."""

    def __init__(self, workspace: Workspace, request: LogRequest) -> None:
        self._workspace = workspace
        self._request = request

    def __iter__(self) -> Iterator[Event]:
        with self._workspace.open_store() as store:
            yield from _open(store, self._request)


@told
def open_log(workspace: Workspace, request: LogRequest) -> LogReport:
    """The events that `request` asks for, however many, none of them read yet.

    Raises `InputError` for a goal that was never applied, `UnknownSliceError` for a slice of which
    neither a plan nor an event tells.
    """
    with workspace.open_store() as store:
        if request.goal_id is not None:
            get_goal(store, request.goal_id)
        subjects = _open(store, request).list_subjects()
        if request.slice_id is not None and not subjects:
            _refuse_unknown_slice(store, request.goal_id, request.slice_id)
    return LogReport(events=_Events(workspace, request), subjects=subjects)


@told
def read_log(workspace: Workspace, request: LogRequest) -> LogReport:
    """The same, with all events read."""
    report = open_log(workspace, request)
    return structs.replace(report, events=tuple(report.events))


def _open(store: Store, request: LogRequest) -> EventLog:
    return EventLog(store, request.goal_id, request.slice_id, request.last)


def _refuse_unknown_slice(store: Store, goal_id: str | None, slice_id: str) -> None:
    ids = store.read_goal_ids() if goal_id is None else (goal_id,)
    goals = [get_goal(store, id_) for id_ in ids]
    known = {str(slice_.slice_id) for goal in goals for slice_ in goal.plan.slices}
    if slice_id in known:
        return
    near = get_close_matches(slice_id, known, n=1)
    raise UnknownSliceError(
        f"no slice {slice_id!r} was ever planned",
        hint=f"the nearest is {near[0]!r}" if near else "see: gitslices log",
    )


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
        goal = choose_goal(workspace, store, goal_id, slice_id)
        settings = read_settings(workspace, goal.plan.target)
        id_ = get_planned(store, goal, slice_id).slice_id
        record = store.find_slice(goal.goal_id, id_)
        if record is None:
            see = suggest("status", goal_id=goal.goal_id)
            raise RefusedError(f"slice {id_!r} has no worktree", hint=f"see: {see}")
        proof = read_proof(workspace, store, goal, record, settings.gates)
        texts = list_texts(choose_gates(settings.gates, goal, record))
        required = choose_reviews(settings, goal, record)
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
