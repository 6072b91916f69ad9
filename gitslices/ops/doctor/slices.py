"""What the store says of slices, against what git has."""

import shlex
from collections.abc import Iterator, Mapping

from msgspec import Struct

from gitslices.core.errors import InputError
from gitslices.core.model import FINISHED, BranchName, Oid
from gitslices.git.read import read_branches
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.recovery.recovery import recover_and_lock
from gitslices.slices.location import WorktreeMap
from gitslices.slices.marks import read_marked_worktrees
from gitslices.slices.snapshot import Snapshot
from gitslices.slices.target import read_target
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.store import STORE_NAME, Event, SliceRecord, Store
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
        return tuple(record for record in found if record.status != "removed")


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


def find_lost_store(workspace: Workspace) -> Iterator[Trouble]:
    """Slices that stand in a repository without a store."""
    marked = read_marked_worktrees(workspace.repo.common_dir)
    if marked:
        yield Trouble(
            finding=Finding(
                check="lost-store",
                thing=str(workspace.repo.common_dir / FOLDER_NAME / STORE_NAME),
                problem="it is gone, and slices stand",
                why=f"nothing is known of {', '.join(sorted(map(str, marked.values())))}",
                hint="take them over: gitslices plan --apply",
            )
        )


def find_strange_branches(examined: Examined) -> Iterator[Trouble]:
    """Branches under our prefix that no slice has."""
    own = {record.branch_name for record in examined.records}
    try:
        prefix = f"{examined.workspace.prefix}/"
    except InputError:
        return  # a finding of its own
    own_worktrees = set(examined.worktrees.marked.values())
    for branch in examined.branches:
        if not branch.startswith(prefix) or branch in own:
            continue
        keep = f"keep it elsewhere: git branch -m {shlex.quote(branch)} NEW-NAME"
        is_lost = not own_worktrees.isdisjoint(examined.worktrees.users.get(branch, ()))
        yield Trouble(
            finding=Finding(
                check="unknown-branch",
                thing=branch,
                problem="it is named like a slice's branch, and no slice has it",
                why="a slice of that name could not be made",
                hint=f"take its slice over: gitslices plan --apply; or {keep}" if is_lost else keep,
            )
        )


def find_lost_targets(examined: Examined) -> Iterator[Trouble]:
    """Goals that are under way, and whose target branch is gone."""
    waiting = [record for record in examined.records if record.status not in FINISHED]
    for goal_id in dict.fromkeys(record.goal_id for record in waiting):
        goal = examined.store.read_goal(goal_id)
        try:
            if goal is not None:
                read_target(examined.workspace.repo, goal.plan.target)
        except InputError as error:
            yield Trouble(
                finding=Finding(
                    check="lost-target",
                    thing=goal_id,
                    problem=error.message,
                    why="none of its slices can be claimed or merged",
                    hint=error.hint,
                )
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
