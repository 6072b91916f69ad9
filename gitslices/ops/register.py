"""Give slices their branches and empty, locked worktrees; the caller holds the topology lock."""

from pathlib import Path

from msgspec import Struct

from gitslices.errors import GitslicesError
from gitslices.git.read import HEADS, read_branches
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.worktrees import read_worktrees, register_worktree, unregister_worktree
from gitslices.ops.progress import OnProgress, Progress
from gitslices.provision import make_leaf, make_worktree_root, remove_leaf
from gitslices.state.journal import ApplyIntent, clear_intent, write_intent
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.workspace import Workspace

LOCK_REASON = "gitslices:"


class Failure(Struct, frozen=True):
    """A slice that could not be finished and was undone."""

    record: SliceRecord
    error: GitslicesError


def register_slices(
    workspace: Workspace, store: Store, intent: ApplyIntent, on_progress: OnProgress
) -> tuple[Failure, ...]:
    """Carry out `intent` under its journal; return the slices that failed, undone."""
    write_intent(workspace.state_folder, intent)
    failures = carry_out(workspace, store, intent, on_progress)
    clear_intent(workspace.state_folder)
    return failures


def carry_out(
    workspace: Workspace, store: Store, intent: ApplyIntent, on_progress: OnProgress
) -> tuple[Failure, ...]:
    """Do whatever of `intent` is not done yet; doing it twice does nothing."""
    _create_branches(workspace, intent)
    make_worktree_root(workspace.worktree_root)
    registered = {str(worktree.path) for worktree in read_worktrees(workspace.repo)}
    failures: list[Failure] = []
    for done, record in enumerate(intent.records):
        on_progress(Progress(stage="register", done=done, total=len(intent.records)))
        try:
            _register(workspace, record, intent, registered)
        except GitslicesError as error:
            undo_slice(workspace, record, new_branch=record.branch_name in intent.new_branches)
            failures.append(Failure(record, error))
    failed = {failure.record.slice_id for failure in failures}
    standing = [record for record in intent.records if record.slice_id not in failed]
    with store.transaction():
        store.write_slices(standing)
        store.write_events([_make_event(workspace, record) for record in standing])
    return tuple(failures)


def undo_slice(workspace: Workspace, record: SliceRecord, *, new_branch: bool) -> None:
    """Take back what was made for `record`: the worktree, and the branch if it is new."""
    path = Path(record.worktree_path)
    if any(worktree.path == path for worktree in read_worktrees(workspace.repo)):
        unregister_worktree(workspace.repo, path)
    remove_leaf(path)
    if new_branch:
        update = RefUpdate(ref=HEADS + record.branch_name, old=record.base_commit)
        update_refs(workspace.repo, [update], reason="gitslices: undo")


def _create_branches(workspace: Workspace, intent: ApplyIntent) -> None:
    existing = read_branches(workspace.repo, sorted(intent.new_branches))
    updates = [
        RefUpdate(ref=HEADS + record.branch_name, new=record.base_commit)
        for record in intent.records
        if record.branch_name in intent.new_branches and record.branch_name not in existing
    ]
    update_refs(workspace.repo, updates, reason="gitslices: provision")


def _register(
    workspace: Workspace, record: SliceRecord, intent: ApplyIntent, registered: set[str]
) -> None:
    path = Path(record.worktree_path)
    if record.worktree_path in registered:
        if path.is_dir():
            return
        unregister_worktree(workspace.repo, path)
    make_leaf(path)
    register_worktree(
        workspace.repo, path, record.branch_name, reason=LOCK_REASON + intent.operation
    )


def _make_event(workspace: Workspace, record: SliceRecord) -> Event:
    return Event(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="provisioned",
        detail={"branch": record.branch_name, "base_commit": record.base_commit},
    )
