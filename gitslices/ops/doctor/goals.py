"""Goals whose work does not reach their target: that is gone, or a branch has gone on since."""

from collections.abc import Iterator

from gitslices.core.errors import InputError
from gitslices.core.model import FINISHED
from gitslices.core.naming import count
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.doctor.repairs import Examined
from gitslices.rules.merging import describe_late_remedy
from gitslices.slices.target import read_target


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


def find_late_commits(examined: Examined) -> Iterator[Trouble]:
    """Slices whose branch has gone on since they were merged."""
    for snapshot in examined.snapshots:
        for record in snapshot.records.values():
            late = snapshot.count_since_merge(record)
            if late:
                made = count(late, "commit", ("was", "were"))
                yield Trouble(
                    finding=Finding(
                        check="late-commits",
                        thing=record.slice_id,
                        problem=f"{made} made on its branch after it was merged",
                        why=f"{snapshot.plan.target} lacks it, and no command merges it",
                        hint=describe_late_remedy(record.branch_name),
                    )
                )
