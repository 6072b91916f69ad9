"""What was put up for review, and how that stands, for people."""

from collections.abc import Iterable

from gitslices.forge.pull_request import PullState
from gitslices.ops.publish import PublishedSlice, PublishReport
from gitslices.ops.pulls import PullsReport
from gitslices.output.words import escape, format_problem


def format_published(report: PublishReport) -> str:
    """One line a slice: where it is reviewed, or why it was not published."""
    return "".join(f"{line}\n" for line in _list_published(report))


def _list_published(report: PublishReport) -> Iterable[str]:
    for one in report.published:
        yield _describe(report, one)
    for problem in report.refused:
        yield format_problem("not published", problem)
    for warning in report.warnings:
        yield f"warning: {escape(warning)}"
    if not report.published and not report.refused:
        yield "nothing to publish"


def _describe(report: PublishReport, one: PublishedSlice) -> str:
    what = "pushed" if one.pushed else "there already"
    if one.number is not None:
        what = f"{'draft ' if one.draft else ''}#{one.number} into {escape(one.base or '')}"
    elif one.base is None and report.forge is None:
        what += f" to {escape(report.remote)}"
    return f"{escape(one.slice_id)}: {what}" + (f", {escape(one.pr_url)}" if one.pr_url else "")


def format_pull(one: PullState, note: str = "") -> str:
    """How one pull request stands, in a line."""
    return (
        f"{escape(one.slice_id)}: #{one.number} {one.state} into {escape(one.base)}, "
        f"checks {one.checks}, review {one.review}{note}, {escape(one.pr_url)}"
    )


def format_pulls(report: PullsReport) -> str:
    """One line a pull request: number, state, checks, review, address."""
    return "".join(f"{line}\n" for line in _list_pulls(report))


def _list_pulls(report: PullsReport) -> Iterable[str]:
    for one in report.pulls:
        queued = ", merged once it may be" if one.slice_id in report.queued else ""
        yield format_pull(one, queued)
    for problem in report.refused:
        yield format_problem("not entered", problem)
    if not report.pulls and not report.refused:
        yield f"nothing is published on {escape(report.forge)}"
