"""Make the repository match a plan: branches and worktrees for its slices."""

import uuid
from collections.abc import Sequence
from contextlib import ExitStack

from msgspec import Struct, structs

from gitslices.core.errors import DiskError, MachineError, Problem
from gitslices.core.model import Plan, Slice, SliceId, TaskGraph
from gitslices.planning.diff import Retarget
from gitslices.provisioning.adopt import adopt, find_orphans
from gitslices.provisioning.fill import fill_slices, run_hooks
from gitslices.provisioning.preflight import Decision, Known, decide
from gitslices.provisioning.progress import OnProgress
from gitslices.provisioning.register import Failure, register_slices, undo_slices
from gitslices.provisioning.sparse import refresh_sparse_checkouts
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.reconcile import Action, Reconciliation
from gitslices.slices.scopes import rescope
from gitslices.slices.settings import find_settings_remarks, read_settings
from gitslices.slices.target import find_retarget
from gitslices.state.journal import ApplyIntent, clear_filling
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.system.ports import choose_ports
from gitslices.workspace import Workspace


class ApplyRequest(Struct, frozen=True, kw_only=True):
    """A plan and the graph it was made from; `jobs` worktrees are filled at a time.

    `sparse` gives new worktrees only the files that their slices read or write. With `keep_plan`
    the goal stays as it was planned: `plan` then names the slices to provision, and the commit to
    start them from; they are sparse where others of the goal are.
    """

    graph: TaskGraph
    plan: Plan
    ready_only: bool = False
    allow_dirty: bool = False
    sparse: bool = False
    jobs: int = 1
    keep_plan: bool = False


class ApplyReport(Struct, frozen=True, kw_only=True):
    """What an apply did, by slice id; `gone` are slices that the plan no longer has.

    `retargeted` is None while the goal is merged into the same branch as before.
    """

    created: tuple[SliceId, ...]
    restored: tuple[SliceId, ...]
    rescoped: tuple[SliceId, ...]
    kept: tuple[SliceId, ...]
    gone: tuple[SliceId, ...]
    warnings: tuple[str, ...]
    retargeted: Retarget | None = None


def apply(workspace: Workspace, request: ApplyRequest, on_progress: OnProgress) -> ApplyReport:
    """Provision the slices of `request.plan`; a second run changes nothing.

    Branches and worktrees are registered under the topology lock, files written outside it.
    Raises `RefusedError` with every offender before the first change; `MachineError` when a slice
    could not be finished: it is undone then, and the finished ones stay.
    """
    goal_id, operation = request.plan.goal_id, uuid.uuid4().hex
    with workspace.open_store() as store:
        with ExitStack() as alive:
            with recover_and_lock(workspace, store):
                known = {record.slice_id: record for record in store.read_slices(goal_id)}
                orphans = find_orphans(workspace, store, request.plan, known)
                known |= {record.slice_id: record for record in orphans}
                before = store.read_goal(goal_id)
                retargeted = find_retarget(
                    workspace, store, before.plan if before else None, request.plan
                )
                decided = decide(
                    workspace,
                    request.plan,
                    known,
                    ready_only=request.ready_only,
                    allow_dirty=request.allow_dirty,
                    sparse=_wants_sparse(request, known),
                )
                adopted = adopt(workspace, store, orphans)
                intent = _make_intent(workspace, store, request, decided, known, operation)
                alive.enter_context(workspace.hold_operation(operation))
                unmade = register_slices(workspace, store, intent, on_progress)
            records = _drop_failed(intent.records, unmade)
            own = fill_slices(workspace, store, records, request.jobs, on_progress)
            if own.failures:
                with recover_and_lock(workspace, store):
                    undo_slices(workspace, store, own.failures, intent)
            clear_filling(workspace.state_folder, operation)
        others = _finish_others(workspace, store, goal_id)
        unchanged = refresh_sparse_checkouts(workspace, store, goal_id, request.jobs)
    _raise_failures((*unmade, *own.failures, *others), len(decided.steps.steps))
    complaints = run_hooks(workspace, own.filled, request.jobs)
    said = (*find_settings_remarks(workspace), *adopted, *own.remarks, *unchanged, *complaints)
    return _report(decided.steps, said, retargeted)


def _wants_sparse(request: ApplyRequest, known: Known) -> bool:
    alike = request.keep_plan and any(record.sparse for record in known.values())
    return request.sparse or alike


def _make_intent(
    workspace: Workspace,
    store: Store,
    request: ApplyRequest,
    decided: Decision,
    known: Known,
    operation: str,
) -> ApplyIntent:
    plan, steps = request.plan, decided.steps
    needs_setup = bool(read_settings(workspace, plan.target).setup.commands)
    restored = [known[slice_.slice_id] for slice_ in steps.select("restore")]
    records = (*_make_records(workspace, store, plan, decided), *restored)
    return ApplyIntent(
        operation=operation,
        records=tuple(
            structs.replace(record, filling_operation=operation, needs_setup=needs_setup)
            for record in records
        ),
        new_branches=frozenset(slice_.branch_name for slice_ in steps.select("create")),
        goal=None if request.keep_plan else _make_goal(workspace, request),
        rescoped=()
        if request.keep_plan
        else tuple(rescope(known[slice_.slice_id], slice_) for slice_ in steps.select("rescope")),
    )


def _make_goal(workspace: Workspace, request: ApplyRequest) -> Goal:
    plan = request.plan
    return Goal(goal_id=plan.goal_id, graph=request.graph, plan=plan, applied_at=workspace.now())


def _make_records(
    workspace: Workspace, store: Store, plan: Plan, decided: Decision
) -> tuple[SliceRecord, ...]:
    """The new slices, each with a port of its own."""
    created = decided.steps.select("create")
    ports = choose_ports(
        [f"{workspace.repo.common_dir}:{slice_.branch_name}" for slice_ in created],
        frozenset(record.port for record in store.read_slices()),
    )
    return tuple(
        SliceRecord(
            goal_id=plan.goal_id,
            slice_id=slice_.slice_id,
            status="provisioned",
            branch_name=slice_.branch_name,
            worktree_path=slice_.worktree_path,
            base_commit=plan.base.commit,
            read_scope=slice_.read_scope,
            write_scope=slice_.write_scope,
            sparse=_find_digest(slice_, decided),
            port=port,
        )
        for slice_, port in zip(created, ports, strict=True)
    )


def _find_digest(slice_: Slice, decided: Decision) -> str:
    checkout = decided.checkouts.get(slice_.slice_id)
    return checkout.digest if checkout else ""


def _finish_others(workspace: Workspace, store: Store, goal_id: str) -> tuple[Failure, ...]:
    """Wait for worktrees that other processes are filling, and fill those of killed ones.

    Returns the slices that could not be filled and are undone.
    """
    waiting = [record for record in store.read_slices(goal_id) if record.filling_operation]
    if not waiting:
        return ()
    for operation in sorted({record.filling_operation for record in waiting}):
        workspace.wait_for_operation(operation)
    with recover_and_lock(workspace, store):
        left = {record.slice_id for record in store.read_slices(goal_id)}
    error = MachineError("another gitslices could not fill its worktree", hint="see: gitslices log")
    return tuple(Failure(record, error) for record in waiting if record.slice_id not in left)


def _drop_failed(
    records: Sequence[SliceRecord], failures: Sequence[Failure]
) -> tuple[SliceRecord, ...]:
    failed = {failure.record.slice_id for failure in failures}
    return tuple(record for record in records if record.slice_id not in failed)


def _raise_failures(failures: Sequence[Failure], total: int) -> None:
    if not failures:
        return
    full = all(isinstance(failure.error, DiskError) for failure in failures)
    raise (DiskError if full else MachineError)(
        f"{len(failures)} of {total} slices could not be provisioned and were undone",
        hint="remove the cause, then run the same command again: it makes what is missing",
        problems=[
            Problem(failure.record.slice_id, failure.error.message, failure.error.hint)
            for failure in failures
        ],
    )


def _report(
    steps: Reconciliation, warnings: tuple[str, ...], retargeted: Retarget | None
) -> ApplyReport:
    def list_ids(action: Action) -> tuple[SliceId, ...]:
        return tuple(slice_.slice_id for slice_ in steps.select(action))

    return ApplyReport(
        created=list_ids("create"),
        restored=list_ids("restore"),
        rescoped=list_ids("rescope"),
        kept=list_ids("keep"),
        gone=steps.gone,
        warnings=warnings,
        retargeted=retargeted,
    )
