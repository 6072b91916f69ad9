"""`gitslices status`."""

from pathlib import Path

import click

from gitslices.cli.live import make_view, watch_status
from gitslices.cli.options import Outcome, common_options, goal_option, probe_here

_EXAMPLES = """\b
Examples:
  gitslices status
  gitslices status --watch
  gitslices status --goal auth-rework --json
"""


@click.command(epilog=_EXAMPLES)
@click.option("--watch", "watches", is_flag=True, help="Show it anew whenever it changes.")
@goal_option
@common_options
def command(*, watches: bool, goal_id: str | None, directory: Path, as_json: bool) -> Outcome:
    """Show where every slice stands: its commits, its changes, what it waits for.

    With --watch it goes on until every slice has landed, or Ctrl-C.
    """
    from gitslices.ops.status import status

    if watches and as_json:
        raise click.UsageError("--json prints one document, so there is nothing to watch")
    workspace = probe_here(directory)
    if watches:
        return Outcome(document=watch_status(workspace, goal_id), text=str)
    report = status(workspace, goal_id)

    def text() -> str:
        from gitslices.output.text.status import format_status

        return format_status(report, make_view(workspace))

    return Outcome(document=report, text=text)
