"""Give slices their branches and empty, locked worktrees; the caller holds the topology lock."""

import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from gitslices.core.errors import GitslicesError
from gitslices.git.filling import set_checkout
from gitslices.git.links import read_admin_folders
from gitslices.git.read import HEADS, is_true, read_branches
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.repair import (
    clear_ref_locks,
    find_unfinished_folders,
    is_bare_leaf,
    is_registered,
    is_unfinished_worktree,
)
from gitslices.git.worktrees import (
    LOCK_REASON,
    is_filled,
    read_worktrees,
    register_worktree,
    unregister_worktree,
)
from gitslices.provisioning.wanted import OnProgress, Progress, ignore_progress
from gitslices.removal.to_trash import keep_left_behind
from gitslices.scopes.tracked.sparse import EVERYTHING
from gitslices.slices.marks import Mark, mark_mount, mark_worktree
from gitslices.state.hook_watch import write_watch
from gitslices.state.journal import ApplyIntent, begin_filling, clear_intent, write_intent
from gitslices.state.store import Event, Goal, SliceRecord, Store
from gitslices.system.folders import (
    choose_trash,
    delete_folder,
    make_leaf,
    make_worktree_root,
    move_to_trash,
    remove_leaf,
)
from gitslices.workspace import Workspace


class Failure(Struct, frozen=True):
    """A slice that could not be finished and was undone."""

    record: SliceRecord
    error: GitslicesError


def register_slices(
    workspace: Workspace, store: Store, intent: ApplyIntent, on_progress: OnProgress
) -> tuple[Failure, ...]:
    """Carry out `intent` under its journal; return the slices that failed, undone.

    The intent stays, for the worktrees to be filled: `clear_filling` ends it.
    """
    if not intent.records:
        # Nothing to make, so no intent: the transaction is whole or not at all by itself.
        _record_made(workspace, store, intent, ())
        return ()
    write_intent(workspace.state_folder, intent)
    return _carry_out_intent(workspace, store, intent, on_progress)


def resume_registering(workspace: Workspace, store: Store, intent: ApplyIntent) -> None:
    """Carry out what a killed process left of `intent`, or undo it; doing it twice does nothing."""
    if find_unfilled(store, intent.operation):
        # Killed between the records and the rename of the intent: all is made but the files.
        begin_filling(workspace.state_folder, intent.operation)
        return
    # By files, before any git runs: killed early, `git worktree add` leaves an empty `commondir`,
    # and every git command that lists worktrees fails on it.
    _clear_unfilled(workspace, intent.records, intent)
    _carry_out_intent(workspace, store, intent, ignore_progress)


def register_again(workspace: Workspace, store: Store, intent: ApplyIntent) -> None:
    """Make anew the worktrees of `intent` that are registered without all their files."""
    waiting = find_unfilled(store, intent.operation)
    records = [record for record in waiting if not is_filled(Path(record.worktree_path))]
    _clear_unfilled(workspace, records, intent)
    undo_slices(
        workspace, store, _register_all(workspace, store, records, intent, ignore_progress), intent
    )


def give_up(
    workspace: Workspace, store: Store, failures: Sequence[Failure], intent: ApplyIntent
) -> None:
    """Undo slices that a killed process left, and that nobody could fill since."""
    _clear_unfilled(workspace, [failure.record for failure in failures], intent)
    undo_slices(workspace, store, failures, intent)


def find_unfilled(store: Store, operation: str) -> tuple[SliceRecord, ...]:
    """The slices that `operation` has recorded, and that wait for their files."""
    return tuple(record for record in store.read_slices() if record.filling_operation == operation)


def undo_slices(
    workspace: Workspace, store: Store, failures: Sequence[Failure], intent: ApplyIntent
) -> None:
    """Take back what was made for slices that failed: worktrees, new branches, records."""
    if not failures:
        return
    for failure in failures:
        _undo_slice(workspace, failure.record, intent)
    branches = read_branches(workspace.repo, [failure.record.branch_name for failure in failures])
    with store.transaction():
        for failure in failures:
            # A branch that stays may hold work: by its record the next apply brings it back.
            if failure.record.branch_name not in branches:
                store.delete_slice(failure.record)
            else:
                store.write_slices([structs.replace(failure.record, filling_operation="")])
        store.write_events(
            [
                _make_event(workspace, one.record, "undone", {"error": one.error.message})
                for one in failures
            ]
        )


def _carry_out_intent(
    workspace: Workspace, store: Store, intent: ApplyIntent, on_progress: OnProgress
) -> tuple[Failure, ...]:
    try:
        failures = _create_all(workspace, store, intent, on_progress)
        failed = {failure.record.slice_id for failure in failures}
        made = [record for record in intent.records if record.slice_id not in failed]
        # Last, when all is there: until then the intent alone tells of what was begun.
        _record_made(workspace, store, intent, made)
    except GitslicesError:
        for record in intent.records:
            _undo_slice(workspace, record, intent)
        # Only now: killed before this, the next who recovers begins the same undoing again.
        clear_intent(workspace.state_folder)
        raise
    begin_filling(workspace.state_folder, intent.operation)
    return failures


def _create_all(
    workspace: Workspace, store: Store, intent: ApplyIntent, on_progress: OnProgress
) -> tuple[Failure, ...]:
    _create_branches(workspace, intent)
    make_worktree_root(workspace.worktree_root)
    failures = _register_all(workspace, store, intent.records, intent, on_progress)
    for failure in failures:
        _undo_slice(workspace, failure.record, intent)
    return failures


def _create_branches(workspace: Workspace, intent: ApplyIntent) -> None:
    # There already: those that a killed process made before this one took its intent over.
    existing = read_branches(workspace.repo, sorted(intent.new_branches))
    updates = [
        RefUpdate(ref=HEADS + record.branch_name, new=record.base_commit)
        for record in intent.records
        if record.branch_name in intent.new_branches and record.branch_name not in existing
    ]
    # All or none, where one is in the way; a kill can still leave some of them (git writes loose
    # refs one by one), which the intent names.
    update_refs(workspace.repo, updates, reason="gitslices: provision")


def _register_all(
    workspace: Workspace,
    store: Store,
    records: Sequence[SliceRecord],
    intent: ApplyIntent,
    on_progress: OnProgress,
) -> tuple[Failure, ...]:
    registered = {str(worktree.path) for worktree in read_worktrees(workspace.repo)}
    failures: list[Failure] = []
    shares_settings = is_true(workspace.config.get("extensions.worktreeconfig"))
    # One at a time: of 320 `git worktree add` side by side 66 failed (git 2.39), by a race for
    # `config.lock` or over a sibling's folder half made.
    for done, record in enumerate(records):
        on_progress(Progress(stage="register", done=done, total=len(records)))
        try:
            _register(workspace, store, record, intent, registered)
            if record.sparse and not shares_settings:
                # Under the lock: this changes the settings that all worktrees share.
                set_checkout(workspace.repo, Path(record.worktree_path), EVERYTHING)
                shares_settings = True
        except GitslicesError as error:
            failures.append(Failure(record, error))
    return tuple(failures)


def _register(
    workspace: Workspace,
    store: Store,
    record: SliceRecord,
    intent: ApplyIntent,
    registered: set[str],
) -> None:
    path, reason = Path(record.worktree_path), LOCK_REASON + intent.operation
    if is_registered(path, record.branch_name, reason):
        return
    if record.worktree_path in registered and not path.exists():
        # Somebody has deleted the folder: git still lists it, and refuses to add another there.
        admin = read_admin_folders(workspace.repo.common_dir).get(record.worktree_path)
        # A detached HEAD, or what was staged, only git's folder has now: it goes to the trash.
        kept = admin and keep_left_behind(workspace, store, intent.operation, record, admin)
        if not kept:
            unregister_worktree(workspace.repo, path)
    # By us and not by git, which would take an empty folder that is somebody else's, too.
    make_leaf(path)
    register_worktree(workspace.repo, path, record.branch_name, reason=reason)
    mark_worktree(path, Mark(goal_id=record.goal_id, slice_id=record.slice_id))
    mark_mount(path, workspace.repo.common_dir)


def _record_made(
    workspace: Workspace, store: Store, intent: ApplyIntent, made: Sequence[SliceRecord]
) -> None:
    """Tell the store of the plan and of the slices that were made: all in one transaction."""
    goal = intent.goal
    before = store.read_goal(goal.goal_id) if goal else None
    events = [
        _make_event(workspace, one, "rescoped",
                    {"write_scope": one.write_scope, "read_scope": one.read_scope})
        for one in intent.rescoped
    ]  # fmt: skip
    events += [
        _make_event(workspace, one, "provisioned",
                    {"branch": one.branch_name, "base_commit": one.base_commit})
        for one in made
    ]  # fmt: skip
    planned = goal and (before is None or (before.plan, before.graph) != (goal.plan, goal.graph))
    if not planned and not events:
        return
    # Before the records: a hook that watches too early asks in vain, one too late lets pass.
    write_watch(workspace.state_folder, workspace.prefix)
    with store.transaction():
        if goal and planned:
            store.write_goal(goal)
            events[:0] = _make_goal_events(before, goal)
        store.write_slices([*intent.rescoped, *made])
        store.write_events(events)


def _make_goal_events(before: Goal | None, goal: Goal) -> Iterator[Event]:
    make = partial(Event, at=goal.applied_at, goal_id=goal.goal_id, slice_id=None)
    yield make(event="planned", detail={"graph_digest": goal.plan.graph_digest})
    if before is not None and before.plan.target != goal.plan.target:
        targets = {"from": before.plan.target, "to": goal.plan.target}
        yield make(event="retargeted", detail=targets)


def _undo_slice(workspace: Workspace, record: SliceRecord, intent: ApplyIntent) -> None:
    """Delete the worktree that was begun for `record`, by its files, and its branch if new.

    Not by `git worktree remove`: that fails where git was stopped half way.
    """
    _delete_unfinished(workspace, Path(record.worktree_path), LOCK_REASON + intent.operation)
    if record.branch_name not in intent.new_branches:
        return
    clear_ref_locks(workspace.repo.common_dir, [HEADS + record.branch_name])
    tips = read_branches(workspace.repo, [record.branch_name])
    # A branch that has gone on is somebody's work by now, whoever made it.
    if tips.get(record.branch_name) == record.base_commit:
        update = RefUpdate(ref=HEADS + record.branch_name, old=record.base_commit)
        update_refs(workspace.repo, [update], reason="gitslices: undo")


def _delete_unfinished(workspace: Workspace, path: Path, reason: str) -> None:
    common_dir = workspace.repo.common_dir
    # Empty, it bears no sign of whose it is; rmdir takes nothing that anybody has put there.
    remove_leaf(path)
    # What tells that it is ours goes last, and what tells that it is filled first.
    if is_unfinished_worktree(common_dir, path, reason):
        delete_folder(path, last=".git")
    for admin in find_unfinished_folders(common_dir, path, reason):
        delete_folder(admin, first="index", last="locked")


def _clear_unfilled(
    workspace: Workspace, records: Sequence[SliceRecord], intent: ApplyIntent
) -> None:
    """Clear away what a killed process left of worktrees that it had not filled.

    Files are moved to the trash: git has written them, but somebody may have found them since.
    """
    common_dir, reason = workspace.repo.common_dir, LOCK_REASON + intent.operation
    clear_ref_locks(common_dir, [HEADS + record.branch_name for record in records])
    for record in records:
        path = Path(record.worktree_path)
        if is_registered(path, record.branch_name, reason):
            continue
        if not is_bare_leaf(path) and is_unfinished_worktree(common_dir, path, reason):
            move_to_trash(path, _choose_place(workspace, path, intent))
        _delete_unfinished(workspace, path, reason)


def _choose_place(workspace: Workspace, path: Path, intent: ApplyIntent) -> Path:
    # A new name each time: killed again and again, one operation may clear a path repeatedly.
    return choose_trash(path, workspace.state_folder) / intent.operation / uuid.uuid4().hex


def _make_event(
    workspace: Workspace, record: SliceRecord, event: str, detail: dict[str, Any]
) -> Event:
    return Event(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event=event,
        detail=detail,
    )
