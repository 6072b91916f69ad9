"""A plan for people: its waves, what it changes, what it leaves out, and what apply did."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import click
from msgspec import UNSET

from gitslices.core.errors import GraphProblem
from gitslices.core.model import (
    Bottleneck,
    Plan,
    Serialization,
    Skipped,
    Slice,
    SliceId,
    StartedOverlap,
)
from gitslices.ops.apply import ApplyReport
from gitslices.output.words import (
    count,
    describe_progress,
    escape,
    find_cost,
    find_progress_word,
    format_cost,
    format_overlap,
    format_place,
    format_reason,
    format_retarget,
)
from gitslices.planning.diff import PlanChanges, Rescoped, Rewaiting
from gitslices.planning.explanation import Explanation, Meeting, Wait
from gitslices.planning.policy import NO_OWNER
from gitslices.repo_commands.setup import SetupReport

_HINT: Final = "hint: set owner_role, or owner_role under [defaults]"


def _format_skipped(skipped: Iterable[Skipped]) -> Iterator[str]:
    """One line a task, and how those get a slice that lack only an owner."""
    reasons = set()
    for one in skipped:
        reasons.add(one.reason)
        yield f"skipped {escape(one.task_id)}: {escape(one.reason)}"
    if NO_OWNER in reasons:
        yield _HINT


def format_assumed_owner(owner: str) -> str:
    """Whose the tasks of a graph are that does not say."""
    return f"no task names an owner_role, so each is for {escape(owner)}"


def format_unmatched(problems: Iterable[GraphProblem]) -> Iterator[str]:
    """One line for each entry that matches nothing."""
    for one in problems:
        yield f"{click.style('warning:', fg='yellow')} {format_place(one)}: {escape(one.message)}"


def summarize_skipped(skipped: Iterable[Skipped]) -> Iterator[str]:
    """The same with one line a reason."""
    by_reason: dict[str, list[str]] = {}
    for one in skipped:
        by_reason.setdefault(one.reason, []).append(escape(one.task_id))
    for reason, ids in by_reason.items():
        yield f"{len(ids)} would be skipped: {escape(reason)} ({', '.join(ids)})"
    if NO_OWNER in by_reason:
        yield _HINT


_ID_WIDTH: Final = 28

_Forced = Mapping[tuple[SliceId, SliceId], Serialization]
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
            lines += _format_slice(plan, by_id[id_], forced, width)
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
    if plan.progress is not UNSET:
        parts.append(describe_progress(plan.progress))
    return " · ".join(parts)


def _format_slice(plan: Plan, slice_: Slice, forced: _Forced, width: int) -> Iterable[str]:
    id_ = escape(slice_.slice_id)
    title = escape(slice_.title) if slice_.title != slice_.slice_id else ""
    facts = [
        find_progress_word(plan, slice_.slice_id),
        title,
        f"writes {count(slice_.write_files, 'file')}",
        f"reads {slice_.read_files}" if slice_.read_scope else "",
        escape(slice_.owner_role or ""),
    ]
    yield f"  {click.style(id_.ljust(width), fg='green')}  {' · '.join(filter(None, facts))}"
    for needed in slice_.dependencies:
        why = _explain(forced.get((slice_.slice_id, needed)))
        yield f"  {' ' * width}  after {escape(needed)}: {why}"
    if plan.progress is not UNSET and slice_.slice_id in plan.progress.allowed:
        allowed = " ".join(map(escape, plan.progress.allowed[slice_.slice_id]))
        yield f"  {' ' * width}  allowed since it was planned: {allowed}"


def _format_foot(plan: Plan, forced: _Forced) -> Iterable[str]:
    yield from _format_critical_path(plan, forced)
    yield from _format_schedule(plan)
    yield from _format_early_starts(plan)
    for bottleneck in plan.bottlenecks:
        yield _format_bottleneck(bottleneck, find_cost(plan))
    if plan.open_overlaps:
        yield (
            f"{count(plan.open_overlaps, 'pair')} may yet meet in paths nobody has named:"
            " see --explain SLICE, or close them with --new-paths all"
        )
    for shared in plan.shared_overlaps:
        ids = ", ".join(escape(id_) for id_ in shared.slice_ids)
        yield f"shared {escape(shared.entry)}: {ids}"
    for relaxed in plan.relaxed_overlaps or ():
        pairs = len(relaxed.slice_ids) * (len(relaxed.slice_ids) - 1) // 2
        ids = ", ".join(escape(id_) for id_ in relaxed.slice_ids)
        yield f"relaxed {escape(relaxed.entry)}: {count(pairs, 'pair')} may conflict there: {ids}"
    yield from _format_skipped(plan.skipped)
    if plan.assumed_owner is not UNSET:
        yield format_assumed_owner(plan.assumed_owner)
    for warning in (*map(_format_started, plan.started_overlaps), *map(escape, plan.warnings)):
        yield f"{click.style('warning:', fg='yellow')} {warning}"


def _format_critical_path(plan: Plan, forced: _Forced) -> Iterable[str]:
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


def _format_early_starts(plan: Plan) -> Iterable[str]:
    """What it gains to start before what one waits for is merged, and what it risks."""
    early = plan.early_starts
    if early is UNSET or not early.slices:
        return
    yield (
        f"{count(len(early.slices), 'slice')} may start once what they wait for is {early.start}:"
        f" {count(early.rounds, 'round')} of review one after the other can be one"
    )
    if early.review:
        yield (
            f"  with reviews of {format_cost(early.review)} each, and workers enough, all is merged"
            f" at {format_cost(early.makespan)} instead of {format_cost(early.makespan_waiting)}"
        )
    first = early.at_risk[0]
    yield (
        f"  at risk: if {escape(first.slice_id)} changes in its review,"
        f" {count(first.followers, 'slice')} move with it (gitslices sync)"
    )


def _format_bottleneck(bottleneck: Bottleneck, cost: float) -> str:
    """What one path costs, and what can be done about it."""
    path, without = escape(bottleneck.path), format_cost(bottleneck.cost_without)
    if bottleneck.kind == "reads":
        return (
            f"reads alone order {count(bottleneck.pairs, 'pair')}: without them the plan takes"
            f" {without} instead of {format_cost(cost)}; a read scope is for what must not change"
            " while the task runs"
        )
    remedy = (
        "narrow the scopes that need only a part of it"
        if path.endswith("/") or bottleneck.kind == "entry"
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


def format_changes(changes: PlanChanges) -> str:
    """One line a slice and kind of change."""
    lines = [click.style(escape(changes.goal_id), bold=True)]
    if changes.cost_before is None:
        lines[0] += ": no plan has been applied, so every slice is new"
    elif changes.is_empty:
        lines[0] += ": nothing changes"
    if changes.retargeted is not None:
        lines += format_retarget(changes.retargeted)
    lines += (f"  added     {escape(id_)}" for id_ in changes.added)
    lines += (f"  gone      {escape(id_)}" for id_ in changes.gone)
    lines += (
        f"  rescoped  {escape(one.slice_id)}: {'; '.join(_list_scope_changes(one))}"
        for one in changes.rescoped
    )
    lines += (
        f"  waits     {escape(one.slice_id)}: {'; '.join(_list_wait_changes(one))}"
        for one in changes.rewaiting
    )
    lines += (
        f"  moved     {escape(one.slice_id)}: wave {one.before} -> {one.after}"
        for one in changes.moved
    )
    if changes.cost_before not in (None, changes.cost_after):
        lines.append(_format_costs(changes.cost_before or 0, changes.cost_after))
    if changes.refused:
        lines.append("--apply would refuse it:")
    for one in changes.refused:
        lines.append(f"  {escape(one.place)}: {escape(one.message)}")
        lines += [f"    hint: {escape(one.hint)}"] if one.hint else []
    return "\n".join(lines) + "\n"


def _format_costs(before: float, after: float) -> str:
    return f"critical path, cost {format_cost(before)} -> {format_cost(after)}"


def _list_scope_changes(one: Rescoped) -> Iterable[str]:
    for verb, entries in (
        ("also writes", one.write_gained),
        ("no longer writes", one.write_lost),
        ("also reads", one.read_gained),
        ("no longer reads", one.read_lost),
        ("also has", one.checkout_gained),
        ("no longer has", one.checkout_lost),
    ):
        if entries:
            yield f"{verb} {_join(entries)}"


def _list_wait_changes(one: Rewaiting) -> Iterable[str]:
    if one.gained:
        yield f"now after {_join(one.gained)}"
    if one.lost:
        yield f"no longer after {_join(one.lost)}"


def _join(texts: Sequence[str]) -> str:
    return ", ".join(map(escape, texts))


def format_explanation(explanation: Explanation) -> str:
    """Direct waits with all their reasons, then those through others, then what is left open."""
    own = explanation.slice_id
    direct = [wait for wait in explanation.waits_for if wait.before == own]
    through = [wait for wait in explanation.waits_for if wait.before != own]
    blocks = [
        [_format_slice_head(explanation)],
        _format_waits("waits for", direct),
        _format_waits("and through these for", through),
        _format_open(explanation),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _format_slice_head(explanation: Explanation) -> str:
    waits = count(len(explanation.waits_for), "slice") if explanation.waits_for else "nothing"
    name = click.style(escape(explanation.slice_id), bold=True)
    return f"{name} · wave {explanation.wave} · waits for {waits}"


def _format_waits(heading: str, waits: Sequence[Wait]) -> list[str]:
    if not waits:
        return []
    width = max(len(escape(wait.slice_id)) for wait in waits)
    lines = [click.style(heading, bold=True)]
    for wait in waits:
        name = escape(wait.slice_id).ljust(width)
        before = f"before {escape(wait.before)}: " if heading != "waits for" else ""
        lines.append(f"  {name}  {before}{'; '.join(_list_reasons(wait))}")
    return lines


def _list_reasons(wait: Wait) -> Iterable[str]:
    if wait.declared:
        yield "declared"
    if wait.overlap:
        yield _format_meeting(wait.overlap, wait.slice_id)


def _format_open(explanation: Explanation) -> list[str]:
    if not explanation.open_overlaps:
        return []
    return [
        click.style("left open, closed with --new-paths all", bold=True),
        *(
            f"  {escape(one.slice_id)}: {_format_meeting(one.overlap, one.slice_id)}"
            for one in explanation.open_overlaps
        ),
    ]


def _format_meeting(overlap: Meeting, other: str) -> str:
    return format_overlap(overlap.kind, overlap.path, other, exists=overlap.exists)


def format_applied(plan: Plan, report: ApplyReport, setup: SetupReport) -> str:
    """The lines below the plan: what was made, where to work, what was left alone."""
    by_id = {slice_.slice_id: slice_ for slice_ in plan.slices}
    lines: list[str] = []
    for verb, ids in (("created", report.created), ("restored", report.restored)):
        lines += _format_made(verb, ids, by_id)
    if report.rescoped:
        lines.append(f"scopes changed: {_join_names(report.rescoped)}")
    if report.retargeted is not None:
        lines += format_retarget(report.retargeted)
    elif not (report.created or report.restored or report.rescoped):
        lines.append(f"nothing to do: {count(len(report.kept), 'slice')} in place")
    if report.dropped:
        lines.append(
            f"dropped, not made again: {_join_names(report.dropped)} (see: gitslices reopen)"
        )
    if report.gone:
        lines.append(
            f"no longer planned, left alone: {_join_names(report.gone)} (see: gitslices prune)"
        )
    if setup.ready:
        lines.append(f"set up: {_join_names(setup.ready)}")
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


def _join_names(ids: tuple[SliceId, ...]) -> str:
    return ", ".join(escape(id_) for id_ in ids)
