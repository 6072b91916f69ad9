"""Leases, for people."""

import shlex
from collections.abc import Iterable

from msgspec import UNSET

from gitslices.core.errors import suggest
from gitslices.ops.claim import ClaimReport
from gitslices.ops.ready import ReadyReport
from gitslices.output.words import count, escape
from gitslices.slices.claims import Work

_SHOWN_FILES = 5


def format_claim(report: ClaimReport) -> str:
    """Who has it until when, where to work, what may be written, what is there already."""
    return "".join(f"{line}\n" for line in _list_claim_lines(report))


def format_ready(report: ReadyReport) -> str:
    """One line a slice: the ready ones, then the others with what they wait for."""
    return "".join(f"{line}\n" for line in _list_ready_lines(report))


def _list_claim_lines(report: ClaimReport) -> Iterable[str]:
    id_, holder = escape(report.slice_id), escape(report.holder)
    again = " still" if report.resumed is True else ""
    yield f"{id_}:{again} held by {holder} until {report.expires_at}, token {report.token}"
    yield f"  worktree    {escape(report.worktree_path)}"
    yield f"  branch      {escape(report.branch_name)}"
    yield f"  may write   {escape(' '.join(report.write_scope))}"
    for line in report.acceptance:
        yield f"  acceptance  {escape(line)}"
    if report.work is not UNSET:
        yield f"  begun       {_describe_work(report.work)}"
    if report.warnings is not UNSET:
        yield from (f"  warning     {escape(warning)}" for warning in report.warnings)
    yield f"go there with: cd {escape(shlex.quote(report.worktree_path))}"
    finish = suggest("done", report.slice_id, "--token", str(report.token), goal_id=report.goal_id)
    yield f"finish there with: gitslices done (elsewhere: {escape(finish)})"


def _describe_work(work: Work) -> str:
    parts = [count(work.ahead, "commit")] if work.ahead else []
    if work.uncommitted:
        shown = ", ".join(escape(path) for path in work.uncommitted[:_SHOWN_FILES])
        more = len(work.uncommitted) - _SHOWN_FILES
        parts.append(f"uncommitted {shown}" + (f" and {more} more" if more > 0 else ""))
    by = f" (by {escape(work.previous_holder)})" if work.previous_holder else ""
    return "; ".join(parts) + by


def _list_ready_lines(report: ReadyReport) -> Iterable[str]:
    ids = [one.slice_id for one in report.ready] + [one.slice_id for one in report.waiting]
    width = max((len(escape(id_)) for id_ in ids), default=0)
    if not report.ready:
        yield "nothing is ready"
    for one in report.ready:
        yield f"{escape(one.slice_id).ljust(width)}  ready  {escape(one.title)}"
    for other in report.waiting:
        yield f"{escape(other.slice_id).ljust(width)}  {escape(other.reason)}"
