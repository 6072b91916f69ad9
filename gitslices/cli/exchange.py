"""`gitslices import` and `export`: other tools' tasks, and how far they are."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gitslices.cli.options import (
    Outcome,
    common_options,
    goal_option,
    make_absolute,
    open_here,
    probe_here,
)
from gitslices.git.environment import get_cwd

if TYPE_CHECKING:
    from gitslices.importing.formats import ImportSource
    from gitslices.workspace import Workspace


_FORMATS: Final = (
    "taskmaster", "beads", "speckit", "openspec", "kiro", "github", "linear", "claude-tasks", "omk",
    "markdown",
)  # fmt: skip
"""Those of `importing.formats`, which only an import has to load."""

_IMPORT_EXAMPLES = """\b
Examples:
  gitslices import taskmaster                   .taskmaster/tasks/tasks.json, its current tag
  gitslices import speckit specs/003-login      the tasks.md of that folder
  gitslices import github                       open issues, as gh lists them
  bd list --json | gitslices import beads -     standard input
  gitslices import markdown TODO.md --dry-run   show what would become of it
"""


@click.command("import", epilog=_IMPORT_EXAMPLES)
@click.argument("format_", metavar="FORMAT", type=click.Choice(_FORMATS))
@click.argument("source", required=False)
@click.option(
    "--into", metavar="FILE", help="The graph.  [default: the one at the root, else gitslices.toml]"
)
@click.option("--tag", metavar="TAG", help="taskmaster: the tag.  [default: the current one]")
@click.option(
    "--subtasks", is_flag=True, help="taskmaster, markdown: make subtasks tasks of their own."
)
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@common_options
def import_command(
    *,
    format_: str,
    source: str | None,
    into: str | None,
    tag: str | None,
    subtasks: bool,
    dry_run: bool,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Put the tasks of another tool into the graph file, or bring them up to date there.

    FORMAT is taskmaster, beads, speckit, openspec, kiro, github, linear, claude-tasks, omk or
    markdown. SOURCE is a file or folder, `-` standard input; without it the place where the tool
    keeps its tasks.

    Importing again changes what the tool has changed. Scopes and all else that somebody wrote into
    the graph stay. A task that names no files gets no scope, and no slice until it has one.
    """
    from gitslices.git.discovery import find_top
    from gitslices.ops.import_tasks import ImportRequest, add_suggestions, import_tasks

    wanted = make_source(directory, source, tag=tag, subtasks=subtasks)
    target = None if into is None else get_cwd() / into
    report = import_tasks(
        ImportRequest(format=format_, wanted=wanted, into=target, dry_run=dry_run)
    )
    if report.needs_scope and find_top(make_absolute(directory)):
        report = add_suggestions(open_here(directory), report)

    def text() -> str:
        from gitslices.output.text.exchange import format_import

        return format_import(report)

    return Outcome(document=report, text=text)


def make_source(
    directory: Path, source: str | None, *, tag: str | None = None, subtasks: bool = False
) -> "ImportSource":
    """What the words of a command line mean, from the place that it was given at."""
    from gitslices.git.discovery import find_top
    from gitslices.importing.formats import ImportSource

    here = make_absolute(directory)
    return ImportSource(
        source=source,
        stream=sys.stdin.buffer,
        root=find_top(here) or here,
        cwd=get_cwd(),
        home=Path("~").expanduser(),
        tag=tag,
        subtasks=subtasks,
    )


def record_into(workspace: "Workspace", path: Path, goal_id: str) -> None:
    """Write how far the slices are into the tasks of a graph file."""
    from gitslices.ops.export_tasks import ExportRequest, export_tasks

    target = make_source(workspace.repo.worktree or path.parent, str(path))
    export_tasks(workspace, ExportRequest(format="omk", target=target, goal_id=goal_id))


_EXPORT_EXAMPLES = """\b
Examples:
  gitslices export omk                        task_graph.json at the root
  gitslices export beads .beads/issues.jsonl  then: bd import
  gitslices export claude-tasks SESSION       ~/.claude/tasks/SESSION
"""


@click.command("export", epilog=_EXPORT_EXAMPLES)
@click.argument("format_", metavar="FORMAT", type=click.Choice(("omk", "claude-tasks", "beads")))
@click.argument("file", required=False)
@goal_option
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@common_options
def export_command(
    *,
    format_: str,
    file: str | None,
    goal_id: str | None,
    dry_run: bool,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Write how far slices are into the tasks of the tool that they came from.

    FORMAT is omk, claude-tasks or beads. FILE is what to write into; without it the place where the
    tool keeps its tasks. A task gets status, branch, worktree, gates and reviews in that tool's own
    fields. Tasks are found by what they were imported from, else by their ids; all else in the file
    stays as it is.
    """
    from gitslices.ops.export_tasks import ExportRequest, export_tasks

    report = export_tasks(
        probe_here(directory),
        ExportRequest(
            format=format_,
            target=make_source(directory, file),
            goal_id=goal_id,
            dry_run=dry_run,
        ),
    )

    def text() -> str:
        from gitslices.output.text.exchange import format_export

        return format_export(report)

    return Outcome(document=report, text=text)
