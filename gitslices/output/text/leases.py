"""Leases, for people."""

import json
import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import UNSET

from gitslices.core.errors import suggest
from gitslices.ops.claim import ClaimReport
from gitslices.output.text.checks import format_asked
from gitslices.output.words import count, escape, format_cost, format_reason
from gitslices.rules.attempts import list_previous_lines
from gitslices.slices.briefing import Briefing
from gitslices.slices.claims import Work

# What a claim prints must not wait for what other commands are made of.
if TYPE_CHECKING:
    from gitslices.ops.note import NoteReport
    from gitslices.ops.places import PathReport
    from gitslices.ops.ready import ReadyReport, ReadySlice, WaitingSlice
    from gitslices.ops.show import ShowReport

_SHOWN_FILES = 5


def format_claim(report: ClaimReport) -> str:
    """Who has it until when, where to work, what may be written, what is there already."""
    return "".join(f"{line}\n" for line in _list_claim_lines(report))


def format_note(report: "NoteReport") -> str:
    """What was noted of a slice."""
    waits = f"waits for a person: {escape(report.waiting)}" if report.waiting else "goes on"
    noted = f"noted: {escape(report.message)}" if report.message else waits
    lines = [f"{escape(report.slice_id)}: {noted}", *map(escape, report.warnings)]
    return "".join(f"{line}\n" for line in lines)


def format_ready(report: "ReadyReport") -> str:
    """One line a slice: the ready ones, then the others with what they wait for."""
    return "".join(f"{line}\n" for line in _list_ready_lines(report))


def _list_claim_lines(report: ClaimReport) -> Iterable[str]:
    id_, holder = escape(report.slice_id), escape(report.holder)
    again = " still" if report.resumed is True else ""
    yield f"{id_}:{again} held by {holder} until {report.expires_at}, token {report.token}"
    yield f"  worktree    {escape(report.worktree_path)}"
    yield f"  branch      {escape(report.branch_name)}"
    yield from _list_briefing_lines(report)
    if report.work is not UNSET:
        yield f"  begun       {_describe_work(report.work)}"
    if report.warnings is not UNSET:
        yield from (f"  warning     {escape(warning)}" for warning in report.warnings)
    yield f"go there with: cd {escape(shlex.quote(report.worktree_path))}"
    finish = suggest("done", report.slice_id, "--token", str(report.token), goal_id=report.goal_id)
    yield f"finish there with: gitslices done (elsewhere: {escape(finish)})"


def _list_briefing_lines(briefing: Briefing) -> Iterable[str]:
    """The task of a slice, a line or more for everything that is known of it."""
    if briefing.title != briefing.slice_id:
        yield f"  task        {escape(briefing.title)}"
    yield from (f"              {escape(line)}" for line in briefing.description.splitlines())
    yield f"  scope       {escape(briefing.scope)}"
    yield from (f"  acceptance  {escape(line)}" for line in briefing.acceptance)
    for key, value in briefing.metadata.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"  {escape(key).ljust(10)}  {escape(text)}"
    yield f"  gates       {escape(', '.join(briefing.gates))}"
    yield f"  reviews     {escape(', '.join(briefing.review_needs))}"
    for word, ids in (("waits for", briefing.waits_for), ("needed by", briefing.dependents)):
        if ids:
            yield f"  {word}   {', '.join(map(escape, ids))}"
    if briefing.previous is not None:
        first, *rest = list_previous_lines(briefing.previous)
        yield f"  last time   {escape(first)}"
        yield from (f"            {escape(line)}" for line in rest)


def format_places(places: "Sequence[PathReport]") -> str:
    """The worktrees of slices, numbered for somebody to choose from."""
    several = len({place.goal_id for place in places}) > 1
    rows = [
        (
            f"{number})",
            escape(f"{place.goal_id}/{place.slice_id}" if several else place.slice_id),
            place.status + (f" by {escape(place.holder)}" if place.holder else ""),
            escape(place.title) if place.title != place.slice_id else "",
        )
        for number, place in enumerate(places, start=1)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "".join(
        "  ".join(
            (*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3])
        ).rstrip()
        + "\n"
        for row in rows
    )


def format_slice(report: "ShowReport") -> str:
    """Everything about a slice, most of it a line each."""
    return "".join(f"{line}\n" for line in _list_slice_lines(report))


def _list_slice_lines(report: "ShowReport") -> Iterable[str]:
    state = report.state
    by = f" by {escape(state.holder)} until {state.expires_at}" if state.holder else ""
    yield f"{escape(report.slice_id)}: {state.status}{by}, goal {escape(report.goal_id)}"
    if state.problem:
        yield f"  problem     {escape(state.problem)}"
    yield from (f"  on hold     {escape(why)}" for why in [state.on_hold] if why is not None)
    if report.unplanned:
        yield "  plan        no longer has it: plan it again, or take it away: gitslices remove"
    yield f"  worktree    {escape(state.worktree_path)}"
    yield f"  branch      {escape(state.branch_name)}, into {escape(report.target)}"
    yield from _list_briefing_lines(report)
    if report.checkout_scope:
        yield f"  checkout    {' '.join(map(escape, report.checkout_scope))}"
    yield from (
        f"  after       {escape(one.serializes_after)}: {format_reason(one)}"
        for one in report.forced
        if one.serializes_after in report.waits_for
    )
    for gate in report.gate_states:
        if gate.state in {"passed", "failed"}:
            why = f": {escape(gate.reason)}" if gate.reason else ""
            yield f"  gate        {escape(gate.gate)} {gate.state}{why}"
    for review in report.reviews:
        note = f": {escape(review.note)}" if review.note else ""
        yield (
            f"  review      {escape(review.kind)} by {escape(review.reviewer)}: "
            f"{review.verdict}{note}"
        )
    yield from (f"  conflict    {escape(path)}" for path in state.conflicts)
    yield from (f"  asked       {format_asked(one)}" for one in state.asked)
    if report.work is not None:
        yield f"  work        {_describe_work(report.work)}"
    owner = f", for {escape(report.owner_role)}" if report.owner_role else ""
    cost = format_cost(report.estimate)
    yield f"  plan        wave {state.wave}, risk {escape(report.risk)}, estimate {cost}{owner}"
    if report.attempt:
        yield f"  attempts    {report.attempt}"
    if report.log:
        yield f"  log         {escape(report.log)}"


def _describe_work(work: Work) -> str:
    parts = [count(work.ahead, "commit")] if work.ahead else []
    if work.uncommitted:
        shown = ", ".join(escape(path) for path in work.uncommitted[:_SHOWN_FILES])
        more = len(work.uncommitted) - _SHOWN_FILES
        parts.append(f"uncommitted {shown}" + (f" and {more} more" if more > 0 else ""))
    by = f" (by {escape(work.previous_holder)})" if work.previous_holder else ""
    return "; ".join(parts) + by


def _list_ready_lines(report: "ReadyReport") -> Iterable[str]:
    several = len(report.goals) > 1
    listed: tuple[ReadySlice | WaitingSlice, ...] = (*report.ready, *report.waiting)
    names = [_name(one, several=several) for one in listed]
    width = max(map(len, names), default=0)
    if not report.ready:
        yield _describe_nothing(report)
    rows = [f"ready  {escape(one.title)}" for one in report.ready]
    rows += [escape(one.reason) for one in report.waiting]
    yield from (f"{name.ljust(width)}  {row}" for name, row in zip(names, rows, strict=True))


def _name(one: "ReadySlice | WaitingSlice", *, several: bool) -> str:
    return f"{escape(one.goal_id)}/{escape(one.slice_id)}" if several else escape(one.slice_id)


def _describe_nothing(report: "ReadyReport") -> str:
    if any(one.state == "under-way" for one in report.goals):
        return "nothing is ready"
    ended = ", ".join(f"{escape(one.goal_id)} is {one.state}" for one in report.goals)
    return f"nothing is left: goal {ended}"
