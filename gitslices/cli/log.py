"""`gitslices log`."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options, goal_option, open_here

_EXAMPLES = """\b
Examples:
  gitslices log -n 20
  gitslices log api --goal auth-rework --json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("slice_id", metavar="[SLICE]", required=False)
@click.option("-n", "last", type=click.IntRange(min=1), metavar="N", help="Only the last N events.")
@goal_option
@common_options
def command(
    *,
    slice_id: str | None,
    last: int | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Show who did what, to SLICE or to all, the newest last."""
    from gitslices.ops.log import LogRequest, read_log

    request = LogRequest(goal_id=goal_id, slice_id=slice_id, last=last)
    report = read_log(open_here(directory), request)

    def text() -> str:
        from gitslices.output.log_text import format_log

        return format_log(report)

    return Outcome(document=report, text=text)
