"""When recovery runs: as every command starts, and again before it holds the topology lock.

The lock alone is `Workspace.hold_topology`. It tells nothing of what a killed holder left behind:
a half made worktree, say, beside which no git command works. So whoever changes branches or
worktrees looks once the lock is had, and where something is left recovers first and locks again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

from gitslices.core.errors import BusyError, GitError
from gitslices.git.worktrees import refuse_misleading_settings
from gitslices.state.journal import find_intent
from gitslices.state.store import Store
from gitslices.workspace import Workspace

T = TypeVar("T")

_ATTEMPTS: Final = 3


def recover(workspace: Workspace) -> None:
    """Complete what a killed process left, unless its lock shows that it is alive.

    Every command and hook starts with this: after some kills no git command works before it.
    """
    # One stat and one listing: every command and every hook pays for this.
    if not workspace.has_intent() and not workspace.find_dead_operations():
        return
    # Whoever holds the lock is alive, and completes or undoes its own.
    impatient = workspace.without_wait()
    with suppress(BusyError), workspace.open_store() as store:
        _complete(impatient, store)


@contextmanager
def recover_and_lock(workspace: Workspace, store: Store) -> Iterator[None]:
    """Hold the lock on branches and worktrees, with nothing left half done by others.

    Recovery goes without the lock where it fills worktrees, which runs the filters and hooks of the
    repository: hence the second look. Raises `MachineError` where a setting would have files moved
    in the wrong place.
    """
    refuse_misleading_settings(workspace.repo, workspace.config)
    while True:
        with workspace.hold_topology():
            # Seen from outside the lock it would prove nothing: its holder may be killed meanwhile.
            if not _is_anything_left(workspace, store):
                yield
                return
        _complete(workspace, store)


def read_undisturbed(workspace: Workspace, store: Store, read: Callable[[], T]) -> T:
    """What `read` finds while nobody changes branches and worktrees.

    Tried without the lock first: then nobody waits for a reader. Raises `BusyError` when others
    are at work all the time and the lock is not had either.
    """
    for _ in range(_ATTEMPTS):
        before = workspace.read_stamp()
        # A change is under way: waiting for its lock is sooner done than looking again.
        if before is None:
            break
        try:
            found = read()
        # Beside a worktree half made git fails: only where nothing has changed it means something.
        except GitError:
            if workspace.read_stamp() == before:
                raise
            continue
        if workspace.read_stamp() == before:
            return found
    with recover_and_lock(workspace, store):
        return read()


def _is_anything_left(workspace: Workspace, store: Store) -> bool:
    if find_intent(workspace.state_folder) is not None:
        return True
    filling = {one.filling_operation for one in store.read_slices() if one.filling_operation}
    dead = workspace.find_dead_operations(filling)
    if not dead:
        return False
    from gitslices.recovery.replay import is_away

    # What is away stays as it is; to wait for its disk here would be to wait for ever.
    return not all(is_away(workspace, store, operation) for operation in dead)


def _complete(workspace: Workspace, store: Store) -> None:
    refuse_misleading_settings(workspace.repo, workspace.config)
    # Imported where it is needed, which is hardly ever: it can do all that others do.
    from gitslices.recovery.replay import complete_left

    complete_left(workspace, store)
