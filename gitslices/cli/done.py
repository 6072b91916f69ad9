"""`gitslices done`."""

from pathlib import Path

import click

from gitslices.cli.lease_options import token_option
from gitslices.cli.options import Outcome, common_options, goal_option, probe_here
from gitslices.core.model import SliceId

_EXAMPLES = """\b
Examples:
  gitslices done api --token 7
"""


@click.command(epilog=_EXAMPLES)
@click.argument("slice_id", metavar="SLICE")
@token_option(required=True)
@goal_option
@common_options
def command(
    *, slice_id: str, token: int, goal_id: str | None, directory: Path, as_json: bool
) -> Outcome:
    """Say that SLICE is finished, and end its lease.

    Refuses while there are uncommitted files. Gates that have a command in .gitslices/config.toml
    and have not passed on this commit are run first; if one fails, the slice stays claimed.
    """
    from gitslices.ops.done import DoneRequest, done
    from gitslices.output.words import escape

    request = DoneRequest(slice_id=SliceId(slice_id), token=token, goal_id=goal_id)
    report = done(probe_here(directory), request)
    note = ", with no commit to merge" if report.empty is True else ""
    return Outcome(
        document=report,
        text=lambda: f"{escape(report.slice_id)}: done at {report.commit[:10]}{note}\n",
    )
