"""Work followed on a terminal: a progress bar, a table of the goal; plain text elsewhere."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from gitslices.cli.options import is_terminal
from gitslices.provisioning.wanted import OnProgress, Progress

_STAGES = {"register": "registering worktrees", "fill": "writing files"}


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[OnProgress]:
    """A callback that draws a bar while the block runs, and nothing without a terminal."""
    if quiet or not is_terminal():
        yield _ignore_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {
            stage: bar.add_task(text, total=None, visible=False) for stage, text in _STAGES.items()
        }

        def draw(progress: Progress) -> None:
            bar.update(
                tasks[progress.stage], completed=progress.done, total=progress.total, visible=True
            )

        yield draw


def _ignore_progress(progress: Progress) -> None:
    """Nobody watches."""


if TYPE_CHECKING:
    from rich.console import RenderableType

    from gitslices.core.model import SliceId
    from gitslices.ops.crew import OnStep, RunStep
    from gitslices.ops.status import SliceState, StatusReport
    from gitslices.output.text.live import Row
    from gitslices.output.text.status import View
    from gitslices.workspace import Workspace

_PER_SECOND = 4


@contextmanager
def show_run(workspace: "Workspace", goal_id: str | None, *, quiet: bool) -> "Iterator[OnStep]":
    """A callback that shows each step of a run on standard error while the block lasts."""
    if quiet:
        yield _ignore
    elif is_terminal():
        with _draw_run(workspace, goal_id) as on_step:
            yield on_step
    else:
        yield _print


@contextmanager
def _draw_run(workspace: "Workspace", goal_id: str | None) -> "Iterator[OnStep]":
    from rich.console import Console
    from rich.live import Live

    from gitslices.ops.status import status
    from gitslices.output.text.live import draw_boards, make_row

    report = status(workspace, goal_id)
    rows = {(one.goal_id, one.slice_id): make_row(one) for one in report.slices}
    steps: dict[tuple[str, SliceId], tuple[RunStep, float]] = {}
    # The workers' threads report, the one of `Live` draws.
    guard = threading.Lock()

    def on_step(step: "RunStep") -> None:
        with guard:
            steps[step.goal_id, step.slice_id] = (step, time.monotonic())

    def draw() -> "RenderableType":
        with guard:
            shown = [(id_, _update(row, steps.get(id_))) for id_, row in rows.items()]
        return draw_boards(report.goals, shown)

    console = Console(stderr=True)
    # Drawn from a function: times and last lines go on between two steps.
    with Live(get_renderable=draw, console=console, refresh_per_second=_PER_SECOND):
        yield on_step


def _update(row: "Row", latest: "tuple[RunStep, float] | None") -> "Row":
    from gitslices.output.text.live import format_seconds
    from gitslices.system.shell import read_last_line

    if latest is None:
        return row
    step, since = latest
    running = step.stage in {"started", "going on"}
    return structs.replace(
        row,
        state="running" if running else step.stage,
        since=format_seconds(time.monotonic() - since) if running else "",
        line=read_last_line(Path(step.log)) if running else step.reason,
    )


def _print(step: "RunStep") -> None:
    from gitslices.output.text.status import format_step

    click.echo(format_step(step), err=True)


def _ignore(step: "RunStep") -> None:
    """Nobody watches."""


def watch_status(workspace: "Workspace", goal_id: str | None) -> "StatusReport":
    """Show the status anew whenever it changes, until every slice has landed; return the last."""
    from gitslices.ops.status_watch import watch

    reports = watch(workspace, goal_id)
    if sys.stdout.isatty():
        return _draw_status(workspace, reports)
    from gitslices.output.text.status import format_status

    for report in reports:
        click.echo(format_status(report, make_view(workspace)), color=False)
    return report


def read_on_terminal(
    workspace: "Workspace", read: Callable[..., "StatusReport"], *, paths: bool
) -> "StatusReport":
    """The status; where many slices stand, what needs no files is shown until the rest is known."""
    from gitslices.ops.status import has_many

    if not has_many(workspace):
        return read()
    from rich.live import Live
    from rich.text import Text

    from gitslices.output.text.status import format_status

    view = make_view(workspace, paths=paths)
    shown = Text.from_ansi(format_status(read(quick=True), view), no_wrap=True, end="")
    # It goes when the whole table comes in its place.
    with Live(shown, auto_refresh=False, transient=True) as live:
        live.refresh()
        return read()


def make_view(workspace: "Workspace", *, paths: bool = False) -> "View":
    """How the status table is to be read: now, from the current directory, on this terminal."""
    from gitslices.output.text.status import View

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return View(now=workspace.now(), here=_find_here(), width=width, paths=paths)


def _find_here() -> str | None:
    """The current directory, where `..` means to a shell what it means to the system.

    Beyond a symbolic link a shell takes `cd ..` for the folder that holds the link.
    """
    named = os.environ.get("PWD", "")
    with suppress(OSError):
        here = str(Path.cwd())
        linked = named != here and Path(named).is_absolute() and Path(named).samefile(here)
        return None if linked else here
    return None


def _draw_status(workspace: "Workspace", reports: "Iterator[StatusReport]") -> "StatusReport":
    from rich.live import Live

    from gitslices.output.text.live import draw_boards, make_row

    with Live(auto_refresh=False) as live:
        for report in reports:
            rows = [
                ((one.goal_id, one.slice_id), _add_output(workspace, make_row(one), one))
                for one in report.slices
            ]
            live.update(draw_boards(report.goals, rows), refresh=True)
    return report


def _add_output(workspace: "Workspace", row: "Row", state: "SliceState") -> "Row":
    from gitslices.system.shell import read_last_line

    log = workspace.state_folder / "logs" / Path(state.worktree_path).name / "run.log"
    if state.status != "claimed" or not log.exists():
        return row
    return structs.replace(row, line=f"{row.line}: {read_last_line(log)}")
