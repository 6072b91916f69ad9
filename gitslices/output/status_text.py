"""The status table."""

import io
from collections.abc import Iterable
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gitslices.model import SliceStatus
from gitslices.ops.status import GoneSlice, SliceState, StatusReport
from gitslices.output.escape import escape

_STYLES: Final[dict[SliceStatus, str]] = {
    "planned": "dim",
    "provisioned": "green",
    "claimed": "cyan",
    "done": "blue",
    "merged": "magenta",
    "removed": "dim",
    "conflicted": "red",
}


def format_status(report: StatusReport) -> str:
    """One line a slice: status, commits against the target, changes, what it waits for, where."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in (
        "slice",
        "status",
        "holder",
        "wave",
        "commits",
        "changes",
        "waits for",
        "worktree",
    ):
        table.add_column(heading, no_wrap=True, overflow="ignore")
    for state in report.slices:
        table.add_row(*_make_row(state))
    out = io.StringIO()
    # Wide enough never to wrap: a path cut in two is no use to anybody.
    console = Console(file=out, width=10_000, force_terminal=True, color_system="standard")
    console.print(table)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    head = f"{escape(report.goal_id)} · target {escape(report.target)}"
    gone = (_format_gone(one) for one in report.gone)
    return "\n".join([head, *lines, *gone]) + "\n"


def _format_gone(gone: GoneSlice) -> str:
    held = f", held by {escape(gone.holder)} until {gone.expires_at}" if gone.holder else ""
    return f"no longer planned: {escape(gone.slice_id)}{held}, at {escape(gone.worktree_path)}"


def _make_row(state: SliceState) -> Iterable[Text]:
    yield Text(escape(state.slice_id))
    yield Text(state.status, style=_STYLES[state.status])
    yield Text(f"{escape(state.holder)} until {state.expires_at}" if state.holder else "")
    yield Text(str(state.wave))
    yield Text(f"+{state.ahead} -{state.behind}" if state.status != "planned" else "")
    yield Text("uncommitted" if state.dirty else "")
    yield Text(", ".join(escape(id_) for id_ in state.waits_for))
    yield Text(_describe_worktree(state) if state.status not in {"planned", "removed"} else "")


def _describe_worktree(state: SliceState) -> str:
    return escape(state.worktree_path) + (" (sparse)" if state.sparse else "")
