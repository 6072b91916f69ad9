"""Take slices away without losing anything: what is removed waits in the trash.

The branch's last commit is kept by a reference under `refs/gitslices/trash/`, the worktree and
git's folder for it are renamed into a trash folder of the same file system.
"""

import uuid
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, structs

from gitslices.errors import GitslicesError
from gitslices.git.read import HEADS, count_ahead_behind, find_commit, read_branches, read_refs
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.repair import clear_ref_locks, clear_shared_locks, find_linked_folders
from gitslices.git.worktrees import Worktree, read_changes, read_worktrees
from gitslices.model import BranchName, Oid
from gitslices.ops.register import LOCK_REASON
from gitslices.policy import Retirable
from gitslices.provision import choose_trash, move_to_trash, take_from_trash
from gitslices.state.journal import (
    Removal,
    RemoveIntent,
    clear_intent,
    read_intent_time,
    write_intent,
)
from gitslices.state.landings import read_landed_tips
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.workspace import Workspace

TRASH_REFS = "refs/gitslices/trash/"


class Candidate(Struct, frozen=True, kw_only=True):
    """A slice that might be taken away, and what speaks for and against it."""

    record: SliceRecord
    tip: Oid | None
    facts: Retirable


def find_candidates(
    workspace: Workspace, store: Store, records: Sequence[SliceRecord], target: BranchName
) -> tuple[Candidate, ...]:
    """What git says of each of `records` now, and what the store says of those it squashed."""
    landed_tips = {
        (goal_id, slice_id): tip
        for goal_id in {record.goal_id for record in records}
        for slice_id, tip in read_landed_tips(store, goal_id).items()
    }
    tips = read_branches(workspace.repo, [workspace.prefix])
    landed_in = find_commit(workspace.repo, HEADS + target)
    worktrees = {str(worktree.path): worktree for worktree in read_worktrees(workspace.repo)}
    return tuple(
        _look_at(workspace, record, tips.get(record.branch_name), landed_in,
                 worktrees.get(record.worktree_path),
                 landed_tips.get((record.goal_id, record.slice_id)))
        for record in records
    )  # fmt: skip


def retire(workspace: Workspace, store: Store, candidates: Sequence[Candidate]) -> None:
    """Move `candidates` to the trash; the caller holds the topology lock and has judged them."""
    if not candidates:
        return
    operation = uuid.uuid4().hex
    intent = RemoveIntent(
        operation=operation,
        removals=tuple(_make_removal(workspace, one, operation) for one in candidates),
    )
    write_intent(workspace.state_folder, intent)
    _carry_out(workspace, store, intent)


def resume_retiring(workspace: Workspace, store: Store, intent: RemoveIntent) -> None:
    """Carry out what a killed process had begun of `intent`; what it had not is left alone.

    Doing it twice does nothing.
    """
    _clear_locks(workspace, intent)
    _carry_out(workspace, store, _drop_unbegun(workspace, store, intent))


def _carry_out(workspace: Workspace, store: Store, intent: RemoveIntent) -> None:
    try:
        _drop_branches(workspace, intent)
        _clear_locks(workspace, intent)  # git says nothing of one that it could not remove
        for removal in intent.removals:
            move_to_trash(Path(removal.record.worktree_path), Path(removal.trash, "worktree"))
            if removal.admin:
                move_to_trash(Path(removal.admin), Path(removal.trash, "admin"))
        _record(workspace, store, intent)
    except GitslicesError:
        _put_back(workspace, intent)
        clear_intent(workspace.state_folder)
        raise
    clear_intent(workspace.state_folder)


def _clear_locks(workspace: Workspace, intent: RemoveIntent) -> None:
    """Remove the locks that a git left which died, or could not remove them."""
    common_dir = workspace.repo.common_dir
    branches = [removal.record.branch_name for removal in intent.removals]
    clear_ref_locks(common_dir, [_make_trash_ref(intent, branch) for branch in branches])
    since = read_intent_time(workspace.state_folder)
    clear_shared_locks(common_dir, [HEADS + branch for branch in branches], since=since)


def _drop_unbegun(workspace: Workspace, store: Store, intent: RemoveIntent) -> RemoveIntent:
    """`intent` without slices that are still whole, and without those that are gone already."""
    kept = read_refs(workspace.repo, [f"{TRASH_REFS}{intent.operation}/"])
    known = {(one.goal_id, one.slice_id) for one in store.read_slices() if one.status != "removed"}
    begun = [
        removal
        for removal in intent.removals
        if (removal.record.goal_id, removal.record.slice_id) in known
        and (
            _make_trash_ref(intent, removal.record.branch_name) in kept
            or not Path(removal.record.worktree_path).exists()
        )
    ]
    return structs.replace(intent, removals=tuple(begun))


def _put_back(workspace: Workspace, intent: RemoveIntent) -> None:
    """Undo what was done of `intent`, newest first."""
    _clear_locks(workspace, intent)
    for removal in reversed(intent.removals):
        if removal.admin:
            take_from_trash(Path(removal.trash, "admin"), Path(removal.admin))
        take_from_trash(Path(removal.trash, "worktree"), Path(removal.record.worktree_path))
    kept = read_refs(workspace.repo, [f"{TRASH_REFS}{intent.operation}/"])
    existing = read_branches(workspace.repo, [workspace.prefix])
    updates = []
    for removal in intent.removals:
        branch = removal.record.branch_name
        keep = _make_trash_ref(intent, branch)
        if removal.tip is None or keep not in kept:
            continue
        updates.append(RefUpdate(ref=keep, old=removal.tip))
        if branch not in existing:
            updates.append(RefUpdate(ref=HEADS + branch, new=removal.tip))
    update_refs(workspace.repo, updates, reason="gitslices: undo")


def _record(workspace: Workspace, store: Store, intent: RemoveIntent) -> None:
    with store.transaction():
        for removal in intent.removals:
            if removal.landed:
                store.write_slices([structs.replace(removal.record, status="removed", filler="")])
            else:
                store.delete_slice(removal.record)
        store.write_events(
            [_make_event(workspace, removal, intent.operation) for removal in intent.removals]
        )


def _look_at(
    workspace: Workspace,
    record: SliceRecord,
    tip: Oid | None,
    target: Oid | None,
    worktree: Worktree | None,
    landed_tip: Oid | None,
) -> Candidate:
    there = worktree is not None and not worktree.missing
    locked = worktree.locked if worktree else None
    changed = (
        read_changes(workspace.repo, Path(record.worktree_path), untracked=True) if there else ()
    )
    ahead = count_ahead_behind(workspace.repo, tip, target)[0] if tip and target else 0
    if tip == landed_tip:
        ahead = 0
    facts = Retirable(
        slice_id=record.slice_id,
        changed=changed,
        ahead=ahead if target else int(tip != record.base_commit),
        untouched=tip in (None, record.base_commit),
        locked=None if locked is None or locked.startswith(LOCK_REASON) else locked,
        busy=bool(record.filler),
    )
    return Candidate(record=record, tip=tip, facts=facts)


def _make_removal(workspace: Workspace, candidate: Candidate, operation: str) -> Removal:
    record = candidate.record
    path = Path(record.worktree_path)
    admin = next(iter(find_linked_folders(workspace.repo.common_dir, path)), None)
    trash = choose_trash(path, workspace.state_folder) / operation / path.name
    return Removal(
        record=record,
        tip=candidate.tip,
        admin=str(admin) if admin else None,
        trash=str(trash),
        landed=candidate.facts.landed,
    )


def _drop_branches(workspace: Workspace, intent: RemoveIntent) -> None:
    kept = read_refs(workspace.repo, [f"{TRASH_REFS}{intent.operation}/"])
    existing = read_branches(workspace.repo, [workspace.prefix])
    updates = []
    for removal in intent.removals:
        branch = removal.record.branch_name
        keep = _make_trash_ref(intent, branch)
        if removal.tip is None:
            continue
        if keep not in kept:
            updates.append(RefUpdate(ref=keep, new=removal.tip))
        # A branch that has moved since its slice was judged makes the whole transaction fail.
        if branch in existing:
            updates.append(RefUpdate(ref=HEADS + branch, old=removal.tip))
    update_refs(workspace.repo, updates, reason="gitslices: remove")


def _make_trash_ref(intent: RemoveIntent, branch: BranchName) -> str:
    return f"{TRASH_REFS}{intent.operation}/{branch}"


def _make_event(workspace: Workspace, removal: Removal, operation: str) -> Event:
    return Event(
        at=workspace.now(),
        goal_id=removal.record.goal_id,
        slice_id=removal.record.slice_id,
        event="removed",
        detail={
            "branch": removal.record.branch_name,
            "tip": removal.tip,
            "trash": removal.trash,
            "operation": operation,
        },
    )
