"""What is in the trash, what came back out of it and what is gone, for people."""

from gitslices.ops.empty import EmptyReport
from gitslices.ops.undo import TrashReport, UndoReport
from gitslices.output.escape import escape


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
        f"brought back {escape(one.slice_id)}: {one.branch_name} at {escape(one.worktree_path)}\n"
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
