"""What the next holder of the topology lock does with what killed processes left."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from gitslices.core.errors import BusyError, GitslicesError
from gitslices.merging.move_branches import resume_moves
from gitslices.provisioning.fill import fill_slices, run_hooks
from gitslices.provisioning.progress import ignore_progress
from gitslices.provisioning.register import (
    find_unfilled,
    give_up,
    register_again,
    resume_registering,
)
from gitslices.removal.from_trash import resume_reviving
from gitslices.removal.to_trash import resume_retiring
from gitslices.state.journal import (
    ApplyIntent,
    MoveIntent,
    UndoIntent,
    clear_filling,
    find_filling,
    find_intent,
)
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


def replay(workspace: Workspace, store: Store) -> None:
    """Carry out the intent that was left, or undo it."""
    intent = find_intent(workspace.state_folder)
    if intent is None:
        return
    try:
        if isinstance(intent, ApplyIntent):
            resume_registering(workspace, store, intent)
        elif isinstance(intent, MoveIntent):
            resume_moves(workspace, store, intent)
        elif isinstance(intent, UndoIntent):
            resume_reviving(workspace, store, intent)
        else:
            resume_retiring(workspace, store, intent)
    except GitslicesError:
        # Undone, it concerns nobody but the dead; otherwise nothing is safe to do.
        if workspace.has_intent():
            raise


def take_over(workspace: Workspace, store: Store, alive: ExitStack) -> list[ApplyIntent]:
    """The intents of dead operations whose worktrees still lack files, ready to be filled.

    `alive` gets the locks of these operations; what else the dead left is removed.
    """
    filling = {one.filling_operation for one in store.read_slices() if one.filling_operation}
    abandoned = []
    for operation in workspace.find_dead_operations(filling):
        with suppress(BusyError), ExitStack() as own:
            own.enter_context(workspace.without_wait().hold_operation(operation))
            workspace.clear_scratch(operation)
            intent = find_filling(workspace.state_folder, operation) or _infer(store, operation)
            if not find_unfilled(store, operation):
                clear_filling(workspace.state_folder, operation)
                continue
            register_again(workspace, store, intent)
            abandoned.append(intent)
            alive.enter_context(own.pop_all())
    return abandoned


def fill(
    workspace: Workspace, store: Store, abandoned: Sequence[ApplyIntent]
) -> tuple[SliceRecord, ...]:
    """Fill the worktrees of `abandoned`, without the topology lock; return those that are whole."""
    return tuple(record for intent in abandoned for record in _fill(workspace, store, intent))


def run_post_checkout(workspace: Workspace, filled: Sequence[SliceRecord]) -> None:
    """Run the repository's hook in the worktrees of `filled`, whatever it says."""
    run_hooks(workspace, filled, _jobs())


def _infer(store: Store, operation: str) -> ApplyIntent:
    """The intent of an operation that has left nothing but records: a disk may forget."""
    return ApplyIntent(
        operation=operation, records=find_unfilled(store, operation), new_branches=frozenset()
    )


def _fill(workspace: Workspace, store: Store, intent: ApplyIntent) -> tuple[SliceRecord, ...]:
    unfilled = find_unfilled(store, intent.operation)
    outcome = fill_slices(workspace, store, unfilled, _jobs(), ignore_progress)
    if outcome.failures:
        with workspace.hold_topology():
            give_up(workspace, store, outcome.failures, intent)
    clear_filling(workspace.state_folder, intent.operation)
    return outcome.filled


def _jobs() -> int:
    return os.cpu_count() or 1
