"""What the doctor found, for people."""

from collections.abc import Iterable

from gitslices.ops.doctor.doctor import DoctorReport
from gitslices.ops.doctor.finding import Finding
from gitslices.output.escape import escape


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
