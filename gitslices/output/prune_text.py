"""What a prune did, for people."""

from collections.abc import Iterable

from gitslices.ops.prune import PruneReport
from gitslices.output.escape import escape


def format_pruned(report: PruneReport, *, dry_run: bool) -> str:
    """One line a slice: removed, or kept and why."""
    return "".join(f"{line}\n" for line in _format_lines(report, dry_run))


def _format_lines(report: PruneReport, dry_run: bool) -> Iterable[str]:
    verb = "would remove" if dry_run else "removed"
    for one in report.removed:
        yield f"{verb} {escape(one.slice_id)}: {escape(one.reason)}"
    for problem in report.refused:
        hint = f" ({problem.hint})" if problem.hint else ""
        yield f"kept {escape(problem.place)}: {escape(problem.message)}{escape(hint)}"
    if not report.removed and not report.refused:
        yield "nothing to remove"
