"""A slice's scopes, for people."""

from collections.abc import Iterable

from gitslices.ops.scope import ScopeReport
from gitslices.output.escape import escape


def format_scope(report: ScopeReport) -> str:
    """Each entry on a line of its own, with the reason where it was added later."""
    return "".join(f"{line}\n" for line in _format_lines(report))


def _format_lines(report: ScopeReport) -> Iterable[str]:
    reasons = {one.pattern: f"   allowed: {one.reason}" for one in report.allowed}
    for verb, entries in (("may write", report.write_scope), ("may read", report.read_scope)):
        if entries:
            yield f"{escape(report.slice_id)} {verb}"
        for entry in entries:
            reason = reasons.get(entry, "") if verb == "may write" else ""
            yield f"  {escape(entry)}{escape(reason)}"
