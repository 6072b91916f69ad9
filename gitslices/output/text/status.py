"""Where slices stand, for people; how a run ended."""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import UNSET, Struct
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gitslices.ops.status import FailedAttempt, GoneSlice, SliceState, StatusReport
from gitslices.output.text.checks import format_asked
from gitslices.output.text.publishing import format_pull
from gitslices.output.words import escape, format_left, format_time, name_state, shorten_line
from gitslices.slices.goals import GoalSummary

if TYPE_CHECKING:
    from gitslices.ops.crew import RunStep
    from gitslices.ops.run import RunReport

_STYLES: Final = {
    "planned": "dim",
    "provisioned": "green",
    "claimed": "cyan",
    "done": "blue",
    "merged": "magenta",
    "dropped": "dim",
    "conflicted": "red",
    "asking": "yellow",
    "lapsed": "yellow",
    "failed": "red",
    "on hold": "yellow",
}
_HEADINGS: Final = (
    "slice", "status", "holder", "wave", "commits", "changes", "waits for", "worktree",
)  # fmt: skip
_CUT: Final = (6, 2, 5, 0)
"""Columns that may be cut where a line is too wide, the first one first."""
_GAP: Final = "   "
_WAVE: Final = 3
_LEAST: Final = 10
"""What is left of such a column at least."""

_Row = Sequence[Text]


class View(Struct, frozen=True, kw_only=True):
    """Who reads the table: when, from which directory, and on how many columns.

    `here` None has every path in full, `width` None lets lines be as long as they are; `paths`
    wants to know where the worktrees are.
    """

    now: str
    here: str | None = None
    width: int | None = None
    paths: bool = False


def format_status(report: StatusReport, view: View) -> str:
    """A table for each goal, with one line a slice: who has it, its work, what it waits for.

    Where a line is too wide, columns that say nothing go, and then long ones are cut; paths never
    are.
    """
    blocks = [_format_goal(report, goal, view) for goal in report.goals]
    foot = []
    problems = [*(one.problem for one in report.goals), *(one.problem for one in report.slices)]
    if any(problems):
        foot.append("see: gitslices doctor")
    if report.not_shown:
        ids = ", ".join(map(escape, report.not_shown))
        foot.append(f"finished or closed: {ids} (see: gitslices status --finished)")
    return "\n".join("\n".join(block) + "\n" for block in blocks) + "".join(
        f"{line}\n" for line in foot
    )


def _format_goal(report: StatusReport, goal: GoalSummary, view: View) -> Iterator[str]:
    slices = [one for one in report.slices if one.goal_id == goal.goal_id]
    head = f"{escape(goal.goal_id)} · target {escape(goal.target)}"
    if goal.problem:
        head += f" ({goal.problem})"
    if goal.lag is not UNSET and goal.state == "under-way":
        head += f" ({escape(goal.lag.describe(goal.target))})"
    yield head if goal.state == "under-way" else f"{head} · {goal.state}"
    yield from _fit([tuple(_make_row(state, view)) for state in slices], view)
    yield from (format_pull(one.pull) for one in slices if one.pull)
    yield from (_format_waiting(one, view) for one in slices if one.waiting)
    yield from (
        f"{escape(one.slice_id)}: {format_asked(asked)}" for one in slices for asked in one.asked
    )
    yield from (
        f"{escape(one.slice_id)} is on hold: {escape(shorten_line(one.on_hold))}"
        for one in slices
        if one.on_hold is not None
    )
    yield from (_format_failed(one, one.failed) for one in slices if one.failed)
    yield from (_format_gone(one, view) for one in report.gone if one.goal_id == goal.goal_id)


def _format_waiting(state: SliceState, view: View) -> str:
    since = format_time(state.waiting_since or view.now, view.now)
    what = escape(shorten_line(state.waiting or ""))
    return f"{escape(state.slice_id)} waits for a person since {since}: {what}"


def _format_failed(state: SliceState, failed: FailedAttempt) -> str:
    why = escape(shorten_line(failed.message))
    return f"{escape(state.slice_id)}: attempt {failed.attempt} failed: {why}"


def _fit(rows: Sequence[_Row], view: View) -> list[str]:
    """The table with all columns if it is narrow enough, else less of it."""
    columns = [column for column in range(len(_HEADINGS)) if view.paths or column < 7]
    if view.width is None or _measure(columns, rows) <= view.width:
        return _draw(columns, rows)
    columns = [column for column in columns if any(row[column].plain for row in rows)]
    if view.paths and _measure(columns, rows) > view.width:
        return _draw_paths_below(columns[:-1], rows, view.width)
    if _measure(columns, rows) > view.width:
        columns.remove(_WAVE)
    return _draw(columns, _cut(columns, rows, view.width))


def _draw_paths_below(columns: Sequence[int], rows: Sequence[_Row], width: int) -> list[str]:
    head, rule, *lines = _draw(columns, _cut(columns, rows, width))
    below = (
        part
        for line, row in zip(lines, rows, strict=True)
        for part in (line, *([f"  {row[-1].plain}"] if row[-1].plain else []))
    )
    return [head, rule, *below]


def _measure(columns: Sequence[int], rows: Sequence[_Row]) -> int:
    widths = [_find_width(column, rows) for column in columns]
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _find_width(column: int, rows: Sequence[_Row]) -> int:
    return max(cell_len(_HEADINGS[column]), *(row[column].cell_len for row in rows), 0)


def _cut(columns: Sequence[int], rows: Sequence[_Row], width: int) -> Sequence[_Row]:
    """`rows` with as much of their long columns as there is room for."""
    rows = [tuple(cell.copy() for cell in row) for row in rows]
    for column in _CUT:
        excess = _measure(columns, rows) - width
        if column in columns and excess > 0:
            for row in rows:
                left = max(_LEAST, _find_width(column, rows) - excess)
                row[column].truncate(left, overflow="ellipsis")
    return rows


def _draw(columns: Sequence[int], rows: Sequence[_Row]) -> list[str]:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(_HEADINGS[column], no_wrap=True, overflow="ignore")
    for row in rows:
        table.add_row(*(row[column] for column in columns))
    out = io.StringIO()
    # Wide enough never to wrap: a path cut in two is no use to anybody.
    console = Console(file=out, width=10_000, force_terminal=True, color_system="standard")
    console.print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def _format_gone(gone: GoneSlice, view: View) -> str:
    held = f", held by {_describe_holder(gone, view)}" if gone.holder else ""
    path = _shorten(gone.worktree_path, view)
    return f"no longer planned: {escape(gone.slice_id)}{held}, at {path}"


def _make_row(state: SliceState, view: View) -> Iterable[Text]:
    has_worktree = state.status not in {"planned", "dropped"}
    name = name_state(state)
    yield Text(escape(state.slice_id))
    yield Text(name, style=_STYLES[name])
    yield Text(_describe_holder(state, view) or escape(state.lapsed or ""))
    yield Text(str(state.wave))
    yield Text(f"+{state.ahead} -{state.behind}" if has_worktree else "")
    yield _describe_changes(state)
    yield Text(_describe_wait(state))
    yield Text(_describe_worktree(state, view) if has_worktree else "")


def _describe_wait(state: SliceState) -> str:
    """What keeps a slice from being claimed, where that is not its status itself."""
    if state.waits_for:
        return ", ".join(map(escape, state.waits_for))
    if state.reason is None or state.status not in {"planned", "provisioned"} or state.problem:
        return ""
    if state.on_hold is not None:
        return ""
    return escape(state.reason.partition(", held by ")[0])


def _describe_holder(state: SliceState | GoneSlice, view: View) -> str:
    if state.holder is None or state.expires_at is None:
        return ""
    return f"{escape(state.holder)}, {format_left(state.expires_at, view.now)}"


def _describe_changes(state: SliceState) -> Text:
    uncommitted = "uncommitted" if state.dirty else "follows at claim" if state.follows else ""
    if state.problem is None:
        return Text(uncommitted)
    return Text(", ".join(filter(None, (state.problem, uncommitted))), style="red")


def _describe_worktree(state: SliceState, view: View) -> str:
    return _shorten(state.worktree_path, view) + (" (sparse)" if state.sparse else "")


def _shorten(path: str, view: View) -> str:
    """`path` from where the reader is, if that is shorter."""
    relative = os.path.relpath(path, view.here) if view.here else path
    return escape(min(path, relative, key=len))


def format_step(step: "RunStep") -> str:
    """One step, in one line."""
    again = f" (attempt {step.attempt})" if step.attempt > 1 else ""
    reason = f": {escape(step.reason)}" if step.reason else ""
    return f"{escape(step.slice_id)}: {step.stage}{again}{reason}"


def format_run(report: "RunReport") -> str:
    """The summary: what was merged, what was given up and why, what is left."""
    return "".join(f"{line}\n" for line in _format_lines(report))


def _format_lines(report: "RunReport") -> Iterable[str]:
    for id_ in report.merged:
        yield f"merged {escape(id_)}{', no change' if id_ in report.empty else ''}"
    for problem in report.failed:
        hint = f" ({escape(problem.hint)})" if problem.hint else ""
        yield f"failed {escape(problem.place)}: {escape(problem.message)}{hint}"
    for problem in report.left:
        yield f"left {escape(problem.place)}: {escape(problem.message)}"
    yield from map(escape, report.warnings)
    if report.cost or report.tokens:
        tokens = f", {report.tokens} tokens" if report.tokens else ""
        yield f"reported: cost {report.cost:g}{tokens}"
    if not (report.failed or report.left):
        yield "all slices are merged"
