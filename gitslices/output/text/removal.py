"""What was removed, kept and brought back, for people."""

from collections.abc import Iterable

from gitslices.ops.prune import PruneReport
from gitslices.ops.purge import EmptyReport
from gitslices.ops.undo import TrashReport, UndoReport
from gitslices.output.words import escape


def format_pruned(report: PruneReport, *, dry_run: bool) -> str:
    """One line a slice: removed, or kept and why."""
    return "".join(f"{line}\n" for line in _format_lines(report, dry_run))


def _format_lines(report: PruneReport, dry_run: bool) -> Iterable[str]:
    verb = "would remove" if dry_run else "removed"
    for one in report.removed:
        yield f"{verb} {escape(one.slice_id)}: {escape(one.reason)}"
    for problem in report.refused:
        hint = f" ({problem.hint})" if problem.hint else ""
        yield f"kept {escape(problem.place)}: {escape(problem.message)}{escape(hint)}"
    if not report.removed and not report.refused:
        yield "nothing to remove"


def format_trash(report: TrashReport) -> str:
    """One line a slice that can be brought back."""
    return (
        "".join(
            f"{escape(one.slice_id)} of {escape(one.goal_id)}: removed {one.removed_at}, "
            f"kept until {one.expires_at}\n"
            for one in report.trash
        )
        or "the trash is empty\n"
    )


def format_undone(report: UndoReport) -> str:
    """One line a slice: where it is again."""
    return "".join(
        f"brought back {escape(one.slice_id)}: {escape(one.branch_name)} "
        f"at {escape(one.worktree_path)}\n"
        for one in report.restored
    )


def format_emptied(report: EmptyReport, *, dry_run: bool) -> str:
    """One line a slice that was deleted for good."""
    verb = "would delete" if dry_run else "deleted"
    return (
        "".join(
            f"{verb} {escape(one.slice_id)} of {escape(one.goal_id)}, removed {one.removed_at}\n"
            for one in report.emptied
        )
        or "nothing in the trash is 14 days old\n"
    )
