"""Goals, for people."""

from collections.abc import Iterable

from gitslices.ops.goal import GoalEntry, GoalsReport
from gitslices.output.words import count, escape


def format_goals(report: GoalsReport) -> str:
    """One line a goal: how far it is, its slices by their status, the target."""
    width = max(len(escape(one.goal_id)) for one in report.goals)
    return "".join(f"{line}\n" for line in _format_lines(report, width))


def _format_lines(report: GoalsReport, width: int) -> Iterable[str]:
    for one in report.goals:
        id_, state = escape(one.goal_id).ljust(width), one.state.replace("-", " ")
        target = escape(one.target)
        yield f"{id_}  {state:9}  {_describe_slices(one)}, target {target}"


def _describe_slices(goal: GoalEntry) -> str:
    """`3 slices (1 merged, 2 planned)`."""
    total = count(sum(goal.slices.values()), "slice")
    parts = ", ".join(f"{number} {status}" for status, number in sorted(goal.slices.items()))
    return f"{total} ({parts})" if parts else total
