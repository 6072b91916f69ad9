"""`gitslices suggest`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec import to_builtins

from gitslices.cli.options import WORKERS, Outcome, can_ask, common_options, open_here

if TYPE_CHECKING:
    from gitslices.ops.suggest import SuggestReport, TaskSuggestions

_EXAMPLES = """\b
Examples:
  gitslices suggest                          for every task that has no scope yet
  gitslices suggest --task api               what api may have forgotten
  gitslices suggest --path src/api/token.py  what changes with a file
  gitslices suggest --all --json
  gitslices suggest --write                  choose, and put it into the graph
  gitslices suggest --all --write --min 0.7  put in what is likely enough
"""

_MANY: Final = 10


@click.command(epilog=_EXAMPLES)
@click.argument("graph", required=False)
@click.option("--task", "task_ids", metavar="ID", multiple=True, help="Only this task.")
@click.option("--all", "everything", is_flag=True, help="Every task that is to be done.")
@click.option(
    "--path", "paths", metavar="FILE", multiple=True, help="What changes with FILE; no task."
)
@click.option(
    "--limit", type=WORKERS, default=_MANY, show_default=True, metavar="N", help="N files at most."
)
@click.option(
    "--min", "least", type=click.FloatRange(0, 1), metavar="P",
    help="Only what is at least so likely, 0.7 say.",
)  # fmt: skip
@click.option(
    "--write", "writes", is_flag=True, help="Add to the graph what is chosen, or --min lets pass."
)
@common_options
def command(
    *,
    graph: str | None,
    task_ids: tuple[str, ...],
    everything: bool,
    paths: tuple[str, ...],
    limit: int,
    least: float | None,
    writes: bool,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Suggest the files that a task will write, each with a percentage and the reasons.

    It goes by the words of the task, by the files that it names already, and by what has changed
    together in the history of this repository. Of 100 files with 70 % about 70 come true; the rest
    is for a person to judge. Nothing leaves the machine.

    GRAPH is found as by `plan`. Without --task and --all it is asked for tasks with no write scope.
    With --write a person chooses on a terminal; elsewhere --min must say what is likely enough.
    """
    from gitslices.ops.suggest import keep_likely
    from gitslices.output.text.suggest import format_suggestions

    if paths and (graph or task_ids or everything or writes):
        raise click.UsageError("--path is about files alone, without a graph or tasks")
    if writes and least is None and (as_json or not can_ask()):
        raise click.UsageError("--write needs --min where nobody can be asked")
    found = _ask(directory, graph, task_ids, paths, limit, everything=everything)
    report = keep_likely(found, least) if least is not None else found
    if not writes:
        return Outcome(document=report, text=lambda: format_suggestions(report))
    return _write(directory, graph, report, asks=least is None)


def _ask(
    directory: Path,
    graph: str | None,
    task_ids: tuple[str, ...],
    paths: tuple[str, ...],
    limit: int,
    *,
    everything: bool,
) -> "SuggestReport":
    from gitslices.cli.graphs import load_source
    from gitslices.ops.suggest import SuggestRequest, suggest

    workspace = open_here(directory)
    if paths:
        return suggest(workspace, SuggestRequest(paths=paths, limit=limit))
    scoped = load_source(graph, workspace.repo.worktree or directory)
    if everything:
        task_ids = tuple(task.id for task in scoped.graph.tasks if task.status != "done")
    wanted = task_ids if task_ids or everything else None
    return suggest(workspace, SuggestRequest(scoped=scoped, task_ids=wanted, limit=limit))


def _write(directory: Path, graph: str | None, report: "SuggestReport", *, asks: bool) -> Outcome:
    from gitslices.cli.graphs import locate_source
    from gitslices.ops.suggest import write_scopes
    from gitslices.output.words import count, escape

    if graph == "-":
        raise click.UsageError("--write needs a graph in a file")
    path = locate_source(directory, graph)
    name = graph or path.name
    chosen = {
        task.task_id: (*task.write_set, *more)
        for task in report.tasks
        if (more := _choose(task) if asks else tuple(one.path for one in task.suggestions))
    }
    if chosen:
        write_scopes(path, name, chosen)
    document = {**to_builtins(report), "path": str(path), "written": chosen}
    said = f"{count(len(chosen), 'task')} changed in {escape(name)}\n"
    return Outcome(document=document, text=lambda: said)


def _choose(task: "TaskSuggestions") -> tuple[str, ...]:
    """What a person takes of the suggestions for a task."""
    from gitslices.output.text.suggest import format_suggestion
    from gitslices.output.words import escape

    if not task.suggestions:
        return ()
    click.echo(click.style(escape(task.task_id), bold=True), err=True)
    for number, one in enumerate(task.suggestions, 1):
        click.echo(format_suggestion(one, number), err=True)
    while True:
        said = click.prompt("which (1,3 or 1-3; 0 for none)", default="0", err=True)
        numbers = _read_numbers(said, len(task.suggestions))
        if numbers is not None:
            return tuple(task.suggestions[number - 1].path for number in numbers)
        click.echo(f"choose from 1 to {len(task.suggestions)}, or 0", err=True)


def _read_numbers(text: str, most: int) -> list[int] | None:
    """The numbers that `1,3` or `2-4` mean, none for `0`; None where it means something else."""
    numbers: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip()):
        found = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", part)
        if found is None:
            return None
        first, last = int(found[1]), int(found[2] or found[1])
        if last > most or first > last:
            return None
        numbers.update(range(first, last + 1))
    return sorted(numbers - {0})
