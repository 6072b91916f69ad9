"""The topology lock: whoever holds it finds nothing that killed processes left half done."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final, TypeVar

from gitslices.core.errors import BusyError, GitError
from gitslices.state.journal import find_intent
from gitslices.state.store import Store
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
                if not _is_anything_left(workspace, store):
                    yield
                    return
                # Imported where it is needed, which is hardly ever: it can do all that others do.
                from gitslices.recovery import recovery

                recovery.replay(workspace, store)
                abandoned = recovery.take_over(workspace, store, alive)
                if not abandoned:
                    yield
                    return
            filled = recovery.fill(workspace, store, abandoned)
        recovery.run_post_checkout(workspace, filled)


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


def _is_anything_left(workspace: Workspace, store: Store) -> bool:
    if find_intent(workspace.state_folder) is not None:
        return True
    filling = {one.filling_operation for one in store.read_slices() if one.filling_operation}
    return bool(workspace.find_dead_operations(filling))
