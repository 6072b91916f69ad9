"""The table that follows the work on a goal: one line a slice, wave by wave."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gitslices.core.model import BranchName, SliceId
from gitslices.ops.status import SliceState
from gitslices.output.words import escape, shorten_line
from gitslices.slices.goals import GoalSummary

_STYLES: Final = {
    "running": "cyan",
    "claimed": "cyan",
    "done": "blue",
    "merged": "magenta",
    "removed": "dim",
    "planned": "dim",
    "waiting": "dim",
    "asking": "yellow",
    "conflicted": "red",
    "failed": "red",
    "on hold": "yellow",
}


class Row(Struct, frozen=True, kw_only=True):
    """One slice: `since` says how long or until when, `line` what it last said or waits for."""

    slice_id: SliceId
    wave: int
    state: str
    since: str = ""
    line: str = ""


def make_row(state: SliceState) -> Row:
    """The line of a slice as its status has it."""
    waits = state.status in {"planned", "provisioned"} and state.waits_for
    line = f"waits for {', '.join(state.waits_for)}" if waits else ", ".join(state.conflicts)
    if state.holder:
        line = state.holder
    if state.waiting:
        line = f"waits for a person: {shorten_line(state.waiting)}"
    is_open = state.status in {"planned", "provisioned"}
    if is_open and state.on_hold is not None:
        line = shorten_line(state.on_hold)
    name = "on hold" if is_open and state.on_hold is not None else state.status
    return Row(
        slice_id=state.slice_id,
        wave=state.wave,
        state="asking" if state.waiting else "waiting" if waits else name,
        since=f"until {state.expires_at}" if state.expires_at else "",
        line=line,
    )


def draw_boards(
    goals: Sequence[GoalSummary], rows: Sequence[tuple[tuple[str, SliceId], Row]]
) -> RenderableType:
    """The table of each goal; a row comes with the goal and the slice that it is about."""
    return Group(
        *(
            _draw_board(
                goal.goal_id, goal.target, [row for id_, row in rows if id_[0] == goal.goal_id]
            )
            for goal in goals
        )
    )


def _draw_board(goal_id: str, target: BranchName, rows: Sequence[Row]) -> RenderableType:
    """The whole table, with a count of the states above it."""
    states = Counter(row.state for row in rows)
    counts = " · ".join(f"{count} {state}" for state, count in sorted(states.items()))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=True)
    for heading in ("wave", "slice", "state", "time"):
        table.add_column(heading, no_wrap=True)
    table.add_column("last line", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in sorted(rows, key=lambda row: row.wave):
        table.add_row(
            Text(str(row.wave)),
            Text(escape(row.slice_id)),
            Text(row.state, style=_STYLES.get(row.state, "")),
            Text(row.since),
            Text(escape(row.line)),
        )
    return Group(Text(f"{escape(goal_id)} · target {escape(target)} · {counts}"), table)


def format_seconds(seconds: float) -> str:
    """A span of time, to the second: `1:02:03`, `2:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
