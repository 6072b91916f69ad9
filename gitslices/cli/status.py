"""`gitslices status`, `show` and `log`."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.drawing import Format, draw, find_format, write_drawn
from gitslices.cli.live import make_view, read_on_terminal, watch_status
from gitslices.cli.options import (
    EVENTS,
    Outcome,
    choose_slice,
    common_options,
    fetch_first,
    fetch_option,
    goal_option,
    goals_option,
    probe_here,
    slice_argument,
    under_way_option,
)
from gitslices.core.errors import InputError

if TYPE_CHECKING:
    from gitslices.workspace import Workspace

_STATUS_EXAMPLES = """\b
Examples:
  gitslices status
  gitslices status --watch
  gitslices status --quick --json
  gitslices status --paths --finished
  gitslices status --goal auth-rework --json
  gitslices status --full                   with the pull requests: state, checks, reviews
  gitslices status --graph                  the waves, drawn
  gitslices status -o status.html           the plan's picture with its progress
  gitslices status --format mermaid         for a pull request's comment
"""


@click.command("status", epilog=_STATUS_EXAMPLES)
@click.option("--watch", "watches", is_flag=True, help="Show it anew whenever it changes.")
@click.option("--quick", is_flag=True, help="Look at no worktree: tell no uncommitted changes.")
@click.option("--full", is_flag=True, help="Ask the forge how pull requests stand, too.")
@click.option("--paths", is_flag=True, help="Show where the worktrees are, too.")
@click.option("--finished", is_flag=True, help="Show goals that are finished or closed, too.")
@click.option("--graph", is_flag=True, help="Draw the waves, with where each slice stands.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["html", "svg", "mermaid", "dot"]),
    help="Draw the plan of one goal with its progress.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write that to FILE, in the format of its ending unless --format names one.",
)
@fetch_option
@under_way_option
@common_options
def status_command(
    *,
    fetch: bool,
    watches: bool,
    quick: bool,
    full: bool,
    paths: bool,
    finished: bool,
    graph: bool,
    format_: Format | None,
    output: Path | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Show where every slice stands: who has it, its commits and changes, what it waits for.

    Of a slice that nobody has it says whether the lease of the last one has lapsed, or the last
    attempt failed. With --watch it goes on until every slice has landed, or Ctrl-C. Where many
    slices stand, a terminal has all rows at once, and what their files tell a little later.
    """
    from gitslices.ops.status import status

    _refuse_together(
        as_json=as_json, watches=watches, quick=quick, finished=finished, named=goal_id is not None,
        graph=graph, pictured=format_ is not None or output is not None, full=full,
    )  # fmt: skip
    workspace = probe_here(directory)
    if fetch:
        fetch_first(workspace, goal_id, asked=True)
    if graph or format_ is not None or output is not None:
        return _draw_progress(workspace, goal_id, format_, output)
    if watches:
        return Outcome(document=watch_status(workspace, goal_id), text=str)
    read = partial(status, workspace, goal_id, finished=finished)
    report = (
        read(quick=quick)
        if as_json or quick or not sys.stdout.isatty()
        else read_on_terminal(workspace, read, paths=paths)
    )
    if full:
        from gitslices.ops.pulls import add_pulls

        report = add_pulls(workspace, report)

    def text() -> str:
        from gitslices.output.text.status import format_status

        return format_status(report, make_view(workspace, paths=paths))

    return Outcome(document=report, text=text)


def _refuse_together(
    *,
    as_json: bool,
    watches: bool,
    quick: bool,
    finished: bool,
    named: bool,
    graph: bool,
    pictured: bool,
    full: bool,
) -> None:
    if watches and as_json:
        raise click.UsageError("--json prints one document, so there is nothing to watch")
    if watches and quick:
        raise click.UsageError("--watch looks at the worktrees, and --quick at none")
    if full and (watches or graph or pictured):
        raise click.UsageError("--full asks the forge once, for the table: no --watch, no picture")
    if finished and (named or watches):
        raise click.UsageError("--finished is about all goals as they are: no --goal, no --watch")
    if graph and pictured:
        raise click.UsageError("--graph draws on the terminal: no --format, no --output")
    if (graph or pictured) and (as_json or watches or quick or finished):
        raise click.UsageError(
            "what is drawn is the plan as it is now: no --json, --watch, --quick or --finished"
        )


def _choose_format(format_: Format | None, output: Path | None) -> Format | None:
    """How to draw the plan; None where it is not to be drawn."""
    if format_ is not None or output is None:
        return format_
    found = find_format(output)
    if found in {"text", "json"}:
        raise click.UsageError("--output has a picture: end its name in .html, .svg, .mmd or .dot")
    return found


def _draw_progress(
    workspace: "Workspace", goal_id: str | None, format_: Format | None, output: Path | None
) -> Outcome:
    """The waves where no format is asked for, else the picture of the one goal."""
    format_ = _choose_format(format_, output)
    from gitslices.ops.progress import read_progress

    goals = read_progress(workspace, goal_id)
    if format_ is None:
        from gitslices.output.text.waves import format_waves

        view = make_view(workspace)
        return Outcome(document=goals, text=lambda: format_waves(goals, view))
    if len(goals) != 1:
        ids = ", ".join(goal.goal.goal_id for goal in goals)
        raise InputError(
            f"a picture has one goal, and {len(goals)} are under way: {ids}",
            hint="name one with --goal ID",
        )
    from gitslices.output.words import name_state

    plan = goals[0].plan
    states = {one.slice_id: name_state(one) for one in goals[0].slices}
    if output is None:
        return Outcome(document=goals, text=lambda: draw(plan, format_, states))
    said = write_drawn(plan, format_, output, states)
    return Outcome(document=goals, text=lambda: said)


_SHOW_EXAMPLES = """\b
Examples:
  gitslices show                   the slice whose worktree this is
  gitslices show api
  gitslices show api --json
"""


@click.command("show", epilog=_SHOW_EXAMPLES)
@slice_argument
@goal_option
@common_options
def show_command(
    *, slice_id: str | None, goal_id: str | None, directory: Path, as_json: bool
) -> Outcome:
    """Show everything about SLICE, or the one at hand.

    Its task, its scope in words, what it waits for and who waits for it, who has it, its gates and
    reviews, what is done in it, and why the last attempt failed.
    """
    from gitslices.ops.show import show

    workspace = probe_here(directory)
    report = show(workspace, *choose_slice(workspace, slice_id, goal_id))

    def text() -> str:
        from gitslices.output.text.leases import format_slice

        return format_slice(report)

    return Outcome(document=report, text=text)


_LOG_EXAMPLES = """\b
Examples:
  gitslices log -n 20
  gitslices log api --goal auth-rework --json
  gitslices log api --evidence
  gitslices log api --attempts
"""


@click.command("log", epilog=_LOG_EXAMPLES)
@slice_argument
@click.option("--all", "everything", is_flag=True, help="In a slice's worktree, too: of all.")
@click.option("-n", "last", type=EVENTS, metavar="N", help="Only the last N events.")
@click.option(
    "--evidence",
    is_flag=True,
    help="Show instead what speaks for SLICE: commits, holders, gates, reviews.",
)
@click.option(
    "--attempts", is_flag=True, help="Show instead who has tried SLICE, and how that ended."
)
@goals_option
@common_options
def log_command(
    *,
    slice_id: str | None,
    everything: bool,
    last: int | None,
    evidence: bool,
    attempts: bool,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Show who did what, to SLICE, to the one at hand, or to all, the newest last."""
    if attempts and evidence:
        raise click.UsageError("--attempts and --evidence exclude each other")
    if everything and (evidence or attempts or slice_id is not None):
        raise click.UsageError("--all is about no one slice")
    workspace = probe_here(directory)
    if evidence:
        return _show_evidence(workspace, *choose_slice(workspace, slice_id, goal_id))
    if attempts:
        return _show_attempts(workspace, *choose_slice(workspace, slice_id, goal_id))
    from gitslices.slices.marks import find_mark

    here = find_mark(workspace.repo.git_dir) if slice_id is None and not everything else None
    # With another goal it is that one's log that is wanted.
    if here is not None and goal_id in {None, here.goal_id}:
        slice_id, goal_id = here.slice_id, here.goal_id
    from gitslices.ops.log import LogRequest, open_log
    from gitslices.output.document import Streamed

    request = LogRequest(goal_id=goal_id, slice_id=slice_id, last=last)
    report = open_log(workspace, request)

    def text() -> Iterator[str]:
        from gitslices.output.text.evidence import format_log

        return format_log(report)

    return Outcome(document=Streamed(document={}, name="events", items=report.events), text=text)


def _show_attempts(workspace: "Workspace", slice_id: str, goal_id: str | None) -> Outcome:
    from gitslices.ops.attempts import read_attempts

    report = read_attempts(workspace, slice_id, goal_id)

    def text() -> str:
        from gitslices.output.text.evidence import format_attempts

        return format_attempts(report)

    return Outcome(document=report, text=text)


_LOGS_EXAMPLES = """\b
Examples:
  gitslices logs api
  gitslices logs api --follow
  gitslices logs api --attempt 1
"""


@click.command("logs", epilog=_LOGS_EXAMPLES)
@slice_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the attempt has ended.")
@click.option("--attempt", type=EVENTS, metavar="N", help="Which one.  [default: the last]")
@goal_option
@common_options
def logs_command(
    *,
    slice_id: str | None,
    follow: bool,
    attempt: int | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Print what the command of a run has printed for SLICE, or the one at hand.

    Colours and whatever else could steer a terminal are left out; --json names the file.
    """
    from gitslices.ops.attempts import find_logged, follow_log

    if follow and as_json:
        raise click.UsageError("--follow and --json exclude each other")
    workspace = probe_here(directory)
    logged = find_logged(workspace, *choose_slice(workspace, slice_id, goal_id), attempt)
    if not as_json:
        from gitslices.output.text.evidence import format_log_lines

        # At once, and not as a part of an answer: whoever follows waits for each line.
        for line in format_log_lines(follow_log(workspace, logged, follows=follow)):
            click.echo(line, nl=False)
    return Outcome(document=logged, text=lambda: "")


def _show_evidence(workspace: "Workspace", slice_id: str, goal_id: str | None) -> Outcome:
    from gitslices.ops.log import read_evidence

    report = read_evidence(workspace, slice_id, goal_id)

    def text() -> str:
        from gitslices.output.text.evidence import format_evidence

        return format_evidence(report)

    return Outcome(document=report, text=text)
