"""`gitslices claim`."""

from pathlib import Path

import click

from gitslices.cli.lease_options import find_user, holder_option, ttl_option
from gitslices.cli.options import (
    Outcome,
    Seconds,
    common_options,
    goal_option,
    lock_option,
    probe_here,
)
from gitslices.core.errors import suggest
from gitslices.core.model import SliceId

_EXAMPLES = """\b
Examples:
  gitslices claim                                  the most urgent slice that is ready
  gitslices claim api --holder agent-1 --ttl 2h
  gitslices claim --wait --json                    wait for one, answer a program
"""


@click.command(epilog=_EXAMPLES)
@click.argument("slice_id", metavar="[SLICE]", required=False)
@holder_option("Who takes it.")
@ttl_option(
    "How long, unless a heartbeat moves the deadline: 90s, 30m, 2h; a bare number is seconds.",
    "30m",
)
@click.option(
    "--wait",
    type=Seconds(),
    is_flag=False,
    flag_value=float("inf"),
    default=0,
    metavar="SECONDS",
    help="Wait until a slice is ready: this long, or without a number as long as it takes.",
)
@goal_option
@lock_option
@common_options
def command(
    *,
    slice_id: str | None,
    holder: str | None,
    ttl: int,
    wait: float,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Take SLICE, or the ready one with the longest way still to go, and make its worktree ready.

    A slice is ready when what it waits for has been merged and nobody has a slice, of any goal,
    whose scopes overlap with its own. Nobody else gets it until the deadline. The token that is
    printed proves to heartbeat, release and done that the lease is still the same.

    A slice whose lease has lapsed can be taken over: the work in it is kept, and shown.
    """
    from gitslices.ops.claim import ClaimRequest, claim

    request = ClaimRequest(
        holder=holder if holder is not None else find_user(),
        slice_id=SliceId(slice_id) if slice_id is not None else None,
        goal_id=goal_id,
        ttl=ttl,
        wait=wait,
    )
    report = claim(probe_here(directory, lock_timeout=lock_timeout), request)

    def text() -> str:
        from gitslices.output.text.status import format_claim

        return format_claim(report)

    free = suggest("release", report.slice_id, "--force", goal_id=report.goal_id)
    return Outcome(document=report, text=text, unsaid=f"the claim stands; free the slice: {free}")
