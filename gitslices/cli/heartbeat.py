"""`gitslices heartbeat`."""

from pathlib import Path

import click

from gitslices.cli.lease_options import token_option, ttl_option
from gitslices.cli.options import Outcome, common_options, goal_option, probe_here
from gitslices.core.model import SliceId

_EXAMPLES = """\b
Examples:
  gitslices heartbeat api --token 7
  gitslices heartbeat api --token 7 --ttl 2h
"""


@click.command(epilog=_EXAMPLES)
@click.argument("slice_id", metavar="SLICE")
@token_option(required=True)
@ttl_option("How long from now: 90s, 30m, 2h; a bare number is seconds.  [default: as before]")
@goal_option
@common_options
def command(
    *,
    slice_id: str,
    token: int,
    ttl: int | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Move the deadline of the lease on SLICE: the worker is alive.

    A lease that has lapsed comes back to life, unless somebody has claimed the slice, or one that
    overlaps with it, since.
    """
    from gitslices.ops.leases import HeartbeatRequest, heartbeat
    from gitslices.output.words import escape

    request = HeartbeatRequest(slice_id=SliceId(slice_id), token=token, goal_id=goal_id, ttl=ttl)
    report = heartbeat(probe_here(directory), request)
    return Outcome(
        document=report,
        text=lambda: (
            f"{escape(report.slice_id)}: held by {escape(report.holder)} until "
            f"{report.expires_at}\n"
        ),
    )
