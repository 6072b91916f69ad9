"""What doctor found, and which commands wait for approval."""

from collections.abc import Iterable, Sequence

from gitslices.ops.doctor.doctor import DoctorReport
from gitslices.ops.doctor.finding import Finding
from gitslices.output.words import count, escape
from gitslices.state.trust import Approval


def format_findings(report: DoctorReport) -> str:
    """A paragraph a finding, and whether anything is left to repair."""
    if not report.findings:
        return "nothing is wrong\n"
    lines = [line for finding in report.findings for line in _format_finding(finding)]
    left = sum(1 for finding in report.findings if finding.fix and not finding.fixed)
    if left:
        lines.append(f"{left} of {len(report.findings)} can be repaired: gitslices doctor --fix")
    return "".join(f"{line}\n" for line in lines)


def _format_finding(finding: Finding) -> Iterable[str]:
    verb = "repaired" if finding.fixed else finding.check
    yield f"{verb}: {escape(finding.thing)}: {escape(finding.problem)}"
    yield f"  why it matters: {escape(finding.why)}"
    if finding.fix:
        yield f"  {'done' if finding.fixed else 'fix'}: {escape(finding.fix)}"
    if finding.hint and not finding.fixed:
        yield f"  hint: {escape(finding.hint)}"


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
