"""Take slices away without losing anything: what is removed waits in the trash.

The branch's last commit is kept by a reference under `refs/gitslices/trash/`, the worktree and
git's folder for it are renamed into a trash folder of the same file system.
"""

import os
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct, structs

from gitslices.errors import GitslicesError
from gitslices.git.counts import count_all_ahead_behind
from gitslices.git.placed import list_placed
from gitslices.git.read import (
    HEADS,
    count_unreferenced,
    find_commit,
    read_branches,
    read_values,
)
from gitslices.git.submodules import count_unpushed
from gitslices.git.worktrees import (
    LOCK_REASON,
    Leftovers,
    Worktree,
    read_admin_folders,
    read_leftovers,
    read_worktrees,
    write_staged_tree,
)
from gitslices.model import BranchName, Oid
from gitslices.ops.trash import (
    clear_locks,
    drop_kept,
    find_kept,
    move_away,
    move_back,
    read_trash_refs,
)
from gitslices.provision import choose_trash
from gitslices.retirement import DISPOSABLE, Retirable, find_precious
from gitslices.state.journal import Removal, RemoveIntent, clear_intent, write_intent
from gitslices.state.landings import read_landed_tips
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.state.trash import Trashed, write_trash
from gitslices.workspace import Workspace


class Candidate(Struct, frozen=True, kw_only=True):
    """A slice that might be taken away, and what speaks for and against it.

    `head` is the commit of a detached HEAD, `admin` git's folder for the worktree.
    """

    record: SliceRecord
    tip: Oid | None
    head: Oid | None
    admin: Path | None
    facts: Retirable


class _Sight(Struct, frozen=True, kw_only=True):
    """What is asked of git once for all candidates."""

    tips: Mapping[BranchName, Oid]
    target: Oid | None
    ahead: Mapping[Oid, int]
    worktrees: Mapping[str, Worktree]
    admins: Mapping[str, Path]
    disposable: tuple[str, ...]


def find_candidates(
    workspace: Workspace, store: Store, records: Sequence[SliceRecord], target: BranchName
) -> tuple[Candidate, ...]:
    """What git says of each of `records` now, and what the store says of those it squashed."""
    sight = _look_around(workspace, store, records, target)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return tuple(pool.map(partial(_look_at, workspace, sight), records))


def retire(workspace: Workspace, store: Store, candidates: Sequence[Candidate]) -> None:
    """Move `candidates` to the trash; the caller holds the topology lock and has judged them.

    All or nothing: raises `RefusedError` when a branch has moved meanwhile.
    """
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
    clear_locks(workspace, intent.operation, intent.removals)
    _carry_out(workspace, store, _drop_unbegun(workspace, store, intent))


def _carry_out(workspace: Workspace, store: Store, intent: RemoveIntent) -> None:
    try:
        move_away(workspace, intent.operation, intent.removals)
        _record(workspace, store, intent)
    except GitslicesError:
        move_back(workspace, intent.operation, intent.removals)
        clear_intent(workspace.state_folder)
        raise
    clear_intent(workspace.state_folder)


def _drop_unbegun(workspace: Workspace, store: Store, intent: RemoveIntent) -> RemoveIntent:
    """`intent` without slices that are still whole, and without those that are gone already.

    A slice whose branch has moved since is whole, too: what was kept of it is dropped.
    """
    moved = _find_moved(workspace, intent)
    drop_kept(workspace.repo, intent.operation, moved)
    refs = read_trash_refs(workspace.repo, intent.operation)
    known = {(one.goal_id, one.slice_id) for one in store.read_slices() if one.status != "removed"}
    begun = [
        removal
        for removal in intent.removals
        if removal not in moved
        and (removal.record.goal_id, removal.record.slice_id) in known
        and (
            not refs.keys().isdisjoint(find_kept(intent.operation, removal))
            or not Path(removal.record.worktree_path).exists()
        )
    ]
    return structs.replace(intent, removals=tuple(begun))


def _find_moved(workspace: Workspace, intent: RemoveIntent) -> tuple[Removal, ...]:
    branches = [removal.record.branch_name for removal in intent.removals]
    tips = read_branches(workspace.repo, branches) if branches else {}
    return tuple(
        removal
        for removal in intent.removals
        if tips.get(removal.record.branch_name, removal.tip) != removal.tip
        and Path(removal.record.worktree_path).exists()
    )


def _record(workspace: Workspace, store: Store, intent: RemoveIntent) -> None:
    now = workspace.now()
    with store.transaction():
        for removal in intent.removals:
            if removal.landed:
                store.write_slices([structs.replace(removal.record, status="removed", filler="")])
            else:
                store.delete_slice(removal.record)
        write_trash(
            store,
            [Trashed(operation=intent.operation, at=now, removal=one) for one in intent.removals],
        )
        store.write_events([_make_event(now, one, intent.operation) for one in intent.removals])


def read_disposable(workspace: Workspace) -> tuple[str, ...]:
    """Patterns of ignored files that are no loss: made again by tools, or brought from main."""
    included: list[str] = []
    if workspace.main_worktree is not None:
        with suppress(FileNotFoundError):
            text = (workspace.main_worktree / ".worktreeinclude").read_text("utf-8", "replace")
            included = text.splitlines()
    placed = (f"/{path}" for path in list_placed(workspace.repo.common_dir))
    configured = read_values(workspace.repo, "gitslices.disposable")
    return (*DISPOSABLE, *included, *placed, *configured)


def _look_around(
    workspace: Workspace, store: Store, records: Sequence[SliceRecord], target: BranchName
) -> _Sight:
    tops = sorted({record.branch_name.partition("/")[0] for record in records})
    tips = read_branches(workspace.repo, tops) if tops else {}
    landed_in = find_commit(workspace.repo, HEADS + target)
    own = [tips[record.branch_name] for record in records if record.branch_name in tips]
    counts = count_all_ahead_behind(workspace.repo, own, landed_in) if landed_in else {}
    landed = {
        tip
        for goal_id in {record.goal_id for record in records}
        for tip in read_landed_tips(store, goal_id).values()
    }
    return _Sight(
        tips=tips,
        target=landed_in,
        ahead={commit: 0 if commit in landed else ahead for commit, (ahead, _) in counts.items()},
        worktrees={str(worktree.path): worktree for worktree in read_worktrees(workspace.repo)},
        admins=read_admin_folders(workspace.repo.common_dir),
        disposable=read_disposable(workspace),
    )


def _look_at(workspace: Workspace, sight: _Sight, record: SliceRecord) -> Candidate:
    path = Path(record.worktree_path)
    tip = sight.tips.get(record.branch_name)
    worktree = sight.worktrees.get(record.worktree_path)
    there = worktree is not None and not worktree.missing
    left = read_leftovers(workspace.repo, path) if there else Leftovers()
    # Not from the `.git` file: whoever works in the worktree can write anything into it.
    admin = sight.admins.get(record.worktree_path)
    head = worktree.head if worktree and worktree.branch is None else None
    locked = worktree.locked if worktree else None
    untouched = tip in (None, record.base_commit)
    facts = Retirable(
        slice_id=record.slice_id,
        changed=left.changed,
        ignored=find_precious(left.ignored, sight.disposable),
        ahead=sight.ahead[tip] if tip and sight.target else int(not untouched),
        detached=count_unreferenced(workspace.repo, head) if head else 0,
        unpushed=count_unpushed(workspace.repo, admin) if admin else {},
        untouched=untouched,
        locked=None if locked is None or locked.startswith(LOCK_REASON) else locked,
        busy=bool(record.filler),
        claimed=record.status == "claimed",
        estranged=not there and os.path.lexists(path),
    )
    return Candidate(record=record, tip=tip, head=head, admin=admin, facts=facts)


def _make_removal(workspace: Workspace, candidate: Candidate, operation: str) -> Removal:
    record = candidate.record
    path = Path(record.worktree_path)
    files = choose_trash(path, workspace.state_folder) / operation / path.name / "worktree"
    there = path.exists()
    staged = write_staged_tree(workspace.repo, path) if candidate.facts.changed else None
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


def _make_event(now: str, removal: Removal, operation: str) -> Event:
    return Event(
        at=now,
        goal_id=removal.record.goal_id,
        slice_id=removal.record.slice_id,
        event="removed",
        detail={
            "branch": removal.record.branch_name,
            "tip": removal.tip,
            "trash": removal.folder,
            "operation": operation,
        },
    )
