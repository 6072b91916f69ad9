"""Bring slices back from the trash: branch, worktree with all that is in it, and state."""

from collections.abc import Sequence
from pathlib import Path

from gitslices.core.errors import GitslicesError, Problem, suggest
from gitslices.git.read import read_branches
from gitslices.git.reflog import drop_lost_entries
from gitslices.removal.trash import clear_locks, move_away, move_back
from gitslices.state.journal import Removal, UndoIntent, clear_intent, write_intent
from gitslices.state.store import Event, Store
from gitslices.state.trash import delete_trash, is_in_trash
from gitslices.system.folders import find_occupied
from gitslices.workspace import Workspace


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
        if record.status != "removed"
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
