"""What was merged, moved or would conflict, for people."""

import io
import shlex
from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from gitslices.core.errors import suggest
from gitslices.merging.begin import BegunMerge
from gitslices.merging.build import Conflicted
from gitslices.ops.conflicts import ConflictsReport
from gitslices.ops.fetch import FetchedGoal, FetchReport
from gitslices.ops.merge import MergeReport
from gitslices.ops.sync import SyncReport
from gitslices.output.words import count, escape, format_problem, join_goals


def format_fetched(report: FetchReport) -> str:
    """What has come, a part for each goal: the target, what landed in it, what moved with it."""
    return join_goals([(one.goal_id, _join_lines(_format_fetch(one))) for one in report.goals])


def _format_fetch(goal: FetchedGoal) -> Iterable[str]:
    there = escape(goal.remote_branch)
    if goal.old == goal.new:
        yield f"{there} is at {goal.new[:10]}, as before"
    else:
        yield f"{there} is at {goal.new[:10]} now"
    if goal.followed:
        yield f"{escape(goal.followed)} was brought forward to it"
    for one in goal.landed:
        commit = one.landed.commit if one.landed else None
        yield f"landed: {escape(one.slice_id)}" + (f" as {commit[:10]}" if commit else "")
    if goal.forwarded:
        yield f"brought forward: {_join(goal.forwarded)}"
    if goal.retargeted:
        yield f"pull requests put onto {there}: {_join(goal.retargeted)}"
    for warning in goal.warnings:
        yield f"warning: {escape(warning)}"


def _join_lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def format_merged(report: MergeReport) -> str:
    """One line a slice: merged, in conflict with its files, or not tried and why."""
    return "".join(f"{line}\n" for line in _format_merge(report))


def format_synced(report: SyncReport) -> str:
    """One line a slice: moved, in conflict with its files, left alone and why, or current."""
    return "".join(f"{line}\n" for line in _format_sync(report))


def _format_merge(report: MergeReport) -> Iterable[str]:
    target = escape(report.target)
    for one in report.merged:
        end = ": it had nothing new" if one.empty is True else f" as {one.commit[:10]}"
        yield f"merged {escape(one.slice_id)} into {target}{end}"
    yield from _format_conflicts(report, report.conflicted)
    for problem in report.refused:
        yield format_problem("not merged", problem)
    if report.forwarded:
        yield f"brought forward: {_join(report.forwarded)}"
    for warning in report.warnings:
        yield f"warning: {escape(warning)}"
    if not (report.merged or report.conflicted or report.refused):
        yield "nothing to merge"


def _format_sync(report: SyncReport) -> Iterable[str]:
    for one in report.synced:
        yield f"synced {escape(one.slice_id)} with {escape(report.target)}: now at {one.new[:10]}"
    yield from _format_conflicts(report, report.conflicted)
    for begun in report.begun:
        yield from _format_begun(report.target, begun)
    for problem in report.refused:
        yield format_problem("not synced", problem)
    if report.current:
        yield f"up to date: {_join(report.current)}"
    for warning in report.warnings:
        yield f"warning: {escape(warning)}"
    told = (report.synced, report.conflicted, report.begun, report.refused, report.current)
    if not any(told):
        yield "nothing to sync"


def _format_conflicts(
    report: MergeReport | SyncReport, conflicted: Sequence[Conflicted]
) -> Iterable[str]:
    for one in conflicted:
        files = count(len(one.files), "file")
        yield f"{escape(one.slice_id)}: conflicts with {escape(report.target)} in {files}"
        yield from (f"  {escape(path)}" for path in one.files)
        begin = suggest("sync", one.slice_id, "--resolve", goal_id=report.goal_id)
        yield f"nothing was moved; to resolve it, begin the merge in its worktree: {escape(begin)}"


def _format_begun(target: str, begun: BegunMerge) -> Iterable[str]:
    id_, files = escape(begun.slice_id), count(len(begun.files), "file")
    yield f"{id_}: the merge of {escape(target)} is under way, {files} to resolve"
    yield from (f"  {escape(path)}" for path in begun.files)
    yield from (f"  {escape(path)}: the lines of both sides" for path in begun.joined)
    yield f"go there with: cd {escape(shlex.quote(begun.worktree_path))}"
    yield "conclude it with: git add FILE..., git commit; or take it back with: git merge --abort"


def _join(ids: Iterable[str]) -> str:
    return ", ".join(escape(id_) for id_ in ids)


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
