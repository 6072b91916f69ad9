"""`gitslices ready`."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options, goal_option, probe_here

_EXAMPLES = """\b
Examples:
  gitslices ready
  gitslices ready --json
"""


@click.command(epilog=_EXAMPLES)
@goal_option
@common_options
def command(*, goal_id: str | None, directory: Path, as_json: bool) -> Outcome:
    """Show which slices could be claimed now, the most urgent first, and what the rest waits for.

    Exit 1 when none could.
    """
    from gitslices.ops.ready import ready

    report = ready(probe_here(directory), goal_id)

    def text() -> str:
        from gitslices.output.text.status import format_ready

        return format_ready(report)

    return Outcome(document=report, text=text, exit_code=0 if report.ready else 1)
