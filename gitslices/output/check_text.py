"""What a check found, for people."""

from collections.abc import Iterable

from gitslices.ops.check import CheckReport, SliceCheck
from gitslices.output.escape import escape


def format_check(report: CheckReport) -> str:
    """The violations of each slice; one line for a slice without any."""
    if not report.slices:
        return "this worktree is no slice: nothing to check\n"
    return "".join(f"{line}\n" for one in report.slices for line in _format_slice(one))


def _format_slice(one: SliceCheck) -> Iterable[str]:
    name, violations = escape(one.slice_id), one.violations
    if not violations:
        yield f"{name}: all changes are inside the write scope"
        return
    changes = "1 change" if len(violations) == 1 else f"{len(violations)} changes"
    yield f"{name}: {changes} outside the write scope"
    shown = [(escape(violation.path), escape(violation.reason)) for violation in violations]
    width = max(len(path) for path, _ in shown)
    for path, reason in shown:
        yield f"  {path.ljust(width)}   {reason}"
