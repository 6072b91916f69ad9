"""`gitslices claim`, `ready`, `heartbeat`, `release` and `done`."""

from pathlib import Path

import click

from gitslices.cli.options import (
    Outcome,
    Seconds,
    common_options,
    find_user,
    goal_option,
    holder_option,
    lock_option,
    probe_here,
    token_option,
    ttl_option,
)
from gitslices.core.errors import suggest
from gitslices.core.model import SliceId

_CLAIM_EXAMPLES = """\b
Examples:
  gitslices claim                                  the most urgent slice that is ready
  gitslices claim api --holder agent-1 --ttl 2h
  gitslices claim --wait --json                    wait for one, answer a program
"""


@click.command("claim", epilog=_CLAIM_EXAMPLES)
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
def claim_command(
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
        from gitslices.output.text.leases import format_claim

        return format_claim(report)

    free = suggest("release", report.slice_id, "--force", goal_id=report.goal_id)
    return Outcome(document=report, text=text, unsaid=f"the claim stands; free the slice: {free}")


_READY_EXAMPLES = """\b
Examples:
  gitslices ready
  gitslices ready --json
"""


@click.command("ready", epilog=_READY_EXAMPLES)
@goal_option
@common_options
def ready_command(*, goal_id: str | None, directory: Path, as_json: bool) -> Outcome:
    """Show which slices could be claimed now, the most urgent first, and what the rest waits for.

    Exit 1 when none could.
    """
    from gitslices.ops.ready import ready

    report = ready(probe_here(directory), goal_id)

    def text() -> str:
        from gitslices.output.text.leases import format_ready

        return format_ready(report)

    return Outcome(document=report, text=text, exit_code=0 if report.ready else 1)


_HEARTBEAT_EXAMPLES = """\b
Examples:
  gitslices heartbeat api --token 7
  gitslices heartbeat api --token 7 --ttl 2h
"""


@click.command("heartbeat", epilog=_HEARTBEAT_EXAMPLES)
@click.argument("slice_id", metavar="SLICE")
@token_option(required=True)
@ttl_option("How long from now: 90s, 30m, 2h; a bare number is seconds.  [default: as before]")
@goal_option
@common_options
def heartbeat_command(
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


_RELEASE_EXAMPLES = """\b
Examples:
  gitslices release api --token 7
  gitslices release api --force       whoever has it
"""


@click.command("release", epilog=_RELEASE_EXAMPLES)
@click.argument("slice_id", metavar="SLICE")
@token_option()
@click.option("--force", is_flag=True, help="Whoever has it, and even when it is done.")
@goal_option
@common_options
def release_command(
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


_DONE_EXAMPLES = """\b
Examples:
  gitslices done api --token 7
"""


@click.command("done", epilog=_DONE_EXAMPLES)
@click.argument("slice_id", metavar="SLICE")
@token_option(required=True)
@goal_option
@common_options
def done_command(
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
