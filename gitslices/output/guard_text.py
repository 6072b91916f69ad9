"""What a guard tells an agent that is about to leave its slice."""

from collections.abc import Iterable

from gitslices.ops.guard import GuardReport
from gitslices.output.escape import escape
from gitslices.suggestion import suggest

_SHOWN: int = 20


def format_denials(report: GuardReport) -> str:
    """Each path with its reason, then what may be written instead."""
    return "\n".join(_list_lines(report))


def _list_lines(report: GuardReport) -> Iterable[str]:
    id_ = escape(report.slice_id)
    yield f"slice {id_} may not write this:"
    for denial in report.denials[:_SHOWN]:
        yield f"  {escape(denial.asked)}: {escape(denial.reason)}"
    if len(report.denials) > _SHOWN:
        yield f"  and {len(report.denials) - _SHOWN} more"
    scope = escape(" ".join(report.write_scope))
    yield f"it may write {scope} in {escape(report.worktree_path)}"
    wider = suggest(
        "scope", "allow", report.slice_id, "PATH", "--reason", "TEXT", goal_id=report.goal_id
    )
    yield f"hint: to widen that: {escape(wider)}"
