"""The evidence of a slice, for people."""

from collections.abc import Iterable

from gitslices.ops.evidence import EvidenceReport
from gitslices.output.escape import escape
from gitslices.output.words import count


def format_evidence(report: EvidenceReport) -> str:
    """Its commits, holders, gates and reviews, and what is missing before a merge."""
    return "".join(f"{line}\n" for line in _list_lines(report))


def _list_lines(report: EvidenceReport) -> Iterable[str]:
    yield f"{escape(report.slice_id)}: {report.status} at {report.commit[:10]}"
    for entry in report.commits:
        yield f"  commit   {entry.commit[:10]} {escape(entry.subject)} ({escape(entry.author)})"
    outside = count(len(report.violations), "change")
    yield f"  scope    {f'{outside} outside' if report.violations else 'kept'}"
    for lease in report.leases:
        ending = f"{lease.ending} {lease.ended_at}" if lease.ended_at else "open"
        yield f"  held by  {escape(lease.holder)} from {lease.claimed_at}, {ending}"
    for run in report.gates:
        outcome = "passed" if run.passed else "failed"
        yield f"  gate     {run.gate} {outcome} on {run.commit[:10]}: {escape(run.reason)}"
    for review in report.reviews:
        note = f": {escape(review.note)}" if review.note else ""
        yield (
            f"  review   {review.kind} of {review.commit[:10]} by {escape(review.reviewer)}: "
            f"{review.verdict}{note}"
        )
    for problem in report.missing:
        yield f"  missing  {escape(problem.message)}"
