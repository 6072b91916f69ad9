"""Suggested files for people."""

from collections.abc import Iterable, Iterator

import click

from gitslices.history.ranking import Suggestion
from gitslices.ops.suggest import SuggestReport, TaskSuggestions
from gitslices.output.words import count, escape


def format_suggestions(report: SuggestReport) -> str:
    """The text of `gitslices suggest`: a list for each task, best first."""
    lines = [_format_history(report)]
    for task in report.tasks:
        lines += ["", *_format_task(task)]
    if not report.tasks and not report.suggestions:
        lines += ["every task has a write scope; see what may be missing: gitslices suggest --all"]
    elif not report.tasks:
        lines += ["", *_format_list(report.suggestions), *_format_directories(report.directories)]
    return "\n".join(lines) + "\n"


def _format_history(report: SuggestReport) -> str:
    history = report.history
    said = f"from {count(history.changes, 'change')} of {count(history.commits, 'commit')}"
    return "; ".join((said, *map(escape, history.notes)))


def _format_task(task: TaskSuggestions) -> Iterator[str]:
    has = f"writes {', '.join(map(escape, task.write_set))}" if task.write_set else "needs a scope"
    yield f"{click.style(escape(task.task_id), bold=True)}  {has}"
    yield from _format_list(task.suggestions)
    yield from _format_directories(task.directories)


def _format_list(suggestions: Iterable[Suggestion]) -> Iterator[str]:
    lines = [format_suggestion(one) for one in suggestions]
    yield from lines or ["  nothing points to any file"]


def format_suggestion(one: Suggestion, number: int | None = None) -> str:
    """One line: how likely it is, the path, and the first reasons."""
    label = f"{number:>3}  " if number else "  "
    percent = "    " if one.percent is None else f"{one.percent:>3}%"
    return f"{label}{percent}  {escape(one.path)}  ({escape('; '.join(one.reasons[:2]))})"


def _format_directories(directories: Iterable[Suggestion]) -> Iterator[str]:
    said = ", ".join(f"{escape(one.path)} {one.percent}%" for one in directories)
    if said:
        yield f"  for a new file: {said}"
