"""What was done and shown for slices: the log, gates and reviews."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from gitslices.core.errors import suggest
from gitslices.ops.attempts import Attempt, AttemptsReport
from gitslices.ops.evidence import GatesReport, GateStatus
from gitslices.ops.log import EvidenceReport, LogReport
from gitslices.output.words import count, escape
from gitslices.state.event_log import Subject
from gitslices.state.store import Event


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


def format_gates(report: GatesReport) -> str:
    """One line a gate: how it stands, and on which commit."""
    if not (report.gates or report.refused):
        return "no slice is claimed or done\n"
    width = max((len(escape(one.slice_id)) for one in report.gates), default=0)
    lines = [
        f"{escape(one.slice_id).ljust(width)}  {one.gate}: {_describe(report.goal_id, one)}\n"
        for one in report.gates
    ]
    lines += [
        f"{escape(one.place)}: {escape(one.message)} ({escape(one.hint or '')})\n"
        for one in report.refused
    ]
    return "".join(lines)


def _describe(goal_id: str, gate: GateStatus) -> str:
    run = gate.run
    if gate.reason:
        see = f"; see {escape(run.log)}" if run and run.log else ""
        return escape(gate.reason) + see
    if run is None:
        record = suggest("gate", "pass", gate.slice_id, gate.gate, "--by", "NAME", goal_id=goal_id)
        return f"no command; record it with: {escape(record)}"
    by = f" by {escape(run.passed_by)}" if run.passed_by else ""
    return f"passed{by} on {run.commit[:10]}"


def format_attempts(report: AttemptsReport) -> str:
    """One line an attempt: who, when, how it ended; and where its log is."""
    if not report.attempts:
        return f"nobody has tried {escape(report.slice_id)} yet\n"
    return "".join(f"{line}\n" for one in report.attempts for line in _list_attempt(one))


def _list_attempt(one: Attempt) -> Iterable[str]:
    ended = f"{one.ending} {one.ended_at}" if one.ended_at else "under way"
    why = f": {escape(one.failure.message)}" if one.failure else ""
    yield f"{one.number}  {escape(one.holder)} from {one.claimed_at}, {ended}{why}"
    if one.log:
        yield f"   {escape(one.log)}"


def format_log_lines(parts: Iterable[bytes]) -> Iterator[str]:
    """What a command has printed, line by line as it comes; nothing in it steers a terminal."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        yield from (_format_log_line(line) + "\n" for line in lines)
    if rest:
        yield _format_log_line(rest) + "\n"


def _format_log_line(line: bytes) -> str:
    # What a progress bar has overwritten is no line of its own.
    shown = line.rstrip(b"\r").rpartition(b"\r")[2]
    return escape(_COLOUR.sub("", shown.decode("utf-8", "surrogateescape")).expandtabs())


_COLOUR: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def format_log(report: LogReport) -> Iterator[str]:
    """One line an event: when, about what, what, and the details that are known of it."""
    if not report.subjects:
        yield "nothing has happened yet\n"
        return
    width = max(len(_name(subject)) for subject in report.subjects)
    for event in report.events:
        yield f"{_format_event(event, width)}\n"


def _format_event(event: Event, width: int) -> str:
    details = " ".join(_format_details(event.detail))
    subject = _name((event.goal_id, event.slice_id)).ljust(width)
    line = f"{event.at}  {subject}  {escape(event.event)}"
    return f"{line}  {details}" if details else line


def _name(subject: Subject) -> str:
    goal_id, slice_id = subject
    return escape(goal_id if slice_id is None else f"{goal_id}/{slice_id}")


def _format_details(detail: dict[str, Any]) -> Iterable[str]:
    for key, value in detail.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{escape(key)}={escape(text[:10] if _OBJECT_ID.fullmatch(text) else text)}"
