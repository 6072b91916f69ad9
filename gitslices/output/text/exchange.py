"""What an import or an export did, for people."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gitslices.core.naming import list_some
from gitslices.ops.export_tasks import ExportReport
from gitslices.ops.import_tasks import ImportReport
from gitslices.output.words import count, escape

_SHOWN: Final = 5
_FEW: Final = 3


def format_import(report: ImportReport) -> str:
    """What became of the tasks, what was kept and left out, and which need a scope."""
    return "\n".join(_list_lines(report)) + "\n"


def _list_lines(report: ImportReport) -> Iterator[str]:
    name = escape(Path(report.path).name)
    changes = (
        f"{count(len(report.added), 'task')} added",
        f"{len(report.updated)} updated" if report.updated else "",
        f"{report.unchanged} as before" if report.unchanged else "",
    )
    would = "" if report.written or not (report.added or report.updated) else "would be "
    verb = "begun: " if report.is_new else ""
    yield f"{name} {would}{verb}{', '.join(filter(None, changes))} (from {escape(report.origin)})"
    if report.kept:
        fields = [f"{one.task_id} ({', '.join(one.fields)})" for one in report.kept]
        yield f"kept as written here: {_list(fields)}"
    if report.gone:
        yield f"no longer in the source, left as they are: {_list(report.gone)}"
    for one in report.left_out[:_SHOWN]:
        yield escape(f"left out: {f'{one.key}: ' if one.key else ''}{one.reason}")
    if len(report.left_out) > _SHOWN:
        yield f"left out: {len(report.left_out) - _SHOWN} more, in --json"
    if report.needs_scope:
        yield f"needs scope: {count(len(report.needs_scope), 'task')}: {_list(report.needs_scope)}"
        for task in report.suggestions[:_SHOWN]:
            paths = [f"{one.path} {one.percent}%" for one in task.suggestions[:_FEW] if one.percent]
            if paths:
                yield escape(f"  {task.task_id}: perhaps {', '.join(paths)}")
        yield "next: gitslices suggest --write, or gitslices task set ID --write PATTERN"
    else:
        yield "next: gitslices plan"


def format_export(report: ExportReport) -> str:
    """Which tasks were written, and which slices have none there."""
    name = escape(report.path)
    would = "" if report.written or not report.updated else "would be "
    lines = [
        f"{name}: {count(len(report.updated), 'task')} {would}updated, {report.unchanged} as before"
    ]
    if report.missing:
        lines.append(f"not in it: {_list(report.missing)}")
    return "\n".join(lines) + "\n"


def _list(names: Sequence[str]) -> str:
    return escape(list_some([str(name) for name in names], _SHOWN))
