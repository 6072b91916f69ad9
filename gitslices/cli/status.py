"""`gitslices status`."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options, goal_option, open_here

_EXAMPLES = """\b
Examples:
  gitslices status
  gitslices status --goal auth-rework --json
"""


@click.command(epilog=_EXAMPLES)
@goal_option
@common_options
def command(*, goal_id: str | None, directory: Path, as_json: bool) -> Outcome:
    """Show where every slice stands: its commits, its changes, what it waits for."""
    from gitslices.ops.status import status

    report = status(open_here(directory), goal_id)

    def text() -> str:
        from gitslices.output.status_text import format_status

        return format_status(report)

    return Outcome(document=report, text=text)
