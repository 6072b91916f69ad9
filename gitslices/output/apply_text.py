"""What an apply did, for people."""

from collections.abc import Iterable, Mapping

import click

from gitslices.model import Plan, Slice, SliceId
from gitslices.ops.apply import ApplyReport
from gitslices.ops.setup import SetupReport
from gitslices.output.escape import escape
from gitslices.output.words import count, format_retarget


def format_applied(plan: Plan, report: ApplyReport, setup: SetupReport) -> str:
    """The lines below the plan: what was made, where to work, what was left alone."""
    by_id = {slice_.slice_id: slice_ for slice_ in plan.slices}
    lines: list[str] = []
    for verb, ids in (("created", report.created), ("restored", report.restored)):
        lines += _format_made(verb, ids, by_id)
    if report.rescoped:
        lines.append(f"scopes changed: {_join(report.rescoped)}")
    if report.retargeted is not None:
        lines += format_retarget(report.retargeted)
    elif not (report.created or report.restored or report.rescoped):
        lines.append(f"nothing to do: {count(len(report.kept), 'slice')} in place")
    if report.gone:
        lines.append(f"no longer planned, left alone: {_join(report.gone)} (see: gitslices prune)")
    if setup.ready:
        lines.append(f"set up: {_join(setup.ready)}")
    warnings = (*report.warnings, *setup.warnings)
    lines += [f"{click.style('warning:', fg='yellow')} {escape(one)}" for one in warnings]
    return "\n".join(lines) + "\n"


def _format_made(
    verb: str, ids: tuple[SliceId, ...], by_id: Mapping[SliceId, Slice]
) -> Iterable[str]:
    if not ids:
        return
    width = max(len(escape(id_)) for id_ in ids)
    yield click.style(f"{verb} {count(len(ids), 'worktree')}", bold=True)
    for id_ in ids:
        yield f"  {escape(id_).ljust(width)}  {escape(by_id[id_].worktree_path)}"


def _join(ids: tuple[SliceId, ...]) -> str:
    return ", ".join(escape(id_) for id_ in ids)
