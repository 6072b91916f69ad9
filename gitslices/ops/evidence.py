"""What speaks for slices: gates run, or passed by somebody, and what reviewers think."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, structs

from gitslices.core.errors import InputError, Problem, RefusedError, suggest
from gitslices.core.model import GONE, SliceId
from gitslices.core.naming import SETTINGS_FILE
from gitslices.planning.policy import REVIEWS
from gitslices.remote.agreement import told
from gitslices.remote.work import fetch_work
from gitslices.repo_commands.gates import (
    Gates,
    choose_gates,
    load_gates,
    name_gates,
    read_proof,
    record_run,
    run_commands,
)
from gitslices.rules.evidence import GateRun, Proof, Review, Verdict, explain_gate, find_gate_run
from gitslices.rules.worktree_faults import BARS_COMMANDS, find_bar
from gitslices.slices.attempts import list_attempts, record_failure
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import (
    find_near,
    find_work_tip,
    get_planned,
    get_slice,
    refuse_odd_name,
)
from gitslices.slices.settings import read_settings
from gitslices.slices.snapshot import Snapshot
from gitslices.state.proofs import add_review
from gitslices.state.store import Event, Goal, SliceRecord, Store
from gitslices.system.settings_tables import Gate
from gitslices.workspace import Workspace

_GateState = Literal["passed", "failed", "missing", "manual"]


class GatesRequest(Struct, frozen=True, kw_only=True):
    """`slice_id` None means every slice that is claimed or done, `gate` None all that it has."""

    slice_id: SliceId | None = None
    gate: str | None = None
    goal_id: str | None = None


class PassRequest(Struct, frozen=True, kw_only=True):
    """Somebody's word that a gate without a command is passed."""

    slice_id: SliceId
    gate: str
    passed_by: str
    goal_id: str | None = None


class GateStatus(Struct, frozen=True, kw_only=True):
    """One gate of one slice as it counts now: `manual` has no command and nobody's word yet.

    `reason` says why one is missing or has failed.
    """

    slice_id: SliceId
    gate: str
    state: _GateState
    reason: str
    command: str | None
    run: GateRun | None


class GatesReport(Struct, frozen=True, kw_only=True):
    """What `gitslices gate --json` prints; `ok` unless a gate is missing or has failed.

    `refused` are slices whose gates cannot be told, or run, with the reason.
    """

    ok: bool
    goal_id: str
    gates: tuple[GateStatus, ...]
    refused: tuple[Problem, ...] = ()


@told
def run_gates(workspace: Workspace, request: GatesRequest) -> GatesReport:
    """Run the commands of gates, those of different slices side by side, and record how it went.

    Raises `UntrustedError` before anything runs if one of the texts has not been approved.
    """
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        commands = load_gates(workspace, goal.plan.target)
        records = _choose_records(store, goal, request)
        wanted = {
            record.slice_id: _choose_gates(goal, record, commands, request.gate)
            for record in records
        }
        bars = _find_bars(Snapshot(workspace, store, goal.plan), records)
        # Somebody who named it wants it run; of all slices, one in disorder keeps back only itself.
        if request.slice_id is not None and bars:
            (bar,) = bars.values()
            raise RefusedError(f"no gate of slice {bar.place!r} was run", problems=[bar])
        open_ = [record for record in records if record.slice_id not in bars]
        for run in run_commands(workspace, open_, wanted):
            record_run(workspace, store, run)
        report = _report(workspace, store, goal, open_, commands, request.gate)
    return structs.replace(
        report, ok=report.ok and not bars, refused=(*report.refused, *bars.values())
    )


def _find_bars(snapshot: Snapshot, records: Sequence[SliceRecord]) -> dict[SliceId, Problem]:
    """What keeps commands from being run in the worktrees of slices."""
    bars = {
        record.slice_id: find_bar(snapshot.find_faults(record, alone=True), BARS_COMMANDS)
        for record in records
    }
    return {id_: bar.problem for id_, bar in bars.items() if bar is not None}


def read_gates(workspace: Workspace, request: GatesRequest) -> GatesReport:
    """How the gates stand; runs nothing."""
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        commands = load_gates(workspace, goal.plan.target)
        records = _choose_records(store, goal, request)
        return _report(workspace, store, goal, records, commands, request.gate)


@told
def pass_gate(workspace: Workspace, request: PassRequest) -> GatesReport:
    """Record that somebody says a gate is passed; a gate that has a command needs no word."""
    refuse_odd_name(request.passed_by)
    only = GatesRequest(slice_id=request.slice_id, gate=request.gate, goal_id=request.goal_id)
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        commands = load_gates(workspace, goal.plan.target)
        (record,) = _choose_records(store, goal, only)
        own = choose_gates(commands, goal, record)
        _check_gate(name_gates(commands, goal, record), record, request.gate)
        # Else a word would stand for a command that has failed, and nobody would see the
        # difference.
        if request.gate in own:
            raise InputError(
                f"gate {request.gate!r} has a command",
                hint="run it: "
                + suggest("gate", "run", record.slice_id, request.gate, goal_id=goal.goal_id),
            )
        proof = read_proof(workspace, store, goal, record, commands)
        now = workspace.now()
        run = GateRun(
            goal_id=goal.goal_id,
            slice_id=record.slice_id,
            gate=request.gate,
            command=None,
            passed=True,
            reason=f"passed by {request.passed_by}",
            passed_by=request.passed_by,
            commit=proof.commit,
            tree=proof.tree,
            began_at=now,
            ended_at=now,
            log=None,
        )
        record_run(workspace, store, run)
        return _report(workspace, store, goal, [record], commands, request.gate)


def _choose_records(store: Store, goal: Goal, request: GatesRequest) -> list[SliceRecord]:
    if request.slice_id is None:
        # One that the plan no longer has has no gates any more, though somebody may have it.
        planned = {slice_.slice_id for slice_ in goal.plan.slices}
        records = [one for one in store.read_slices(goal.goal_id) if one.slice_id in planned]
        return [record for record in records if record.status in {"claimed", "done"}]
    id_ = get_planned(store, goal, request.slice_id).slice_id
    record = store.find_slice(goal.goal_id, id_)
    if record is None or record.status in GONE:
        see = suggest("status", goal_id=goal.goal_id)
        raise RefusedError(f"slice {id_!r} has no worktree", hint=f"see: {see}")
    return [record]


def _choose_gates(
    goal: Goal, record: SliceRecord, gates: Gates, only: str | None
) -> dict[str, Gate]:
    own = choose_gates(gates, goal, record)
    if only is not None:
        _check_gate(name_gates(gates, goal, record), record, only)
        if only not in own:
            by_hand = suggest(
                "gate", "pass", record.slice_id, only, "--by", "NAME", goal_id=goal.goal_id
            )
            raise InputError(
                f"gate {only!r} has no command in {SETTINGS_FILE}",
                hint=f"record it by hand: {by_hand}",
            )
    return {name: gate for name, gate in own.items() if only in (None, name)}


def _check_gate(names: Sequence[str], record: SliceRecord, gate: str) -> None:
    if gate not in names:
        raise InputError(
            f"slice {record.slice_id!r} has no gate {gate!r}", hint=f"it has: {', '.join(names)}"
        )


def _report(
    workspace: Workspace,
    store: Store,
    goal: Goal,
    records: Sequence[SliceRecord],
    gates: Gates,
    only: str | None,
) -> GatesReport:
    told: list[GateStatus] = []
    refused: list[Problem] = []
    for record in records:
        try:
            proof = read_proof(workspace, store, goal, record, gates)
        except RefusedError as error:
            if len(records) == 1:
                raise
            refused.append(Problem(record.slice_id, error.message, error.hint))
            continue
        own = choose_gates(gates, goal, record)
        names = [name for name in proof.gates if only in (None, name)]
        told += [_describe_gate(proof, name, own.get(name)) for name in names]
    return GatesReport(
        ok=not refused and all(one.state in {"passed", "manual"} for one in told),
        goal_id=goal.goal_id,
        gates=tuple(told),
        refused=tuple(refused),
    )


def _describe_gate(proof: Proof, name: str, gate: Gate | None) -> GateStatus:
    command = gate.command if gate else None
    run = find_gate_run(proof, name, command)
    state: _GateState = "manual" if command is None else "missing"
    if run is not None:
        state = "passed" if run.passed else "failed"
    return GateStatus(
        slice_id=proof.slice_id,
        gate=name,
        state=state,
        reason=explain_gate(proof, name, command) if command and state != "passed" else "",
        command=command,
        run=run,
    )


class ReviewRequest(Struct, frozen=True, kw_only=True):
    """A verdict of one kind of review; it counts for the commit the slice's branch is at.

    That is to be `commit`, or begin with it, where somebody says which one was looked at.
    """

    slice_id: SliceId
    kind: str
    reviewer: str
    verdict: Verdict
    note: str = ""
    goal_id: str | None = None
    commit: str = ""


@told
def review(workspace: Workspace, request: ReviewRequest) -> Review:
    """Record a review.

    Raises `RefusedError` where the slice has no commit to speak of, `InputError` for a kind that
    nobody has heard of.
    """
    refuse_odd_name(request.reviewer)
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        id_ = get_planned(store, goal, request.slice_id).slice_id
        _refuse_unknown_kind(workspace, goal, request)
        record = store.find_slice(goal.goal_id, id_)
        if record is not None:
            fetch_work(workspace, store, [record])
        commit = find_work_tip(workspace.repo, store, record) if record else None
        if commit is None:
            see = suggest("status", goal_id=goal.goal_id)
            raise RefusedError(f"slice {id_!r} has no branch", hint=f"see: {see}")
        if not commit.startswith(request.commit.lower()):
            see = suggest("show", id_, goal_id=goal.goal_id)
            raise RefusedError(
                f"slice {id_!r} is at {commit[:10]} now, and {request.commit[:10]!r} was looked at",
                hint=f"look at what has come since: {see}",
            )
        made = Review(
            goal_id=goal.goal_id,
            slice_id=id_,
            kind=request.kind,
            reviewer=request.reviewer,
            verdict=request.verdict,
            note=request.note,
            commit=commit,
            at=workspace.now(),
        )
        event = Event(
            at=made.at, goal_id=goal.goal_id, slice_id=id_, event="reviewed",
            detail={"kind": made.kind, "by": made.reviewer, "verdict": made.verdict,
                    "commit": commit},
        )  # fmt: skip
        with store.transaction():
            add_review(store, made)
            store.write_events([event])
            _tell_next(workspace, store, made)
    return made


def _tell_next(workspace: Workspace, store: Store, made: Review) -> None:
    """Have whoever takes a rejected slice next know what the last one's work lacks."""
    attempts = list_attempts(store, made.goal_id, made.slice_id)
    if made.verdict == "reject" and attempts:
        message = f"{made.kind} by {made.reviewer} rejects it: {made.note or 'no note'}"
        record_failure(workspace, store, attempts[-1], "review", Problem(made.slice_id, message))


def _refuse_unknown_kind(workspace: Workspace, goal: Goal, request: ReviewRequest) -> None:
    # A slip in the name would leave the review missing that was meant.
    asked = read_settings(workspace, goal.plan.target).review_requirements
    needs = get_slice(goal, request.slice_id).review_needs
    known = list(dict.fromkeys((*REVIEWS, *needs, *(one.name for one in asked))))
    if request.kind not in known:
        near = find_near(request.kind, known)
        raise InputError(
            f"there is no review of kind {request.kind!r}",
            hint=near or f"known are: {', '.join(known)}",
        )
