"""Make the repository match a plan: branches and worktrees for its slices."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from msgspec import Struct, structs

from gitslices.errors import DiskError, MachineError, Problem, RefusedError
from gitslices.git.read import read_branches
from gitslices.git.worktrees import read_changes, read_worktrees
from gitslices.model import Plan, Slice, SliceId, TaskGraph
from gitslices.ops.fences import rescope
from gitslices.ops.fill import fill_slices, run_hooks
from gitslices.ops.progress import OnProgress
from gitslices.ops.register import Failure, register_slices, undo_slices
from gitslices.ops.topology import hold_topology
from gitslices.provision import find_occupied
from gitslices.reconcile import Action, Observed, Reconciliation, Standing, reconcile
from gitslices.state.journal import ApplyIntent, clear_filling
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace

Known = Mapping[SliceId, SliceRecord]


class ApplyRequest(Struct, frozen=True, kw_only=True):
    """A plan and the graph it was made from; `jobs` worktrees are filled at a time.

    With `keep_plan` the goal stays as it was planned: `plan` then names the slices to provision,
    and the commit to start them from.
    """

    graph: TaskGraph
    plan: Plan
    ready_only: bool = False
    allow_dirty: bool = False
    jobs: int = 1
    keep_plan: bool = False


class ApplyReport(Struct, frozen=True, kw_only=True):
    """What an apply did, by slice id; `gone` are slices that the plan no longer has."""

    created: tuple[SliceId, ...]
    restored: tuple[SliceId, ...]
    rescoped: tuple[SliceId, ...]
    kept: tuple[SliceId, ...]
    gone: tuple[SliceId, ...]
    warnings: tuple[str, ...]


def apply(workspace: Workspace, request: ApplyRequest, on_progress: OnProgress) -> ApplyReport:
    """Provision the slices of `request.plan`; a second run changes nothing.

    Branches and worktrees are registered under the topology lock, files written outside it.
    Raises `RefusedError` with every offender before the first change; `MachineError` when a slice
    could not be finished: it is undone then, and the finished ones stay.
    """
    goal_id, operation = request.plan.goal_id, uuid.uuid4().hex
    with workspace.open_store() as store:
        with ExitStack() as alive:
            with hold_topology(workspace, store):
                known = {record.slice_id: record for record in store.read_slices(goal_id)}
                decided = _decide(workspace, request, known)
                intent = _make_intent(workspace, request, decided, known, operation)
                alive.enter_context(workspace.hold_operation(operation))
                unmade = register_slices(workspace, store, intent, on_progress)
            records = _drop_failed(intent.records, unmade)
            own = fill_slices(workspace, store, records, request.jobs, on_progress)
            if own.failures:
                with hold_topology(workspace, store):
                    undo_slices(workspace, store, own.failures, intent)
            clear_filling(workspace.state_folder, operation)
        others = _finish_others(workspace, store, goal_id)
    _raise_failures((*unmade, *own.failures, *others), len(decided.steps))
    return _report(decided, run_hooks(workspace, own.filled, request.jobs))


def _decide(workspace: Workspace, request: ApplyRequest, known: Known) -> Reconciliation:
    observed = _observe(workspace, request.plan, known)
    decided = reconcile(request.plan, observed, ready_only=request.ready_only)
    problems = list(decided.problems)
    if _select(decided, "create") and not request.allow_dirty:
        problems += _find_dirt(workspace)
    if problems:
        count = "1 thing is" if len(problems) == 1 else f"{len(problems)} things are"
        raise RefusedError(f"{count} in the way; nothing was changed", problems=problems)
    return decided


def _observe(workspace: Workspace, plan: Plan, known: Known) -> Observed:
    branches = frozenset(read_branches(workspace.repo))
    worktrees = [worktree for worktree in read_worktrees(workspace.repo) if not worktree.missing]
    present = frozenset(str(worktree.path) for worktree in worktrees)
    return Observed(
        standing={
            slice_id: Standing(
                status=record.status,
                read_scope=record.read_scope,
                write_scope=record.planned_write_scope,
                has_branch=record.branch_name in branches,
                has_worktree=record.worktree_path in present,
            )
            for slice_id, record in known.items()
        },
        branches=branches,
        occupied=find_occupied([slice_.worktree_path for slice_ in plan.slices]),
        checkouts={tree.branch: str(tree.path) for tree in worktrees if tree.branch},
    )


def _find_dirt(workspace: Workspace) -> list[Problem]:
    main = workspace.main_worktree
    changed = read_changes(workspace.repo, main, untracked=False) if main else ()
    if not changed:
        return []
    rest = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return [
        Problem(
            str(main),
            f"the main worktree has uncommitted changes: {', '.join(changed[:3])}{rest}",
            "commit or stash them, or go on without them: --allow-dirty",
        )
    ]


def _make_intent(
    workspace: Workspace,
    request: ApplyRequest,
    decided: Reconciliation,
    known: Known,
    operation: str,
) -> ApplyIntent:
    plan, created = request.plan, _select(decided, "create")
    records = [_make_record(plan, slice_, operation) for slice_ in created]
    records += [
        structs.replace(known[slice_.slice_id], filler=operation)
        for slice_ in _select(decided, "restore")
    ]
    return ApplyIntent(
        operation=operation,
        records=tuple(records),
        new_branches=frozenset(slice_.branch_name for slice_ in created),
        goal=None if request.keep_plan else _make_goal(workspace, request),
        rescoped=()
        if request.keep_plan
        else tuple(
            rescope(known[slice_.slice_id], slice_) for slice_ in _select(decided, "rescope")
        ),
    )


def _make_goal(workspace: Workspace, request: ApplyRequest) -> Goal:
    plan = request.plan
    return Goal(goal_id=plan.goal_id, graph=request.graph, plan=plan, applied_at=workspace.now())


def _make_record(plan: Plan, slice_: Slice, operation: str) -> SliceRecord:
    return SliceRecord(
        goal_id=plan.goal_id,
        slice_id=slice_.slice_id,
        status="provisioned",
        branch_name=slice_.branch_name,
        worktree_path=slice_.worktree_path,
        base_commit=plan.base.commit,
        read_scope=slice_.read_scope,
        write_scope=slice_.write_scope,
        filler=operation,
    )


def _finish_others(workspace: Workspace, store: Store, goal_id: str) -> tuple[Failure, ...]:
    """Wait for worktrees that other processes are filling, and fill those of killed ones.

    Returns the slices that could not be filled and are undone.
    """
    waiting = [record for record in store.read_slices(goal_id) if record.filler]
    if not waiting:
        return ()
    for operation in sorted({record.filler for record in waiting}):
        workspace.wait_for_operation(operation)
    with hold_topology(workspace, store):
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


def _select(decided: Reconciliation, action: Action) -> tuple[Slice, ...]:
    return tuple(step.slice for step in decided.steps if step.action == action)


def _report(decided: Reconciliation, warnings: tuple[str, ...]) -> ApplyReport:
    ids = {
        action: tuple(slice_.slice_id for slice_ in _select(decided, action))
        for action in ("create", "restore", "rescope", "keep")
    }
    return ApplyReport(
        created=ids["create"],
        restored=ids["restore"],
        rescoped=ids["rescope"],
        kept=ids["keep"],
        gone=decided.gone,
        warnings=warnings,
    )
