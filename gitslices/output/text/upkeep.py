"""What was removed, kept and brought back; what doctor found; which commands wait for approval."""

from collections.abc import Iterable, Sequence

from gitslices.ops.doctor.doctor import DoctorReport
from gitslices.ops.doctor.finding import Finding
from gitslices.ops.removal import PruneReport, TrashReport, UndoReport
from gitslices.ops.reopen import ReopenReport
from gitslices.ops.upkeep import EmptyReport
from gitslices.output.words import count, escape
from gitslices.state.trust import Approval


def format_pruned(report: PruneReport, *, dry_run: bool) -> str:
    """One line a slice: removed, or kept and why."""
    return "".join(f"{line}\n" for line in _format_lines(report, dry_run))


def _format_lines(report: PruneReport, dry_run: bool) -> Iterable[str]:
    verb = "would remove" if dry_run else "removed"
    several = len({one.goal_id for one in report.removed}) > 1
    for one in report.removed:
        of = f" of {escape(one.goal_id)}" if several else ""
        yield f"{verb} {escape(one.slice_id)}{of}: {escape(one.reason)}"
        yield f"  branch {escape(one.branch_name)}, worktree {escape(one.worktree_path)}"
    if report.removed and not dry_run:
        yield "bring it back with: gitslices undo"
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


def format_reopened(report: ReopenReport) -> str:
    """What the slice was, what it is now, and how its former commits come back."""
    id_ = escape(report.slice_id)
    lines = [f"{id_}: {report.status} again, it was {report.former_status}"]
    if report.former is not None:
        base, tip = report.former.base[:10], report.former.tip[:10]
        lines.append(f"its former commits, where they are wanted: git cherry-pick {base}..{tip}")
    return "".join(f"{line}\n" for line in lines)


def format_emptied(report: EmptyReport, *, dry_run: bool) -> str:
    """One line a slice that was deleted for good."""
    if report.background:
        return "what is 14 days old in the trash is being deleted, in the background\n"
    verb = "would delete" if dry_run else "deleted"
    return (
        "".join(
            f"{verb} {escape(one.slice_id)} of {escape(one.goal_id)}, removed {one.removed_at}\n"
            for one in report.emptied
        )
        or "nothing in the trash is 14 days old\n"
    )


def format_findings(report: DoctorReport) -> str:
    """A paragraph a finding, and how many there are, and are left to repair."""
    if not report.findings:
        return "nothing is wrong\n"
    lines = [line for finding in report.findings for line in _format_finding(finding)]
    open_ = [finding for finding in report.findings if not finding.fixed]
    fixable = sum(1 for finding in open_ if finding.fix)
    repaired = len(report.findings) - len(open_)
    parts = [count(len(report.findings), "finding")]
    parts += [f"{repaired} repaired"] if repaired else []
    parts += [f"{fixable} can be repaired: gitslices doctor --fix"] if fixable else []
    return "".join(f"{line}\n" for line in (*lines, ", ".join(parts)))


def _format_finding(finding: Finding) -> Iterable[str]:
    what = f"{escape(finding.thing)}: {escape(finding.problem)} [{finding.check}]"
    yield f"repaired: {what}" if finding.fixed else what
    if finding.fixed:
        if finding.fix:
            yield f"  done: {escape(finding.fix)}"
        return
    yield f"  why it matters: {escape(finding.why)}"
    if finding.fix:
        yield f"  doctor --fix will: {escape(finding.fix)}"
    if finding.hint:
        yield f"  by hand: {escape(finding.hint)}"


def format_question(missing: Sequence[str]) -> str:
    """The texts to be approved, each as it would be run."""
    head = f"{count(len(missing), 'command')} of this repository would run with full rights:\n"
    return head + _list(missing)


def format_missing(missing: Sequence[str]) -> str:
    """What may not run, and how to let it."""
    return f"not approved, so not run:\n{_list(missing)}approve with: gitslices trust --yes\n"


def format_approvals(approvals: Sequence[Approval]) -> str:
    """One line an approval, with its time."""
    lines = [f"{one.approved_at}  {escape(one.text)}\n" for one in approvals]
    return "".join(lines) or "nothing is approved here\n"


def _list(texts: Sequence[str]) -> str:
    return "".join(f"  {escape(text)}\n" for text in texts)
