"""Take slices away without losing anything: what is removed waits in the trash.

The branch's last commit is kept by a reference under `refs/gitslices/trash/`, the worktree and
git's folder for it are renamed into a trash folder of the same file system.
"""

import uuid
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from gitslices.core.errors import GitslicesError
from gitslices.core.model import SliceStatus
from gitslices.git.read import count_unreferenced, find_commit, read_head_branch, read_tips
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.uncommitted import keep_staged
from gitslices.removal.candidates import Candidate
from gitslices.removal.trash import (
    clear_locks,
    drop_kept,
    find_kept,
    make_restored_event,
    move_away,
    move_back,
    read_trash_refs,
)
from gitslices.rules.removal import KEPT_FOR
from gitslices.state.journal import Removal, RemoveIntent, clear_intent, write_intent
from gitslices.state.leases import find_open_lease
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.state.trash import Trashed, delete_trash, is_in_trash, read_trash, write_trash
from gitslices.system.folders import choose_trash, move_to_trash
from gitslices.system.mounts import find_mounts_beneath
from gitslices.workspace import Workspace


def trash_slices(
    workspace: Workspace, store: Store, candidates: Sequence[Candidate]
) -> tuple[Candidate, ...]:
    """Move `candidates` to the trash; the caller holds the topology lock and has judged them.

    Returns those left alone because somebody has claimed or changed them since, with what is known
    of them now. All the others or none: raises `RefusedError` when a branch has moved meanwhile.
    """
    mounted = tuple(found for one in candidates if (found := _find_mounted(one)) is not None)
    held = {one.record for one in mounted}
    candidates = [one for one in candidates if one.record not in held]
    if not candidates:
        return mounted
    operation = uuid.uuid4().hex
    # Making it writes what is staged, as objects: a kill before the intent leaves but garbage.
    intent = RemoveIntent(
        operation=operation,
        removals=tuple(_make_removal(workspace, one, operation) for one in candidates),
    )
    write_intent(workspace.state_folder, intent)
    # Should it fail, the intent stays: a disk that failed may have kept the record all the same.
    kept = _record(workspace, store, intent, candidates)
    _carry_out(workspace, store, intent)
    return (*mounted, *kept)


def keep_left_behind(
    workspace: Workspace, store: Store, operation: str, record: SliceRecord, admin: Path
) -> bool:
    """Put git's folder for a worktree that is gone into the trash, if only it has some work.

    That is a detached HEAD on no branch, what was staged, or repositories of submodules. Returns
    whether it was so. The caller holds the topology lock; a kill leaves it where it was.
    """
    repo = workspace.repo
    head = None if read_head_branch(repo, admin) else find_commit(repo, "HEAD", admin)
    # Some reference has it: nothing goes with this HEAD.
    if head is not None and not count_unreferenced(repo, head):
        head = None
    staged = keep_staged(repo, Path(record.worktree_path), admin=admin)
    if head is None and staged is None and not (admin / "modules").is_dir():
        return False
    removal = Removal(
        record=record, tip=None, head=head, staged=staged, admin=str(admin), files=None,
        folder=str(workspace.state_folder / "trash" / operation / admin.name), landed=False,
    )  # fmt: skip
    kept = find_kept(operation, removal)
    updates = [RefUpdate(ref=ref, new=oid) for ref, oid in kept.items()]
    update_refs(repo, updates, reason="gitslices: the worktree is gone")
    now = workspace.now()
    with store.transaction():
        write_trash(store, [Trashed(operation=operation, at=now, removal=removal)])
        store.write_events([_make_event(now, removal, operation, "kept")])
    # Last: until all is recorded, HEAD and index in this folder alone tell of the work.
    move_to_trash(admin, Path(removal.folder, "admin"))
    return True


def describe_left_behind(store: Store, operation: str) -> tuple[str, ...]:
    """What is to be said of what `keep_left_behind` has kept."""
    return tuple(
        f"{one.removal.record.slice_id}: its worktree was gone; {_list_kept(one)}"
        for one in read_trash(store)
        if one.operation == operation
    )


def _list_kept(trashed: Trashed) -> str:
    refs = find_kept(trashed.operation, trashed.removal)
    named = [ref if "/head/" in ref else f"{ref} (what was staged)" for ref in refs]
    places = ", ".join((*named, trashed.removal.folder))
    return f"what only git had of it is kept for {KEPT_FOR.days} days: {places}"


def _find_mounted(candidate: Candidate) -> Candidate | None:
    """What is known of a slice in whose worktree something is mounted: it must not be moved."""
    mounts = find_mounts_beneath(Path(candidate.record.worktree_path))
    if not mounts:
        return None
    return structs.replace(candidate, facts=structs.replace(candidate.facts, mounted=mounts[0]))


def resume_trashing(workspace: Workspace, store: Store, intent: RemoveIntent) -> None:
    """Carry out what a killed process had recorded of `intent`; what it had not is left alone.

    A slice whose branch has moved since comes back. Doing it twice does nothing.
    """
    clear_locks(workspace, intent.operation, intent.removals)
    moved = _find_moved(workspace, _find_waiting(workspace, store, intent))
    drop_kept(workspace.repo, intent.operation, moved)
    _take_back(workspace, store, intent.operation, moved)
    _carry_out(workspace, store, intent)


def _carry_out(workspace: Workspace, store: Store, intent: RemoveIntent) -> None:
    """Move what is recorded of `intent`, or record that it stays."""
    removals = _find_waiting(workspace, store, intent)
    try:
        move_away(workspace, intent.operation, removals)
    except GitslicesError:
        move_back(workspace, intent.operation, removals)
        _take_back(workspace, store, intent.operation, removals)
        clear_intent(workspace.state_folder)
        raise
    clear_intent(workspace.state_folder)


def _find_waiting(workspace: Workspace, store: Store, intent: RemoveIntent) -> list[Removal]:
    """What is recorded of `intent` and not done to the last step.

    After that step branch and path are free for others: it is not to be done again.
    """
    # A kill can leave some references made and others not (git 2.39): so all are compared.
    refs = read_trash_refs(workspace.repo, intent.operation)
    return [
        removal
        for removal in intent.removals
        if is_in_trash(store, intent.operation, removal)
        and not (refs.keys() >= find_kept(intent.operation, removal).keys() and _is_away(removal))
    ]


def _is_away(removal: Removal) -> bool:
    # In the order of `move_away`: the files go last, where there are any.
    last = removal.files or (f"{removal.folder}/admin" if removal.admin else None)
    return last is not None and Path(last).exists()


def _find_moved(workspace: Workspace, removals: Sequence[Removal]) -> tuple[Removal, ...]:
    branches = [removal.record.branch_name for removal in removals]
    tips = read_tips(workspace.repo, branches)
    return tuple(
        removal
        for removal in removals
        # A branch that is gone has been dropped already; and once the files are away, one of
        # that name is somebody's new one.
        if tips.get(removal.record.branch_name, removal.tip) != removal.tip
        and Path(removal.record.worktree_path).exists()
    )


def _record(
    workspace: Workspace, store: Store, intent: RemoveIntent, candidates: Sequence[Candidate]
) -> tuple[Candidate, ...]:
    """Take the slices off the store, before their files go: nobody is given one from then on.

    Returns those that are not any more as they were when they were looked at.
    """
    now = workspace.now()
    kept: list[Candidate] = []
    with store.transaction():
        for candidate, removal in zip(candidates, intent.removals, strict=True):
            known = store.find_slice(removal.record.goal_id, removal.record.slice_id)
            # A claim takes the store's lock alone: it may have come since the slice was looked at.
            if known != removal.record:
                kept.append(_look_again(candidate, known))
                continue
            # The record of a planned one stays: its goal asks the store what became of it.
            if removal.landed or _is_planned(store, removal.record):
                left: SliceStatus = "removed" if removal.landed else "dropped"
                store.write_slices(
                    [structs.replace(removal.record, status=left, filling_operation="")]
                )
            else:
                store.delete_slice(removal.record)
            write_trash(store, [Trashed(operation=intent.operation, at=now, removal=removal)])
            store.write_events([_make_event(now, removal, intent.operation)])
    return tuple(kept)


def _is_planned(store: Store, record: SliceRecord) -> bool:
    goal = store.read_goal(record.goal_id)
    return goal is not None and record.slice_id in {one.slice_id for one in goal.plan.slices}


def _look_again(candidate: Candidate, known: SliceRecord | None) -> Candidate:
    claimed = known is not None and known.status == "claimed"
    facts = structs.replace(candidate.facts, claimed=claimed, stale=not claimed)
    return structs.replace(candidate, facts=facts)


def _take_back(
    workspace: Workspace, store: Store, operation: str, removals: Sequence[Removal]
) -> None:
    """Record that slices taken off the store stand as before."""
    if not removals:
        return
    now = workspace.now()
    with store.transaction():
        for removal in removals:
            record = removal.record
            if find_open_lease(store, record.goal_id, record.slice_id):
                # Claimed meanwhile: to its holder it is as good as new.
                record = structs.replace(record, status="provisioned")
            store.write_slices([record])
            store.write_events([make_restored_event(now, removal)])
        delete_trash(store, operation, removals)


def _make_removal(workspace: Workspace, candidate: Candidate, operation: str) -> Removal:
    record = candidate.record
    path = Path(record.worktree_path)
    # On the same file system, so that moving is a rename: a kill cannot cut it short.
    files = choose_trash(path, workspace.state_folder) / operation / path.name / "worktree"
    there = path.exists()
    staged = None
    # `git gc` passes over an index in the trash, and would delete what only that names.
    if candidate.facts.changed:
        staged = keep_staged(workspace.repo, path)
    elif not there and candidate.admin:
        staged = keep_staged(workspace.repo, path, admin=candidate.admin)
    return Removal(
        record=record,
        tip=candidate.tip,
        head=candidate.head,
        staged=staged,
        admin=str(candidate.admin) if candidate.admin else None,
        folder=str(workspace.state_folder / "trash" / operation / path.name),
        files=str(files) if there else None,
        landed=candidate.facts.landed,
    )


def _make_event(now: str, removal: Removal, operation: str, event: str = "removed") -> Event:
    return Event(
        at=now,
        goal_id=removal.record.goal_id,
        slice_id=removal.record.slice_id,
        event=event,
        detail={
            "branch": removal.record.branch_name,
            "tip": removal.tip,
            "trash": removal.folder,
            "operation": operation,
        },
    )
