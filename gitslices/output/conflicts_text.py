"""Conflicts between slices: a matrix of how many files, then the files."""

import io
from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from gitslices.ops.conflicts import ConflictsReport
from gitslices.output.escape import escape
from gitslices.output.words import count, format_problem

_WIDEST: Final = 20
"""A matrix of more slices than this fits no terminal."""


def format_conflicts(report: ConflictsReport) -> str:
    """A matrix of the slices in conflict, as long as it can be read, and the files beneath it."""
    return "".join(f"{line}\n" for line in _format_lines(report))


def _format_lines(report: ConflictsReport) -> Iterable[str]:
    under_way = count(len(report.slices), "slice")
    yield from (format_problem("not compared", problem) for problem in report.refused)
    if not report.conflicts:
        yield f"no conflicts: {under_way} with work, target {escape(report.target)}"
        return
    involved = {name for one in report.conflicts for name in (one.slice_id, one.other)}
    slices = [id_ for id_ in report.slices if id_ in involved]
    if len(slices) <= _WIDEST:
        yield from _draw_matrix(report, slices)
        yield ""
    for one in report.conflicts:
        yield f"{escape(one.slice_id)} and {escape(one.other)}"
        yield from (f"  {escape(path)}" for path in one.files)


def _draw_matrix(report: ConflictsReport, slices: Sequence[str]) -> Iterable[str]:
    counts: dict[tuple[str, str], int] = {
        (one.slice_id, one.other): len(one.files) for one in report.conflicts
    }
    counts |= {(other, one): count for (one, other), count in counts.items()}
    columns: list[str] = [report.target, *slices]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("files", *map(escape, columns)):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "files" else "right")
    for row in slices:
        cells = [str(counts.get((row, column), "·")) for column in columns]
        table.add_row(escape(row), *cells)
    out = io.StringIO()
    Console(file=out, width=10_000).print(table, markup=False)
    yield from (line.rstrip() for line in out.getvalue().splitlines())
