"""The topology lock, and what its next holder does with an intent that a killed one left."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitslices.errors import BusyError
from gitslices.git.repair import clear_ref_locks, find_admin_folders
from gitslices.git.worktrees import is_filled
from gitslices.ops.progress import Progress
from gitslices.ops.register import LOCK_REASON, carry_out
from gitslices.ops.retire import carry_out_removals
from gitslices.provision import choose_trash, move_to_trash
from gitslices.state.journal import ApplyIntent, Intent, clear_intent, find_intent
from gitslices.state.store import Store
from gitslices.workspace import Workspace


@contextmanager
def hold_topology(workspace: Workspace, store: Store) -> Iterator[None]:
    """Hold the lock on branches and worktrees, with nothing left half done by others."""
    with workspace.hold_topology():
        intent = find_intent(workspace.state_folder)
        if intent is not None:
            _replay(workspace, store, intent)
            clear_intent(workspace.state_folder)
        yield


def recover(workspace: Workspace) -> None:
    """Complete what a killed process left, unless its lock shows that it is alive.

    Every command starts with this: after some kills no git command works before it.
    """
    if not workspace.has_intent():
        return
    try:
        with workspace.open_store() as store, hold_topology(workspace.without_wait(), store):
            pass
    except BusyError:
        return


def _replay(workspace: Workspace, store: Store, intent: Intent) -> None:
    if isinstance(intent, ApplyIntent):
        _clear_half_made(workspace, intent)
        carry_out(workspace, store, intent, _ignore)
    else:
        branches = [removal.record.branch_name for removal in intent.removals]
        clear_ref_locks(workspace.repo.common_dir, branches)
        carry_out_removals(workspace, store, intent)


def _clear_half_made(workspace: Workspace, intent: ApplyIntent) -> None:
    common_dir = workspace.repo.common_dir
    clear_ref_locks(common_dir, sorted(intent.new_branches))
    for record in intent.records:
        path = Path(record.worktree_path)
        if is_filled(path):
            continue
        trash = choose_trash(common_dir, workspace.state_folder) / intent.operation / path.name
        reason = LOCK_REASON + intent.operation
        for number, admin in enumerate(find_admin_folders(common_dir, path, reason)):
            move_to_trash(admin, trash / f"admin-{number}")
        _take_back_leaf(path)


def _take_back_leaf(path: Path) -> None:
    """Remove a worktree's folder in which git has only written its `.git` file."""
    if not path.is_dir() or any(entry.name != ".git" for entry in path.iterdir()):
        return
    (path / ".git").unlink(missing_ok=True)
    path.rmdir()


def _ignore(progress: Progress) -> None:
    """Nobody watches a recovery."""
