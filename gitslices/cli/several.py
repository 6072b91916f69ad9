"""The outcome of a command that went through several goals, some of which it could not serve."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from gitslices.cli.options import Outcome

if TYPE_CHECKING:
    from gitslices.slices.goals import GoalFailure, Served


class _OfOneGoal(Protocol):
    """Any report on one goal."""

    @property
    def goal_id(self) -> str: ...


_Report = TypeVar("_Report", bound=_OfOneGoal)

_WORST_LAST: Final = (0, 1, 4, 2, 3, 70)
"""Exit codes by what they ask for: an ordinary no, another try, another input, another machine."""


def report_served(
    served: "Served[_Report]", write: Callable[[_Report], str], is_bad: Callable[[_Report], object]
) -> Outcome:
    """One document and one text for all goals; the exit code is that of the worst of them.

    `write` puts the report on one goal in words, `is_bad` says that it has a no in it.
    """
    from gitslices.output.document import describe_failure, format_failure, join_reports
    from gitslices.output.words import join_goals
    from gitslices.slices.goals import GoalFailure

    def tell(one: "_Report | GoalFailure") -> tuple[str, str]:
        if isinstance(one, GoalFailure):
            return one.goal_id, format_failure(describe_failure(one.error))
        return one.goal_id, write(one)

    codes = [one.error.exit_code for one in served.failures]
    codes += [int(bool(is_bad(one))) for one in served.reports]
    return Outcome(
        document=join_reports(served.reports, served.failures),
        text=lambda: join_goals([tell(one) for one in served.in_order]),
        exit_code=max(codes, key=_WORST_LAST.index),
    )
