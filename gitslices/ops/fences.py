"""Where the fences stand: whose worktree is whose, and which branches the git hooks watch."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gitslices.git.marks import Mark, mark_worktree
from gitslices.model import SliceStatus
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.state.watch import write_watch
from gitslices.workspace import Workspace

UNDER_WAY: frozenset[SliceStatus] = frozenset({"provisioned", "claimed", "done", "conflicted"})


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
