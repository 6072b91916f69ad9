"""The runs of a repository, for people."""

import shlex
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from gitslices.output.words import escape, format_time, shorten_line

if TYPE_CHECKING:
    from gitslices.ops.runs import RunRecord, RunsReport

_AT_WORK: Final = frozenset({"started", "going on", "waiting", "stalled"})


def format_runs(report: "RunsReport", now: str) -> str:
    """A block for each run: what has become of it, and what it is at."""
    if not report.runs:
        return "no run is at work, or was\n"
    return "".join(f"{line}\n" for one in report.runs for line in _list_lines(one, now))


def _list_lines(record: "RunRecord", now: str) -> Iterator[str]:
    is_over = record.state in {"ended", "killed"}
    until = f" to {format_time(record.ended_at, now)}" if record.ended_at else ""
    counts = Counter("at work on" if one.stage in _AT_WORK else one.stage for one in record.slices)
    told = "".join(f", {number} {stage}" for stage, number in sorted(counts.items()))
    process = "" if is_over else f" (process {record.process})"
    since = format_time(record.began_at, now)
    yield f"{record.run_id}: {record.state}{process}, {since}{until}{told}"
    if record.command:
        yield f"  {escape(shorten_line(shlex.join(record.command)))}"
    for agent in record.agents:
        yield f"  {escape(agent.name)}: {escape(shorten_line(shlex.join(agent.command)))}"
    if record.log:
        yield f"  log {escape(record.log)}"
    if not is_over:
        for one in record.slices:
            if one.stage in _AT_WORK:
                reason = f": {escape(shorten_line(one.reason))}" if one.reason else ""
                yield f"  {escape(one.goal_id)}/{escape(one.slice_id)}: {one.stage}{reason}"
