"""Give slices their branches and worktrees: one way for all who need them, and for a lost worktree.

The lock is held while it is decided what to make and while that is registered: what the decision
rests on cannot change in between. Files are written without it. A kill at any moment leaves what
the next who recovers completes or undoes.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct, structs

from gitslices.core.errors import DiskError, MachineError, Problem
from gitslices.core.model import BranchName, SliceId
from gitslices.git.worktrees import is_filled
from gitslices.provisioning.adopt import adopt, find_unrecorded
from gitslices.provisioning.fill import FillOutcome, fill_slices, run_hooks
from gitslices.provisioning.preflight import Decision, decide
from gitslices.provisioning.register import Failure, register_slices, undo_slices
from gitslices.provisioning.sparse import refresh_sparse_checkouts
from gitslices.provisioning.wanted import (
    OnProgress,
    Wanted,
    give_ports,
    ignore_progress,
    make_record,
)
from gitslices.recovery.recovery import recover_and_lock
from gitslices.removal.to_trash import describe_left_behind
from gitslices.rules.reconcile import Reconciliation
from gitslices.slices.settings import read_settings
from gitslices.state.journal import ApplyIntent, clear_filling
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


class Order(Struct, frozen=True, kw_only=True):
    """What is to be made, as the intent that is on disk before it is begun.

    `slice_ids` of the goal are to stand in the end: others may be making some of them already.
    `remarks` is what to say of slices that were taken over.
    """

    goal_id: str
    slice_ids: frozenset[SliceId]
    intent: ApplyIntent
    remarks: tuple[str, ...] = ()


class SlicesOrder(Order, frozen=True, kw_only=True):
    """An order of planned slices: the step for each, and the records that there were."""

    steps: Reconciliation
    known: Mapping[SliceId, SliceRecord]


_O = TypeVar("_O", bound=Order)


class Provisioned(Struct, Generic[_O], frozen=True, kw_only=True):
    """What was ordered, the slices that could not be made, and what is to be said of the others."""

    order: _O
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]


def provision(
    workspace: Workspace,
    store: Store,
    choose: Callable[[str], _O],
    *,
    jobs: int = 1,
    on_progress: OnProgress = ignore_progress,
) -> Provisioned[_O]:
    """Make the branches and worktrees that `choose` orders; those that fail are undone.

    `choose` is called under the topology lock, with the id of the operation; where it raises,
    nothing has changed.
    """
    operation = uuid.uuid4().hex
    with ExitStack() as alive:
        with recover_and_lock(workspace, store):
            order = choose(operation)
            # Before the topology lock is free: without a lock of its own, the operation would be
            # taken for a dead one, and its worktrees for abandoned.
            alive.enter_context(workspace.hold_operation(operation))
            unmade = register_slices(workspace, store, order.intent, on_progress)
        own = _fill(workspace, store, order.intent, unmade, jobs, on_progress)
    kept = describe_left_behind(store, operation)
    # With nothing held any more: two operations that wait for each other would never end.
    others = _wait_for_others(workspace, store, order)
    unchanged = refresh_sparse_checkouts(workspace, store, order.goal_id, order.slice_ids, jobs)
    complaints = run_hooks(workspace, own.filled, jobs)
    return Provisioned(
        order=order,
        failures=(*unmade, *own.failures, *others),
        warnings=(*order.remarks, *kept, *own.remarks, *unchanged, *complaints),
    )


def restore_worktree(workspace: Workspace, store: Store, record: SliceRecord) -> str | None:
    """Make the worktree of a slice again from its branch, where it is gone; say why if it cannot.

    Returns what is to be said of work that was left behind. Raises `MachineError` or `DiskError`;
    then everything is as before.
    """
    made = provision(
        workspace, store, lambda operation: _order_again(workspace, store, record, operation)
    )
    for failure in made.failures:
        raise failure.error
    return "; ".join(("the worktree is made again", *made.warnings)) if made.warnings else None


def order_slices(
    workspace: Workspace,
    store: Store,
    wanted: Wanted,
    operation: str,
    *,
    ready_only: bool = False,
    allow_dirty: bool = True,
    sparse: bool = False,
    problems: Sequence[Problem] = (),
) -> SlicesOrder:
    """What makes `wanted` stand; the caller holds the topology lock.

    Worktrees that stand already, though the store has lost them, are taken over. Raises as
    `decide` does.
    """
    known = {one.slice_id: one for one in store.read_slices(wanted.goal_id)}
    unrecorded = find_unrecorded(workspace, store, wanted, known)
    known |= {record.slice_id: record for record in unrecorded}
    decision = decide(
        workspace,
        store,
        wanted,
        known,
        ready_only=ready_only,
        allow_dirty=allow_dirty,
        sparse=sparse,
        problems=problems,
    )
    remarks = adopt(workspace, store, unrecorded)
    restored = (known[slice_.slice_id] for slice_ in decision.steps.select("restore"))
    records = (*_make_records(workspace, store, wanted, decision), *restored)
    return SlicesOrder(
        goal_id=wanted.goal_id,
        slice_ids=frozenset(slice_.slice_id for slice_ in wanted.slices),
        intent=ApplyIntent(
            operation=operation,
            records=_begin_all(workspace, records, operation, wanted.target),
            new_branches=frozenset(one.branch_name for one in decision.steps.select("create")),
        ),
        remarks=remarks,
        steps=decision.steps,
        known=known,
    )


def raise_failures(failures: Sequence[Failure], total: int) -> None:
    """Raise one error for all the slices that could not be made, if there are any."""
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


def _order_again(workspace: Workspace, store: Store, record: SliceRecord, operation: str) -> Order:
    now = store.find_slice(record.goal_id, record.slice_id)
    # Somebody may have made it, or be making it, since it was found to be gone.
    lost = now and not now.filling_operation and not is_filled(Path(now.worktree_path))
    goal = store.read_goal(record.goal_id)
    target = goal.plan.target if goal else None
    return Order(
        goal_id=record.goal_id,
        slice_ids=frozenset({record.slice_id}),
        intent=ApplyIntent(
            operation=operation,
            records=_begin_all(workspace, [now], operation, target) if now and lost else (),
            new_branches=frozenset(),
        ),
    )


def _make_records(
    workspace: Workspace, store: Store, wanted: Wanted, decision: Decision
) -> tuple[SliceRecord, ...]:
    """The new slices, each with a port of its own."""
    digests = {id_: checkout.digest for id_, checkout in decision.checkouts.items()}
    made = [
        make_record(wanted.goal_id, one, wanted.base, sparse=digests.get(one.slice_id, ""))
        for one in decision.steps.select("create")
    ]
    return give_ports(workspace, store, wanted.target, made)


def _begin_all(
    workspace: Workspace,
    records: Collection[SliceRecord],
    operation: str,
    target: BranchName | None,
) -> tuple[SliceRecord, ...]:
    """The records as they are while `operation` fills their worktrees, which are new on disk."""
    # From the start: killed before its set-up or in the midst of it, the slice still tells.
    needs_setup = bool(read_settings(workspace, target).setup.texts)
    return tuple(
        structs.replace(record, filling_operation=operation, needs_setup=needs_setup)
        for record in records
    )


def _fill(
    workspace: Workspace,
    store: Store,
    intent: ApplyIntent,
    unmade: Sequence[Failure],
    jobs: int,
    on_progress: OnProgress,
) -> FillOutcome:
    failed = {failure.record.slice_id for failure in unmade}
    records = [record for record in intent.records if record.slice_id not in failed]
    outcome = fill_slices(workspace, store, records, jobs, on_progress)
    if outcome.failures:
        with recover_and_lock(workspace, store):
            undo_slices(workspace, store, outcome.failures, intent)
    clear_filling(workspace.state_folder, intent.operation)
    return outcome


def _wait_for_others(workspace: Workspace, store: Store, order: Order) -> tuple[Failure, ...]:
    """Wait for worktrees that other processes are filling, and fill those of killed ones.

    Returns the slices that could not be filled and are undone.
    """
    waiting = [
        record
        for record in store.read_slices(order.goal_id)
        if record.filling_operation and record.slice_id in order.slice_ids
    ]
    if not waiting:
        return ()
    for operation in sorted({record.filling_operation for record in waiting}):
        workspace.wait_for_operation(operation)
    with recover_and_lock(workspace, store):
        left = {record.slice_id for record in store.read_slices(order.goal_id)}
    error = MachineError("another gitslices could not fill its worktree", hint="see: gitslices log")
    return tuple(Failure(record, error) for record in waiting if record.slice_id not in left)
