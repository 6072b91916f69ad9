"""Slices moved into the trash and back out of it: branch, folders and state.

The caller holds the topology lock and has written its intent: both do whatever is not done yet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from gitslices.core.errors import GitslicesError, Problem, RefusedError, suggest
from gitslices.core.model import GONE, Oid
from gitslices.git.read import HEADS, read_branches, read_refs
from gitslices.git.refs import RefUpdate, drop_lost_entries, update_refs
from gitslices.git.repair import clear_ref_locks, clear_shared_locks
from gitslices.git.repository import Repository
from gitslices.state.journal import (
    Removal,
    UndoIntent,
    clear_intent,
    read_lock_origin,
    write_intent,
)
from gitslices.state.store import Event, Store
from gitslices.state.trash import delete_trash, is_in_trash
from gitslices.system.folders import find_occupied, move_to_trash, remove_empty, take_from_trash
from gitslices.workspace import Workspace

TRASH_REFS = "refs/gitslices/trash/"

_Refs = Mapping[str, Oid]


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
    origin = read_lock_origin(workspace.state_folder)
    clear_shared_locks(common_dir, branches, origin=origin)


def read_trash_refs(repo: Repository, operation: str) -> _Refs:
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
    plan: Callable[[Removal, _Refs, _Refs], Iterable[RefUpdate]],
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


def _plan_away(removal: Removal, kept: _Refs, refs: _Refs) -> Iterable[RefUpdate]:
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


def _plan_back(removal: Removal, kept: _Refs, refs: _Refs) -> Iterable[RefUpdate]:
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


def find_undo_problems(
    workspace: Workspace, store: Store, removals: Sequence[Removal]
) -> tuple[Problem, ...]:
    """What has taken the place of `removals`, or is no longer in the trash."""
    # Not by their whole names: a command line has an end.
    tops = sorted({removal.record.branch_name.partition("/")[0] for removal in removals})
    branches = read_branches(workspace.repo, tops)
    present = {
        (record.goal_id, record.slice_id)
        for record in store.read_slices()
        if record.status not in GONE
    }
    problems: list[Problem] = []
    for removal in removals:
        record = removal.record
        if (record.goal_id, record.slice_id) in present:
            away = suggest("remove", record.slice_id, goal_id=record.goal_id)
            hint = f"take that one away first: {away}"
            problems.append(Problem(record.slice_id, "it has been made again since", hint))
            continue
        if record.branch_name in branches:
            hint = f"rename it: git branch -m {record.branch_name} NEW-NAME"
            message = f"branch {record.branch_name!r} has been taken since"
            problems.append(Problem(record.slice_id, message, hint))
        problems += _find_folder_problems(removal)
    return tuple(problems)


def restore_slices(
    workspace: Workspace, store: Store, operation: str, removals: Sequence[Removal]
) -> None:
    """Undo `removals` of one operation; the caller holds the topology lock and has judged them.

    All or nothing: raises `RefusedError` when something has taken their place meanwhile.
    """
    intent = UndoIntent(operation=operation, removals=tuple(removals))
    write_intent(workspace.state_folder, intent)
    _carry_out(workspace, store, intent)


def resume_restoring(workspace: Workspace, store: Store, intent: UndoIntent) -> None:
    """Carry out what a killed process had not yet done of `intent`; twice does nothing."""
    clear_locks(workspace, intent.operation, intent.removals)
    _carry_out(workspace, store, intent)


def _carry_out(workspace: Workspace, store: Store, intent: UndoIntent) -> None:
    try:
        move_back(workspace, intent.operation, intent.removals)
        for removal in intent.removals:
            if removal.admin:  # git gc does not look into the trash
                drop_lost_entries(workspace.repo, Path(removal.admin, "logs", "HEAD"))
        # Recorded last: until then nobody is given a slice whose files are not back.
        _record(workspace, store, intent)
    except GitslicesError:
        # All of them: a branch half brought back would stand with no record.
        move_away(workspace, intent.operation, intent.removals)
        clear_intent(workspace.state_folder)
        raise
    clear_intent(workspace.state_folder)


def _record(workspace: Workspace, store: Store, intent: UndoIntent) -> None:
    # Replayed after its transaction it finds nothing here, and writes no event twice.
    waiting = [one for one in intent.removals if is_in_trash(store, intent.operation, one)]
    now = workspace.now()
    with store.transaction():
        store.write_slices([removal.record for removal in waiting])
        delete_trash(store, intent.operation, waiting)
        store.write_events([make_restored_event(now, removal) for removal in waiting])


def _find_folder_problems(removal: Removal) -> list[Problem]:
    record = removal.record
    problems = []
    moves = [(removal.files, record.worktree_path)] if removal.files else []
    moves += [(f"{removal.folder}/admin", removal.admin)] if removal.admin else []
    for place, path in moves:
        if find_occupied([path]):
            hint = "move it away, then try again"
            problems.append(Problem(record.slice_id, f"{path!r} has been taken since", hint))
        if not Path(place).exists():
            hint = "see: gitslices doctor"
            problems.append(Problem(record.slice_id, f"{place!r} is not in the trash", hint))
    return problems


def make_restored_event(now: str, removal: Removal) -> Event:
    """That a slice which was taken away stands again."""
    return Event(
        at=now,
        goal_id=removal.record.goal_id,
        slice_id=removal.record.slice_id,
        event="restored",
        detail={"branch": removal.record.branch_name, "tip": removal.tip},
    )
