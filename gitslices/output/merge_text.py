"""What merges and syncs did, for people."""

from collections.abc import Iterable, Sequence

from gitslices.ops.compose import Conflicted
from gitslices.ops.merge import MergeReport
from gitslices.ops.sync import SyncReport
from gitslices.output.escape import escape
from gitslices.output.words import count, format_problem


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
    yield from _format_conflicts(report.target, report.conflicted)
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
    yield from _format_conflicts(report.target, report.conflicted)
    for problem in report.refused:
        yield format_problem("not synced", problem)
    if report.current:
        yield f"up to date: {_join(report.current)}"
    if not (report.synced or report.conflicted or report.refused or report.current):
        yield "nothing to sync"


def _format_conflicts(target: str, conflicted: Sequence[Conflicted]) -> Iterable[str]:
    for one in conflicted:
        files = count(len(one.files), "file")
        yield f"{escape(one.slice_id)}: conflicts with {escape(target)} in {files}"
        yield from (f"  {escape(path)}" for path in one.files)
    if conflicted:
        yield (
            f"resolve it in the slice's worktree (git merge {escape(target)}), then merge again; "
            "nothing was moved"
        )


def _join(ids: Iterable[str]) -> str:
    return ", ".join(escape(id_) for id_ in ids)
