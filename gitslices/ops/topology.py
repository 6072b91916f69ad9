"""The topology lock, and what its next holder does with what killed ones left."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final, TypeVar

from gitslices.errors import BusyError, GitError, GitslicesError
from gitslices.ops.fill import fill_slices, run_hooks
from gitslices.ops.move import resume_moves
from gitslices.ops.progress import ignore_progress
from gitslices.ops.register import find_unfilled, give_up, register_again, resume_registering
from gitslices.ops.retire import resume_retiring
from gitslices.ops.revive import resume_reviving
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

T = TypeVar("T")

_ATTEMPTS: Final = 3


@contextmanager
def hold_topology(workspace: Workspace, store: Store) -> Iterator[None]:
    """Hold the lock on branches and worktrees, with nothing left half done by others.

    Where a killed process left worktrees unfilled the lock is given back to fill them: that runs
    the filters and hooks of the repository.
    """
    while True:
        with ExitStack() as alive:
            with workspace.hold_topology():
                _replay(workspace, store)
                abandoned = _take_over(workspace, store, alive)
                if not abandoned:
                    yield
                    return
            filled = [one for intent in abandoned for one in _fill(workspace, store, intent)]
        run_hooks(workspace, filled, _jobs())


def recover(workspace: Workspace) -> None:
    """Complete what a killed process left, unless its lock shows that it is alive.

    Every command starts with this: after some kills no git command works before it.
    """
    if not workspace.has_intent() and not workspace.find_dead_operations():
        return
    impatient = workspace.without_wait()
    with suppress(BusyError), workspace.open_store() as store, hold_topology(impatient, store):
        pass


def read_undisturbed(workspace: Workspace, store: Store, read: Callable[[], T]) -> T:
    """What `read` finds while nobody changes branches and worktrees.

    Tried without the lock first: then nobody waits for a reader. Raises `BusyError` when others
    are at work all the time and the lock is not had either.
    """
    for _ in range(_ATTEMPTS):
        before = workspace.read_stamp()
        if before is None:
            break
        try:
            found = read()
        except GitError:
            if workspace.read_stamp() == before:
                raise
            continue
        if workspace.read_stamp() == before:
            return found
    with hold_topology(workspace, store):
        return read()


def _replay(workspace: Workspace, store: Store) -> None:
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


def _take_over(workspace: Workspace, store: Store, alive: ExitStack) -> list[ApplyIntent]:
    """The intents of dead operations whose worktrees still lack files, ready to be filled.

    `alive` gets the locks of these operations; what else the dead left is removed.
    """
    fillers = {record.filler for record in store.read_slices() if record.filler}
    abandoned = []
    for operation in workspace.find_dead_operations(fillers):
        with suppress(BusyError), ExitStack() as own:
            own.enter_context(workspace.without_wait().hold_operation(operation))
            intent = find_filling(workspace.state_folder, operation) or _infer(store, operation)
            if not find_unfilled(store, operation):
                clear_filling(workspace.state_folder, operation)
                continue
            register_again(workspace, store, intent)
            abandoned.append(intent)
            alive.enter_context(own.pop_all())
    return abandoned


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
