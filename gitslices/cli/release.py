"""`gitslices release`."""

from pathlib import Path

import click

from gitslices.cli.lease_options import token_option
from gitslices.cli.options import Outcome, common_options, goal_option, probe_here
from gitslices.core.model import SliceId

_EXAMPLES = """\b
Examples:
  gitslices release api --token 7
  gitslices release api --force       whoever has it
"""


@click.command(epilog=_EXAMPLES)
@click.argument("slice_id", metavar="SLICE")
@token_option()
@click.option("--force", is_flag=True, help="Whoever has it, and even when it is done.")
@goal_option
@common_options
def command(
    *,
    slice_id: str,
    token: int | None,
    force: bool,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Give SLICE back: it can be claimed again, and the work in it is kept.

    With --force from whoever has it, or to work again on a slice that is done but not merged.
    """
    from gitslices.ops.leases import ReleaseRequest, release
    from gitslices.output.words import escape

    if force == (token is not None):
        raise click.UsageError("give either --token N or --force")
    request = ReleaseRequest(slice_id=SliceId(slice_id), token=token, goal_id=goal_id)
    report = release(probe_here(directory), request)
    return Outcome(
        document=report,
        text=lambda: f"{escape(report.slice_id)}: open, {_tell(report.holder)}\n",
    )


def _tell(holder: str | None) -> str:
    from gitslices.output.words import escape

    return f"was held by {escape(holder)}" if holder else "was done"
