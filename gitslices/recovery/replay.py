"""Carry out, or undo, what killed processes left: their intents, and worktrees without files."""

import os
from contextlib import ExitStack, suppress
from pathlib import Path

from gitslices.core.errors import BusyError, GitslicesError
from gitslices.merging.move_branches import resume_moves
from gitslices.provisioning.fill import fill_slices, run_hooks
from gitslices.provisioning.register import (
    find_unfilled,
    give_up,
    register_again,
    resume_registering,
)
from gitslices.provisioning.wanted import ignore_progress
from gitslices.removal.to_trash import resume_trashing
from gitslices.removal.trash import resume_restoring
from gitslices.slices.claims import free_slice
from gitslices.slices.location import WorktreeMap
from gitslices.slices.renaming import resume_renaming
from gitslices.state.journal import (
    ApplyIntent,
    MoveIntent,
    RenameIntent,
    UndoIntent,
    clear_filling,
    find_filling,
    find_intent,
)
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


def complete_left(workspace: Workspace, store: Store) -> None:
    """Complete or undo whatever is left of processes that have died.

    The topology lock is held while branches and worktrees are made, and not while files are
    written: filters run then. The repository's hook comes last, when nothing is held, for it may
    call gitslices itself.
    """
    with ExitStack() as alive:
        with workspace.hold_topology():
            # First: an intent that was cut short can keep every git command from working.
            _replay_intent(workspace, store)
            abandoned = _take_over_abandoned(workspace, store, alive)
        filled = [one for intent in abandoned for one in _fill(workspace, store, intent)]
    run_hooks(workspace, filled, _count_jobs())
    for record in store.read_slices():
        free_slice(workspace, store, record.goal_id, record.slice_id)


def _replay_intent(workspace: Workspace, store: Store) -> None:
    """Carry out the intent that was left, or undo it."""
    intent = find_intent(workspace.state_folder)
    if intent is None:
        return
    try:
        if isinstance(intent, ApplyIntent):
            resume_registering(workspace, store, intent)
        elif isinstance(intent, MoveIntent):
            resume_moves(workspace, store, intent)
        elif isinstance(intent, RenameIntent):
            resume_renaming(workspace, store, intent)
        elif isinstance(intent, UndoIntent):
            resume_restoring(workspace, store, intent)
        else:
            resume_trashing(workspace, store, intent)
    except GitslicesError:
        # Undone, it concerns nobody but the dead; otherwise nothing is safe to do.
        if workspace.has_intent():
            raise


def _take_over_abandoned(workspace: Workspace, store: Store, alive: ExitStack) -> list[ApplyIntent]:
    """The intents of dead operations whose worktrees still lack files, ready to be filled.

    `alive` gets the locks of these operations, so that nobody else takes them over once the
    topology lock is free; what else the dead left is removed.
    """
    filling = {one.filling_operation for one in store.read_slices() if one.filling_operation}
    abandoned = []
    for operation in workspace.find_dead_operations(filling):
        # Busy is one that another process has begun to take over since.
        with suppress(BusyError), ExitStack() as own:
            own.enter_context(workspace.without_wait().hold_operation(operation))
            # Only under its lock: an operation that lives still has its folder in use.
            workspace.clear_scratch(operation)
            intent = find_filling(workspace.state_folder, operation) or _infer(store, operation)
            unfilled = find_unfilled(store, operation)
            if not unfilled:
                clear_filling(workspace.state_folder, operation)
                continue
            if is_away(workspace, store, operation):
                continue  # for whoever recovers once its disk is back
            register_again(workspace, store, intent)
            abandoned.append(intent)
            # Only now: had anything failed, the operation would be free for the next who recovers.
            alive.enter_context(own.pop_all())
    return abandoned


def is_away(workspace: Workspace, store: Store, operation: str) -> bool:
    """Whether a dead operation has registered worktrees on a disk that is not there now."""
    worktrees = WorktreeMap(workspace)
    paths = (Path(record.worktree_path) for record in find_unfilled(store, operation))
    return any(worktrees.find_away(path) for path in paths if not path.exists())


def _infer(store: Store, operation: str) -> ApplyIntent:
    """The intent of an operation that has left nothing but records: a disk may forget.

    No branch counts as new then: one that may have been there before is not ours to delete.
    """
    return ApplyIntent(
        operation=operation, records=find_unfilled(store, operation), new_branches=frozenset()
    )


def _fill(workspace: Workspace, store: Store, intent: ApplyIntent) -> tuple[SliceRecord, ...]:
    """Fill the worktrees that `intent` left empty; return those that are whole."""
    unfilled = find_unfilled(store, intent.operation)
    outcome = fill_slices(workspace, store, unfilled, _count_jobs(), ignore_progress)
    if outcome.failures:
        # The lock alone: to recover from here would lead back to here. What others have left half
        # done meanwhile can make this fail; then it stays, for the next who recovers.
        with workspace.hold_topology():
            give_up(workspace, store, outcome.failures, intent)
    clear_filling(workspace.state_folder, intent.operation)
    return outcome.filled


def _count_jobs() -> int:
    return os.cpu_count() or 1
