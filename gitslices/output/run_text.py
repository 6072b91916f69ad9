"""The steps of a run as plain lines, and what came of it."""

from collections.abc import Iterable

from gitslices.ops.crew import RunStep
from gitslices.ops.run import RunReport
from gitslices.output.escape import escape


def format_step(step: RunStep) -> str:
    """One step, in one line."""
    again = f" (attempt {step.attempt})" if step.attempt > 1 else ""
    reason = f": {escape(step.reason)}" if step.reason else ""
    return f"{escape(step.slice_id)}: {step.stage}{again}{reason}"


def format_run(report: RunReport) -> str:
    """The summary: what was merged, what was given up and why, what is left."""
    return "".join(f"{line}\n" for line in _format_lines(report))


def _format_lines(report: RunReport) -> Iterable[str]:
    for id_ in report.merged:
        yield f"merged {escape(id_)}"
    for problem in report.failed:
        hint = f" ({escape(problem.hint)})" if problem.hint else ""
        yield f"failed {escape(problem.place)}: {escape(problem.message)}{hint}"
    for problem in report.left:
        yield f"left {escape(problem.place)}: {escape(problem.message)}"
    if not (report.failed or report.left):
        yield "all slices are merged"
