"""Gates, for people."""

from gitslices.ops.gates import GatesReport, GateStanding
from gitslices.output.escape import escape
from gitslices.suggestion import suggest


def format_gates(report: GatesReport) -> str:
    """One line a gate: how it stands, and on which commit."""
    if not report.gates:
        return "no slice is claimed or done\n"
    width = max(len(escape(one.slice_id)) for one in report.gates)
    return "".join(
        f"{escape(one.slice_id).ljust(width)}  {one.gate}: {_describe(report.goal_id, one)}\n"
        for one in report.gates
    )


def _describe(goal_id: str, standing: GateStanding) -> str:
    run = standing.run
    if standing.reason:
        see = f"; see {escape(run.log)}" if run and run.log else ""
        return escape(standing.reason) + see
    if run is None:
        record = suggest(
            "gate", "pass", standing.slice_id, standing.gate, "--by", "NAME", goal_id=goal_id
        )
        return f"no command; record it with: {escape(record)}"
    by = f" by {escape(run.passed_by)}" if run.passed_by else ""
    return f"passed{by} on {run.commit[:10]}"
