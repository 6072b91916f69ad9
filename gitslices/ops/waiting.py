"""Bring all slices that nobody has started up to their target."""

import uuid
from collections.abc import Iterable

from msgspec import structs

from gitslices.errors import BusyError
from gitslices.git.read import HEADS, find_commit, is_ancestor, read_branches
from gitslices.model import Oid, SliceId
from gitslices.ops.forward import forward_slice
from gitslices.ops.topology import hold_topology
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


def find_waiting(workspace: Workspace, store: Store, goal: Goal) -> tuple[SliceRecord, ...]:
    """The slices of `goal` that have a worktree, no commit of their own, and no holder."""
    tips = read_branches(workspace.repo, [workspace.prefix])
    return tuple(
        record
        for record in store.read_slices(goal.goal_id)
        if record.status == "provisioned"
        and not record.filler
        and tips.get(record.branch_name) == record.base_commit
    )


def forward_slices(workspace: Workspace, store: Store, goal: Goal) -> tuple[SliceId, ...]:
    """Move untouched slices of `goal` to the tip of its target, branch and worktree.

    Takes the topology lock for one slice at a time, and leaves the rest when somebody else has it:
    they move the next time. A slice with a commit or any uncommitted file stays where it is.
    """
    commit = find_commit(workspace.repo, HEADS + goal.plan.target)
    if commit is None:
        return ()
    moved: list[SliceId] = []
    for record in _drop_diverged(workspace, find_waiting(workspace, store, goal), commit):
        try:
            if _forward(workspace, store, record, commit):
                moved.append(record.slice_id)
        except BusyError:
            break
    return tuple(moved)


def _forward(workspace: Workspace, store: Store, record: SliceRecord, commit: Oid) -> bool:
    # A slice with a filler is not handed out: a claim waits until the operation has ended.
    operation = uuid.uuid4().hex
    busy = structs.replace(record, filler=operation)
    with workspace.hold_operation(operation), hold_topology(workspace.without_wait(), store):
        if not store.swap_slice(record, busy):
            return False
        try:
            after = forward_slice(workspace, store, busy, commit)
        finally:
            # It may have been claimed meanwhile: nothing else of it is ours to write.
            with store.transaction():
                store.write_filled([busy])
    return after.base_commit == commit


def _drop_diverged(
    workspace: Workspace, records: Iterable[SliceRecord], commit: Oid
) -> list[SliceRecord]:
    bases = {record.base_commit for record in records} - {commit}
    behind = {base for base in bases if is_ancestor(workspace.repo, base, commit)}
    return [record for record in records if record.base_commit in behind]
