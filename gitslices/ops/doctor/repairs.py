"""The slices as store and repository have them, and what is done about what is wrong there."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, structs

from gitslices.core.errors import MachineError
from gitslices.core.model import GONE, BranchName, Oid
from gitslices.git.filling import set_checkout
from gitslices.git.read import HEADS, is_ancestor, read_branches
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.repair import (
    drop_empty_ref,
    find_pruned_admin,
    rebuild_index,
    renew_admin,
    write_head,
)
from gitslices.git.worktrees import find_last_commit, repair_worktree
from gitslices.ops.provision import restore_worktree
from gitslices.provisioning.sparse import find_recorded_sparse_checkouts
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.worktree_faults import (
    WorktreeFacts,
)
from gitslices.slices.location import WorktreeMap
from gitslices.slices.marks import Mark, mark_mount, mark_worktree
from gitslices.slices.snapshot import Snapshot
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.workspace import Workspace


class Examined(Struct, frozen=True, kw_only=True):
    """Store and repository side by side: the slices of all goals, and every branch there is."""

    workspace: Workspace
    store: Store
    snapshots: tuple[Snapshot, ...]
    branches: Mapping[BranchName, Oid]
    worktrees: WorktreeMap

    @property
    def records(self) -> tuple[SliceRecord, ...]:
        """The slices that should be there."""
        found = (record for one in self.snapshots for record in one.records.values())
        return tuple(record for record in found if record.status not in GONE)


def examine_slices(workspace: Workspace, store: Store) -> Examined:
    """All that the checks of slices look at."""
    worktrees = WorktreeMap(workspace)
    return Examined(
        workspace=workspace,
        store=store,
        snapshots=tuple(
            Snapshot(workspace, store, goal.plan, worktrees=worktrees)
            for goal in store.read_goals()
        ),
        branches=read_branches(workspace.repo),
        worktrees=worktrees,
    )


def write_record(examined: Examined, record: SliceRecord, event: str) -> None:
    """Record what a repair has made of a slice, and tell of it in the log."""
    with recover_and_lock(examined.workspace, examined.store), examined.store.transaction():
        examined.store.write_slices([record])
        examined.store.write_events([make_slice_event(examined, record, event)])


def make_slice_event(examined: Examined, record: SliceRecord, event: str) -> Event:
    """What the log says of a repair."""
    return Event(
        at=examined.workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event=event,
        detail={"branch": record.branch_name, "worktree": record.worktree_path},
    )


def note_move(examined: Examined, record: SliceRecord, path: Path) -> None:
    """Follow a worktree that somebody has moved to `path`."""
    repair_worktree(examined.workspace.repo, path)
    mark_mount(path, examined.workspace.repo.common_dir)
    write_record(examined, structs.replace(record, worktree_path=str(path)), "moved")


def mend_damage(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> None:
    """Write HEAD and index of a worktree where they cannot be read; its files stay as they are."""
    repo, admin = examined.workspace.repo, examined.worktrees.find_admin(record)
    if admin is None:
        raise MachineError(f"git has no folder for {record.worktree_path!r}")
    with recover_and_lock(examined.workspace, examined.store):
        if "HEAD" in facts.damaged:
            tip, last = examined.branches.get(record.branch_name), find_last_commit(repo, admin)
            # Commits made at a detached HEAD are on no branch: HEAD keeps them.
            is_ahead = tip and last and not is_ancestor(repo, last, tip)
            write_head(admin, last if is_ahead and last else HEADS + record.branch_name)
        if "index" in facts.damaged:
            rebuild_index(repo, Path(facts.place), admin)


def renew_registration(examined: Examined, record: SliceRecord) -> None:
    """Register a worktree again that git has pruned while it was away."""
    workspace, path = examined.workspace, Path(record.worktree_path)
    with recover_and_lock(workspace, examined.store):
        # Somebody may have made it again, or moved it away, since it was looked at.
        if find_pruned_admin(path, workspace.repo.common_dir) is None:
            return
        with workspace.open_scratch() as scratch:
            renew_admin(workspace.repo, path, record.branch_name, scratch)
        mark_worktree(path, Mark(goal_id=record.goal_id, slice_id=record.slice_id))
        mark_mount(path, workspace.repo.common_dir)
        checkouts = find_recorded_sparse_checkouts(workspace, [record], examined.branches)
        if record.slice_id in checkouts:
            set_checkout(workspace.repo, path, checkouts[record.slice_id])
    examined.store.write_events([make_slice_event(examined, record, "repaired")])


def make_branch(examined: Examined, record: SliceRecord, commit: Oid) -> None:
    """Make the branch of a slice at `commit`."""
    update = RefUpdate(ref=HEADS + record.branch_name, new=commit)
    with recover_and_lock(examined.workspace, examined.store):
        # After a power cut the file can be there and empty, and git writes nothing over that.
        drop_empty_ref(examined.workspace.repo.common_dir, update.ref)
        update_refs(examined.workspace.repo, [update], reason="gitslices: doctor")


def make_worktree(examined: Examined, record: SliceRecord) -> str | None:
    """Make the worktree of a slice again from its branch; return what there is to say of it."""
    said = restore_worktree(examined.workspace, examined.store, record)
    examined.store.write_events([make_slice_event(examined, record, "repaired")])
    return said


def forget_slice(examined: Examined, record: SliceRecord) -> None:
    """Take a slice off the store, as if it had never been begun; the log still tells of it.

    Forgetting deletes nothing on disk or in git: it is for a slice of which neither has anything.
    """
    with recover_and_lock(examined.workspace, examined.store), examined.store.transaction():
        examined.store.delete_slice(record)
        examined.store.write_events([make_slice_event(examined, record, "forgotten")])
