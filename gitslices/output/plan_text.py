"""A plan for people: waves, why each slice waits, the critical path."""

from collections.abc import Iterable, Mapping
from typing import Final

import click

from gitslices.model import Plan, Serialization, Slice, SliceId
from gitslices.output.escape import escape
from gitslices.output.words import count, format_reason

_ID_WIDTH: Final = 28


def format_plan(plan: Plan) -> str:
    """The text of `gitslices plan`."""
    forced = {(one.blocked_slice_id, one.serializes_after): one
              for one in plan.overlap_serializations}  # fmt: skip
    by_id = {slice_.slice_id: slice_ for slice_ in plan.slices}
    width = min(_ID_WIDTH, max((len(escape(id_)) for id_ in by_id), default=0))
    blocks = [_format_head(plan)]
    for number, ids in enumerate(plan.waves):
        lines = [click.style(f"wave {number}", bold=True)]
        for id_ in ids:
            lines += _format_slice(by_id[id_], forced, width)
        blocks.append("\n".join(lines))
    blocks.append("\n".join(_format_foot(plan)))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _format_head(plan: Plan) -> str:
    parts = [
        click.style(escape(plan.goal_id), bold=True),
        f"{count(len(plan.slices), 'slice')} in {count(len(plan.waves), 'wave')}",
        f"base {escape(plan.base.ref)} at {plan.base.commit[:10]}",
    ]
    if plan.target != plan.base.ref:
        parts.append(f"target {escape(plan.target)}")
    return " · ".join(parts)


def _format_slice(
    slice_: Slice, forced: Mapping[tuple[SliceId, SliceId], Serialization], width: int
) -> Iterable[str]:
    id_ = escape(slice_.slice_id)
    title = escape(slice_.title) if slice_.title != slice_.slice_id else ""
    facts = [
        title,
        f"writes {count(slice_.write_files, 'file')}",
        f"reads {slice_.read_files}" if slice_.read_scope else "",
        escape(slice_.owner_role or ""),
    ]
    yield f"  {click.style(id_.ljust(width), fg='green')}  {' · '.join(filter(None, facts))}"
    for needed in slice_.dependencies:
        overlap = forced.get((slice_.slice_id, needed))
        why = format_reason(overlap) if overlap else "declared"
        yield f"  {' ' * width}  after {escape(needed)}: {why}"


def _format_foot(plan: Plan) -> Iterable[str]:
    if len(plan.critical_path) > 1:
        path = " -> ".join(escape(id_) for id_ in plan.critical_path)
        yield f"critical path: {path} (cost {plan.critical_path_cost})"
    for shared in plan.shared_overlaps:
        ids = ", ".join(escape(id_) for id_ in shared.slice_ids)
        yield f"shared {escape(shared.entry)}: {ids}"
    for skipped in plan.skipped:
        yield f"skipped {escape(skipped.task_id)}: {escape(skipped.reason)}"
    for warning in plan.warnings:
        yield f"{click.style('warning:', fg='yellow')} {escape(warning)}"
