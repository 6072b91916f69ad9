"""Where the fences stand: whose worktree is whose, and which branches the git hooks watch."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import structs

from gitslices.git.marks import Mark, mark_worktree
from gitslices.model import Slice
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.state.watch import write_watch
from gitslices.workspace import Workspace


def raise_fences(workspace: Workspace, store: Store, records: Iterable[SliceRecord]) -> None:
    """Mark the worktrees of `records`, and watch the targets of all slices that wait."""
    for record in records:
        mark = Mark(goal_id=record.goal_id, slice_id=record.slice_id)
        mark_worktree(Path(record.worktree_path), mark)
    watch_targets(workspace, store, store.read_slices())


def watch_targets(
    workspace: Workspace, store: Store, waiting: Sequence[SliceRecord], goal: Goal | None = None
) -> None:
    """Have the hooks look at the targets that `waiting` slices merge into, and at no others.

    `goal` is one that the store does not have yet, or not as it will be.
    """
    goal_ids = {record.goal_id for record in waiting if record.status == "provisioned"}
    goals = [
        goal if goal and goal.goal_id == goal_id else store.read_goal(goal_id)
        for goal_id in sorted(goal_ids)
    ]
    targets = dict.fromkeys(one.plan.target for one in goals if one)
    write_watch(workspace.state_folder, workspace.prefix, targets)


def name_beside(other: SliceRecord, record: SliceRecord) -> str:
    """What to call `other` in a message about `record`: with its goal, if that is another one."""
    if other.goal_id == record.goal_id:
        return other.slice_id
    return f"{other.slice_id} of goal {other.goal_id}"


def rescope(record: SliceRecord, slice_: Slice) -> SliceRecord:
    """The record with the scopes of the plan, and with what was allowed beyond them."""
    allowed = tuple(entry for entry in record.allowed_scope if entry not in slice_.write_scope)
    return structs.replace(
        record,
        read_scope=slice_.read_scope,
        write_scope=tuple(sorted((*slice_.write_scope, *allowed))),
        allowed_scope=allowed,
    )


def widen(record: SliceRecord, entry: str) -> SliceRecord:
    """The record with one more entry in its write scope."""
    return structs.replace(
        record,
        write_scope=tuple(sorted({*record.write_scope, entry})),
        allowed_scope=(*record.allowed_scope, entry),
    )
