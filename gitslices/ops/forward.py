"""Bring a slice that nobody has begun forward to what its target is now."""

import uuid
from pathlib import Path

from msgspec import structs

from gitslices.errors import GitslicesError
from gitslices.git.checkout import (
    find_in_the_way,
    has_in_the_way,
    move_files,
    reset_files,
    save_changes,
)
from gitslices.git.read import HEADS, find_commit, is_ancestor, read_head_branch
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.repair import clear_index_lock, clear_shared_locks
from gitslices.git.worktrees import find_admin_folder, read_changes
from gitslices.model import Oid
from gitslices.ops.retire import TRASH_REFS
from gitslices.provision import choose_trash, move_to_trash
from gitslices.state.journal import ForwardIntent, clear_intent, read_intent_time, write_intent
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.workspace import Workspace


def forward_slice(
    workspace: Workspace, store: Store, record: SliceRecord, target_tip: Oid
) -> SliceRecord:
    """Move branch and worktree of an untouched slice to `target_tip`; return its new record.

    A slice with commits, uncommitted or untracked files is left as it is. The caller holds the
    topology lock.
    """
    if not _is_behind(workspace, record, target_tip):
        return record
    intent = ForwardIntent(record=record, tip=target_tip)
    write_intent(workspace.state_folder, intent)
    return _carry_out(workspace, store, intent)


def resume_forward(workspace: Workspace, store: Store, intent: ForwardIntent) -> None:
    """Carry out what a killed process left of `intent`; doing it twice does nothing.

    Files that git was stopped in the middle of are written again; what they held is kept in the
    trash.
    """
    since = read_intent_time(workspace.state_folder)
    refs = [HEADS + intent.record.branch_name]
    clear_shared_locks(workspace.repo.common_dir, refs, since=since)
    clear_index_lock(Path(intent.record.worktree_path))
    if _is_torn(workspace, intent):
        _write_again(workspace, intent)
    _carry_out(workspace, store, intent)


def _carry_out(workspace: Workspace, store: Store, intent: ForwardIntent) -> SliceRecord:
    try:
        moved = _move(workspace, intent)
    except GitslicesError:
        path = Path(intent.record.worktree_path)
        move_files(workspace.repo, path, intent.tip, intent.record.base_commit)
        clear_intent(workspace.state_folder)
        raise
    if moved:
        with store.transaction():
            store.write_base(intent.record, intent.tip)
            store.write_events([_make_event(workspace, intent)])
    clear_intent(workspace.state_folder)
    return structs.replace(intent.record, base_commit=intent.tip) if moved else intent.record


def _move(workspace: Workspace, intent: ForwardIntent) -> bool:
    """Move files and branch; False where the slice is not as the intent found it."""
    repo, record = workspace.repo, intent.record
    ref = HEADS + record.branch_name
    tip = find_commit(repo, ref)
    if tip != record.base_commit:
        return tip == intent.tip
    path = Path(record.worktree_path)
    if move_files(repo, path, record.base_commit, intent.tip) is not None:
        return False
    move = RefUpdate(ref=ref, old=record.base_commit, new=intent.tip)
    update_refs(repo, [move], reason="gitslices: forward")
    return True


def _is_torn(workspace: Workspace, intent: ForwardIntent) -> bool:
    repo, record = workspace.repo, intent.record
    if find_commit(repo, HEADS + record.branch_name) != record.base_commit:
        return False
    path = Path(record.worktree_path)
    if not _is_on_its_branch(workspace, record):
        return False
    return move_files(repo, path, record.base_commit, intent.tip) is not None


def _write_again(workspace: Workspace, intent: ForwardIntent) -> None:
    repo, record = workspace.repo, intent.record
    path = Path(record.worktree_path)
    operation = uuid.uuid4().hex
    saved = save_changes(repo, path)
    if saved:
        keep = RefUpdate(ref=f"{TRASH_REFS}{operation}/{record.branch_name}", new=saved)
        update_refs(repo, [keep], reason="gitslices: forward")
    trash = choose_trash(path, workspace.state_folder) / operation
    for place in find_in_the_way(repo, path, record.base_commit, intent.tip):
        move_to_trash(place, trash / place.relative_to(path))
    reset_files(repo, path, intent.tip)


def _is_on_its_branch(workspace: Workspace, record: SliceRecord) -> bool:
    admin = find_admin_folder(Path(record.worktree_path))
    if admin is None or not admin.is_dir():
        return False
    return read_head_branch(workspace.repo, admin) == record.branch_name


def _is_behind(workspace: Workspace, record: SliceRecord, target_tip: Oid) -> bool:
    repo, path = workspace.repo, Path(record.worktree_path)
    return (
        record.base_commit != target_tip
        and find_commit(repo, HEADS + record.branch_name) == record.base_commit
        and is_ancestor(repo, record.base_commit, target_tip)
        and _is_on_its_branch(workspace, record)
        and not read_changes(repo, path, untracked=True)
        and not has_in_the_way(repo, path, record.base_commit, target_tip)
    )


def _make_event(workspace: Workspace, intent: ForwardIntent) -> Event:
    return Event(
        at=workspace.now(),
        goal_id=intent.record.goal_id,
        slice_id=intent.record.slice_id,
        event="forwarded",
        detail={"from": intent.record.base_commit, "to": intent.tip},
    )
