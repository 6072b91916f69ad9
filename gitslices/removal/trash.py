"""Slices moved into the trash and back out of it, branch and folders; each undoes the other.

The caller holds the topology lock and has written its intent: both do whatever is not done yet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from gitslices.core.errors import RefusedError
from gitslices.core.model import Oid
from gitslices.git.read import HEADS, read_refs
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.repair import clear_ref_locks, clear_shared_locks
from gitslices.git.repository import Repository
from gitslices.state.journal import Removal, read_intent_time
from gitslices.system.deletion import remove_empty
from gitslices.system.folders import find_occupied, move_to_trash, take_from_trash
from gitslices.workspace import Workspace

TRASH_REFS = "refs/gitslices/trash/"

Refs = Mapping[str, Oid]


def move_away(workspace: Workspace, operation: str, removals: Sequence[Removal]) -> None:
    """Keep each branch's last commit under `refs/gitslices/trash/`, drop the branch, move folders.

    Raises `RefusedError` when a branch has moved since it was looked at.
    """
    # References first: they are what may be refused, and no folder has moved then.
    _update(workspace, operation, removals, _plan_away, reason="gitslices: remove")
    for removal in removals:
        if removal.admin:
            # Git's folder goes first and comes back last: found without its worktree, it would
            # be deleted by the next `git worktree prune`.
            move_to_trash(Path(removal.admin), Path(removal.folder, "admin"))
        if removal.files:
            move_to_trash(Path(removal.record.worktree_path), Path(removal.files))


def move_back(workspace: Workspace, operation: str, removals: Sequence[Removal]) -> None:
    """The reverse; raise `RefusedError` where a branch or a path has been taken since."""
    _update(workspace, operation, removals, _plan_back, reason="gitslices: undo")
    for removal in removals:
        if removal.files:
            _put_back(Path(removal.files), Path(removal.record.worktree_path))
        if removal.admin:
            _put_back(Path(removal.folder, "admin"), Path(removal.admin))


def clear_locks(workspace: Workspace, operation: str, removals: Sequence[Removal]) -> None:
    """Remove the lock files of references that a killed process left, moving `removals`."""
    common_dir = workspace.repo.common_dir
    # The operation's id is in these names: nobody else locks them, so their age does not count.
    clear_ref_locks(common_dir, [ref for one in removals for ref in find_kept(operation, one)])
    branches = [HEADS + removal.record.branch_name for removal in removals]
    since = read_intent_time(workspace.state_folder)
    clear_shared_locks(common_dir, branches, since=since)


def read_trash_refs(repo: Repository, operation: str) -> Refs:
    """What is kept of the slices that `operation` took away."""
    return read_refs(repo, [f"{TRASH_REFS}{operation}"])


def drop_kept(repo: Repository, operation: str, removals: Sequence[Removal]) -> None:
    """Delete the references that keep what `removals` would have left behind."""
    refs = read_trash_refs(repo, operation)
    kept = [name for removal in removals for name in find_kept(operation, removal) if name in refs]
    updates = [RefUpdate(ref=name, old=refs[name]) for name in kept]
    update_refs(repo, updates, reason="gitslices: kept, the branch has moved")


def find_kept(operation: str, removal: Removal) -> dict[str, Oid]:
    """The references that keep what a removal left behind, by name."""
    kept = {"tip": removal.tip, "head": removal.head, "staged": removal.staged}
    branch = removal.record.branch_name
    return {f"{TRASH_REFS}{operation}/{what}/{branch}": oid for what, oid in kept.items() if oid}


def _update(
    workspace: Workspace,
    operation: str,
    removals: Sequence[Removal],
    plan: Callable[[Removal, Refs, Refs], Iterable[RefUpdate]],
    *,
    reason: str,
) -> None:
    # Not by their whole names: a command line has an end.
    tops = sorted({removal.record.branch_name.partition("/")[0] for removal in removals})
    refs = read_refs(workspace.repo, [*(HEADS + top for top in tops), f"{TRASH_REFS}{operation}"])
    updates = [
        update
        for removal in removals
        for update in plan(removal, find_kept(operation, removal), refs)
    ]
    update_refs(workspace.repo, updates, reason=reason)
    # git says nothing of a lock file that it could not remove
    clear_locks(workspace, operation, removals)


def _put_back(place: Path, path: Path) -> None:
    # After a kill one of the two is there. Both are, where somebody has come in between.
    if find_occupied([str(place)]) and find_occupied([str(path)]):
        raise RefusedError(f"{str(path)!r} has been taken since", hint="move it away, try again")
    take_from_trash(place, path)
    remove_empty(place.parent, place.parent.parent)


def _plan_away(removal: Removal, kept: Refs, refs: Refs) -> Iterable[RefUpdate]:
    branch = HEADS + removal.record.branch_name
    # Then a killed process has come to the references; a branch that is elsewhere now was made
    # or moved by somebody since, and stays.
    begun = any(name in refs for name in kept)
    for name, oid in kept.items():
        if name not in refs:
            yield RefUpdate(ref=name, new=oid)
    if branch not in refs:
        return
    if refs[branch] == removal.tip:
        yield RefUpdate(ref=branch, old=removal.tip)
    elif not begun:
        raise RefusedError(
            f"branch {removal.record.branch_name!r} has moved since it was looked at",
            hint="try again: the new commits are looked at then",
        )


def _plan_back(removal: Removal, kept: Refs, refs: Refs) -> Iterable[RefUpdate]:
    branch = HEADS + removal.record.branch_name
    waiting = [name for name in kept if name in refs]
    # With nothing kept any more the branch is back already, and may have gone on since.
    if waiting and removal.tip is not None:
        if branch not in refs:
            yield RefUpdate(ref=branch, new=removal.tip)
        elif refs[branch] != removal.tip:
            raise RefusedError(
                f"branch {removal.record.branch_name!r} has been taken since",
                hint=f"rename it: git branch -m {removal.record.branch_name} NEW-NAME",
            )
    for name in waiting:
        yield RefUpdate(ref=name, old=refs[name])
