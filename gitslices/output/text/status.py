"""Where slices stand, for people; how a run ended."""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gitslices.core.model import SliceStatus
from gitslices.ops.run import RunReport, RunStep
from gitslices.ops.status import GoneSlice, SliceState, StatusReport
from gitslices.output.words import escape, shorten_line

_STYLES: Final[dict[SliceStatus, str]] = {
    "planned": "dim",
    "provisioned": "green",
    "claimed": "cyan",
    "done": "blue",
    "merged": "magenta",
    "removed": "dim",
    "conflicted": "red",
}
_HEADINGS: Final = (
    "slice", "status", "holder", "wave", "commits", "changes", "waits for", "worktree",
)  # fmt: skip
_ABOVE: Final = 2

_Row = Sequence[Text]


class View(Struct, frozen=True, kw_only=True):
    """Who reads the table: when, from which directory, and on how many columns.

    `here` None has every path in full, `width` None lets lines be as long as they are.
    """

    now: str
    here: str | None = None
    width: int | None = None


def format_status(report: StatusReport, view: View) -> str:
    """One line a slice: status, commits against the target, changes, what it waits for, where.

    Where that is too wide, columns that say nothing go, and then each path gets a line of its own.
    """
    rows = [tuple(_make_row(state, view)) for state in report.slices]
    head = f"{escape(report.goal_id)} · target {escape(report.target)}"
    if report.problem:
        head += f" ({report.problem})"
    gone = (_format_gone(one, view) for one in report.gone)
    is_wrong = report.problem or any(one.problem for one in report.slices)
    wrong = ["see: gitslices doctor"] if is_wrong else []
    waiting = (_format_waiting(one, view) for one in report.slices if one.waiting)
    return "\n".join([head, *_fit(rows, view.width), *waiting, *gone, *wrong]) + "\n"


def _format_waiting(state: SliceState, view: View) -> str:
    since = _shorten_time(state.waiting_since or "", view)
    what = escape(shorten_line(state.waiting or ""))
    return f"{escape(state.slice_id)} waits for a person since {since}: {what}"


def _fit(rows: Sequence[_Row], width: int | None) -> list[str]:
    """The first form of the table that is narrow enough, or else the narrowest."""
    for lines in _draw_narrower(rows):
        if width is None or all(cell_len(Text.from_ansi(line).plain) <= width for line in lines):
            break
    return lines


def _draw_narrower(rows: Sequence[_Row]) -> Iterator[list[str]]:
    columns = range(len(_HEADINGS))
    yield _draw(columns, rows)
    telling = [column for column in columns if any(row[column].plain for row in rows)]
    yield _draw(telling, rows)
    lines = _draw([column for column in telling if column != columns[-1]], rows)
    paths = [row[-1].plain for row in rows]
    below = (
        part
        for line, path in zip(lines[_ABOVE:], paths, strict=True)
        for part in (line, *([f"  {path}"] if path else []))
    )
    yield [*lines[:_ABOVE], *below]


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
    yield Text(escape(state.slice_id))
    yield Text(state.status, style=_STYLES[state.status])
    yield Text(_describe_holder(state, view))
    yield Text(str(state.wave))
    yield Text(f"+{state.ahead} -{state.behind}" if state.status != "planned" else "")
    yield _describe_changes(state)
    yield Text(", ".join(escape(id_) for id_ in state.waits_for))
    yield Text(
        _describe_worktree(state, view) if state.status not in {"planned", "removed"} else ""
    )


def _describe_holder(state: SliceState | GoneSlice, view: View) -> str:
    if state.holder is None or state.expires_at is None:
        return ""
    return f"{escape(state.holder)} until {_shorten_time(state.expires_at, view)}"


def _shorten_time(at: str, view: View) -> str:
    """A time without its day, where that is the reader's own."""
    day, _, clock = at.partition("T")
    return clock if view.now.startswith(day) else at


def _describe_changes(state: SliceState) -> Text:
    uncommitted = "uncommitted" if state.dirty else ""
    if state.problem is None:
        return Text(uncommitted)
    return Text(", ".join(filter(None, (state.problem, uncommitted))), style="red")


def _describe_worktree(state: SliceState, view: View) -> str:
    return _shorten(state.worktree_path, view) + (" (sparse)" if state.sparse else "")


def _shorten(path: str, view: View) -> str:
    """`path` from where the reader is, if that is shorter."""
    relative = os.path.relpath(path, view.here) if view.here else path
    return escape(min(path, relative, key=len))


def format_step(step: RunStep) -> str:
    """One step, in one line."""
    again = f" (attempt {step.attempt})" if step.attempt > 1 else ""
    reason = f": {escape(step.reason)}" if step.reason else ""
    return f"{escape(step.slice_id)}: {step.stage}{again}{reason}"


def format_run(report: RunReport) -> str:
    """The summary: what was merged, what was given up and why, what is left."""
    return "".join(f"{line}\n" for line in _format_lines(report))


def _format_lines(report: RunReport) -> Iterable[str]:
    for id_ in report.merged:
        yield f"merged {escape(id_)}{', no change' if id_ in report.empty else ''}"
    for problem in report.failed:
        hint = f" ({escape(problem.hint)})" if problem.hint else ""
        yield f"failed {escape(problem.place)}: {escape(problem.message)}{hint}"
    for problem in report.left:
        yield f"left {escape(problem.place)}: {escape(problem.message)}"
    yield from map(escape, report.warnings)
    if not (report.failed or report.left):
        yield "all slices are merged"
