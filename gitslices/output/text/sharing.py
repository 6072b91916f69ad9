"""Goals that clones share, for people."""

from gitslices.ops.share import LeaveReport, PublishedGoal, ShareReport
from gitslices.output.words import count, escape


def format_shared(report: ShareReport) -> str:
    """Where goals are shared, and which they are."""
    goals = ", ".join(map(escape, report.goals)) or "no goal"
    return (
        f"shared on {escape(report.remote)}, in {escape(report.ref)}: {goals}\n"
        f"the others call this clone {escape(report.clone)}\n"
    )


def format_left(report: LeaveReport) -> str:
    """What was left, and what stays."""
    kept = f"{count(len(report.goals), 'goal')} stay here" if report.goals else "no goal stays here"
    return f"{escape(report.remote)}: left {escape(report.ref)}; {kept}\n"


def format_preview(report: PublishedGoal) -> str:
    """What would be published, a file a line, and what would not."""
    files = "".join(f"  {escape(path)}  {size} bytes\n" for path, size in report.files.items())
    return (
        f"would be pushed to {escape(report.remote)}, {escape(report.ref)}:\n{files}"
        "  later, for slices that are worked on: status, holder, commits, gates, reviews, notes\n"
        "no path of this machine, nothing of its environment, and no output of commands is in it\n"
    )
