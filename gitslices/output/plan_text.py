"""A plan for people: waves, why each slice waits, the critical path."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

import click
from msgspec import UNSET

from gitslices.model import Bottleneck, Plan, Serialization, Slice, SliceId, StartedOverlap
from gitslices.output.escape import escape
from gitslices.output.skipped_text import format_skipped
from gitslices.output.words import count, find_cost, format_cost, format_overlap, format_reason

_ID_WIDTH: Final = 28

Forced = Mapping[tuple[SliceId, SliceId], Serialization]
"""The forced orders, by the later slice and the earlier one."""


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
    blocks.append("\n".join(_format_foot(plan, forced)))
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


def _format_slice(slice_: Slice, forced: Forced, width: int) -> Iterable[str]:
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
        why = _explain(forced.get((slice_.slice_id, needed)))
        yield f"  {' ' * width}  after {escape(needed)}: {why}"


def _format_foot(plan: Plan, forced: Forced) -> Iterable[str]:
    yield from _format_critical_path(plan, forced)
    yield from _format_schedule(plan)
    for bottleneck in plan.bottlenecks:
        yield format_bottleneck(bottleneck, find_cost(plan))
    if plan.open_overlaps:
        yield (
            f"{count(plan.open_overlaps, 'pair')} may yet meet in paths nobody has named:"
            " see --explain SLICE, or close them with --unborn all"
        )
    for shared in plan.shared_overlaps:
        ids = ", ".join(escape(id_) for id_ in shared.slice_ids)
        yield f"shared {escape(shared.entry)}: {ids}"
    yield from format_skipped(plan.skipped)
    for warning in (*map(_format_started, plan.started_overlaps), *map(escape, plan.warnings)):
        yield f"{click.style('warning:', fg='yellow')} {warning}"


def _format_critical_path(plan: Plan, forced: Forced) -> Iterable[str]:
    if len(plan.critical_path) < 2:
        return
    costs = {slice_.slice_id: slice_.estimate for slice_ in plan.slices}
    yield f"critical path, cost {format_cost(plan.critical_path_cost)}:"
    for before, id_ in pairwise((None, *plan.critical_path)):
        assert id_ is not None  # noqa: S101 - only the first has nothing before it
        step = f"  {escape(id_)} ({format_cost(costs[id_])})"
        yield step if before is None else f"{step}: {_explain(forced.get((id_, before)))}"


def _format_schedule(plan: Plan) -> Iterable[str]:
    if plan.schedule is UNSET:
        return
    makespan = format_cost(plan.schedule.makespan)
    width = len(makespan)
    yield f"schedule of {count(plan.schedule.workers, 'worker')}, finished at {makespan}:"
    for shift in plan.schedule.slices:
        start, finish = format_cost(shift.start), format_cost(shift.finish)
        yield f"  {start.rjust(width)} to {finish.rjust(width)}  {escape(shift.slice_id)}"


def format_bottleneck(bottleneck: Bottleneck, cost: float) -> str:
    """What one path costs, and what can be done about it."""
    path, without = escape(bottleneck.path), format_cost(bottleneck.cost_without)
    remedy = (
        "narrow the scopes that need only a part of it"
        if path.endswith("/")
        else "declare it shared if tasks only append to it"
    )
    return (
        f"{path} alone orders {count(bottleneck.pairs, 'pair')}: without it the plan takes"
        f" {without} instead of {format_cost(cost)}; {remedy}"
    )


def _format_started(one: StartedOverlap) -> str:
    first, second = one.slice_ids
    how = format_overlap(one.kind, one.path, first, exists=one.exists)
    return f"{escape(second)} is under way, and so is {escape(first)}: {how}"


def _explain(overlap: Serialization | None) -> str:
    return format_reason(overlap) if overlap else "declared"
