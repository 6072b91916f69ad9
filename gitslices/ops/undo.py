"""Undo a removal, as long as it is in the trash."""

from collections.abc import Sequence
from difflib import get_close_matches

from msgspec import Struct

from gitslices.core.errors import InputError, RefusedError, UnknownSliceError
from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.recovery.recovery import recover_and_lock
from gitslices.removal.trash import find_undo_problems, restore_slices
from gitslices.rules.removal import find_expiry
from gitslices.slices.lookup import get_goal
from gitslices.state.store import Store
from gitslices.state.trash import Trashed, read_trash
from gitslices.workspace import Workspace


class UndoRequest(Struct, frozen=True, kw_only=True):
    """No `slice_id` means all that the latest removal took away."""

    slice_id: SliceId | None = None
    goal_id: str | None = None


class Undoable(Struct, frozen=True, kw_only=True):
    """A slice in the trash, and until when it is kept there."""

    goal_id: str
    slice_id: SliceId
    removed_at: str
    expires_at: str
    branch_name: BranchName
    worktree_path: str
    tip: Oid | None


class UndoReport(Struct, frozen=True, kw_only=True):
    """What was brought back."""

    restored: tuple[Undoable, ...]


class TrashReport(Struct, frozen=True, kw_only=True):
    """What could be brought back, the oldest first."""

    trash: tuple[Undoable, ...]


def list_trash(workspace: Workspace, goal_id: str | None) -> TrashReport:
    """What the trash holds of one goal, or of all."""
    with workspace.open_store() as store:
        trashed = _select_goal(store, goal_id)
    return TrashReport(trash=tuple(_describe(one) for one in trashed))


def undo(workspace: Workspace, request: UndoRequest) -> UndoReport:
    """Bring back what the latest removal took away, or the latest of one slice.

    Raises `RefusedError` for each branch or path that has been taken since, `UnknownSliceError`
    for a slice that is not in the trash.
    """
    with workspace.open_store() as store, recover_and_lock(workspace, store):
        chosen = _choose(_select_goal(store, request.goal_id), request.slice_id)
        removals = [one.removal for one in chosen]
        problems = find_undo_problems(workspace, store, removals)
        if problems:
            raise RefusedError("the removal cannot be undone; nothing changed", problems=problems)
        restore_slices(workspace, store, chosen[0].operation, removals)
    return UndoReport(restored=tuple(_describe(one) for one in chosen))


def _select_goal(store: Store, goal_id: str | None) -> tuple[Trashed, ...]:
    trashed = read_trash(store)
    if goal_id is None:
        return tuple(trashed)
    own = tuple(one for one in trashed if one.removal.record.goal_id == goal_id)
    if not own:
        get_goal(store, goal_id)
    return own


def _choose(trashed: Sequence[Trashed], slice_id: SliceId | None) -> tuple[Trashed, ...]:
    if not trashed:
        raise RefusedError(
            "the trash is empty: there is nothing to undo", hint="see: gitslices log"
        )
    if slice_id is None:
        return tuple(one for one in trashed if one.operation == trashed[-1].operation)
    own = [one for one in trashed if one.removal.record.slice_id == slice_id]
    if not own:
        known = sorted({str(one.removal.record.slice_id) for one in trashed})
        near = get_close_matches(slice_id, known, n=1)
        raise UnknownSliceError(
            f"slice {slice_id!r} is not in the trash",
            hint=f"the nearest is {near[0]!r}" if near else "see: gitslices undo --list",
        )
    goals = sorted({one.removal.record.goal_id for one in own})
    if len(goals) > 1:
        raise InputError(
            f"slice {slice_id!r} was removed from {len(goals)} goals: {', '.join(goals)}",
            hint="name one with --goal ID",
        )
    return (own[-1],)


def _describe(trashed: Trashed) -> Undoable:
    record = trashed.removal.record
    return Undoable(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        removed_at=trashed.at,
        expires_at=find_expiry(trashed.at).strftime("%Y-%m-%dT%H:%M:%SZ"),
        branch_name=record.branch_name,
        worktree_path=record.worktree_path,
        tip=trashed.removal.tip,
    )
