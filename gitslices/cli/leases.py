"""`gitslices claim`, `ready`, `heartbeat`, `note`, `release` and `done`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from gitslices.cli.options import (
    TOKEN,
    Outcome,
    choose_slice,
    common_options,
    fetch_first,
    fetch_option,
    find_user,
    goal_option,
    holder_option,
    lock_option,
    make_caller,
    prefer_option,
    probe_here,
    remark,
    slice_argument,
    token_options,
    ttl_option,
    under_way_option,
    wait_option,
)
from gitslices.core.errors import suggest
from gitslices.core.model import SliceId

if TYPE_CHECKING:
    from gitslices.ops.done import DoneReport
    from gitslices.rules.claiming import Prefer
    from gitslices.workspace import Workspace

_CLAIM_EXAMPLES = """\b
Examples:
  gitslices claim                                  the most urgent slice that is ready
  gitslices claim api --holder agent-1 --ttl 2h
  gitslices claim --wait --json                    wait for one, answer a program
  gitslices claim --prefer priority                what its task says is urgent goes first
"""


@click.command("claim", epilog=_CLAIM_EXAMPLES)
@slice_argument
@holder_option("Who takes it.")
@ttl_option(
    "How long, unless a heartbeat moves the deadline: 90s, 30m, 2h; a bare number is seconds.",
    "30m",
)
@wait_option("Wait until a slice is ready")
@prefer_option
@click.option(
    "--another", is_flag=True, help="One that NAME does not have yet, though it has one already."
)
@fetch_option
@under_way_option
@lock_option
@common_options
def claim_command(
    *,
    slice_id: str | None,
    holder: str | None,
    ttl: int,
    wait: float,
    prefer: "Prefer",
    another: bool,
    fetch: bool,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Take SLICE, or the ready one that --prefer puts first, and make its worktree ready.

    A slice is ready when what it waits for has been merged and nobody has a slice, of any goal,
    whose scopes overlap with its own. Nobody else gets it until the deadline. In its worktree
    heartbeat, release and done know that the lease is still the same; elsewhere the token that is
    printed proves it.

    Inside a session of Claude Code or Codex the holder is that session by default.

    Whoever has SLICE already gets it back with the same token, as after a crash. Without SLICE so
    does NAME, where --holder or $GITSLICES_HOLDER gives one: each worker has its own.

    A slice whose lease has lapsed can be taken over: the work in it is kept, and shown.
    """
    from gitslices.agents.adapters.payload import find_session
    from gitslices.ops.claim import claim
    from gitslices.ops.grant import ClaimRequest

    if another and slice_id is not None:
        raise click.UsageError("--another is about no one slice")
    request = ClaimRequest(
        holder=holder if holder is not None else find_session(os.environ) or find_user(),
        slice_id=SliceId(slice_id) if slice_id is not None else None,
        goal_id=goal_id,
        ttl=ttl,
        resume=_choose_resume(slice_id, holder, another=another),
        wait=wait,
        prefer=prefer,
        fetch=fetch or None,
    )
    report = claim(probe_here(directory, lock_timeout=lock_timeout), request)

    def text() -> str:
        from gitslices.output.text.leases import format_claim

        return format_claim(report)

    free = suggest("release", report.slice_id, "--force", goal_id=report.goal_id)
    return Outcome(document=report, text=text, unsaid=f"the claim stands; free the slice: {free}")


def _choose_resume(
    slice_id: str | None, holder: str | None, *, another: bool
) -> Literal["none", "here", "any"]:
    if another:
        return "none"
    # All that one account starts have its name by default: several workers of it may want a slice.
    return "any" if slice_id is not None or holder is not None else "here"


_READY_EXAMPLES = """\b
Examples:
  gitslices ready
  gitslices ready --json
"""


@click.command("ready", epilog=_READY_EXAMPLES)
@prefer_option
@fetch_option
@under_way_option
@common_options
def ready_command(
    *, prefer: "Prefer", fetch: bool, goal_id: str | None, directory: Path, as_json: bool
) -> Outcome:
    """Show which slices could be claimed now, the most urgent first, and what the rest waits for.

    Exit 1 when none could.
    """
    from gitslices.ops.ready import ready

    workspace = probe_here(directory)
    fetch_first(workspace, goal_id, asked=fetch)
    report = ready(workspace, goal_id, prefer)

    def text() -> str:
        from gitslices.output.text.leases import format_ready

        return format_ready(report)

    return Outcome(document=report, text=text, exit_code=0 if report.ready else 1)


_HEARTBEAT_EXAMPLES = """\b
Examples:
  gitslices heartbeat                 in the slice's worktree
  gitslices heartbeat api --token 7 --ttl 2h
"""


@click.command("heartbeat", epilog=_HEARTBEAT_EXAMPLES)
@slice_argument
@token_options
@ttl_option("How long from now: 90s, 30m, 2h; a bare number is seconds.  [default: as before]")
@goal_option
@common_options
def heartbeat_command(
    *,
    slice_id: str | None,
    token: int | None,
    holder: str | None,
    ttl: int | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Move the deadline of the lease on SLICE, or on the one at hand: the worker is alive.

    A lease that has lapsed comes back to life, unless somebody has claimed the slice, or one that
    overlaps with it, since.
    """
    from gitslices.ops.leases import HeartbeatRequest, heartbeat
    from gitslices.output.text.checks import format_asked
    from gitslices.output.words import escape
    from gitslices.slices.claims import get_token

    workspace = probe_here(directory)
    id_, goal_id = choose_slice(workspace, slice_id, goal_id)
    token = token or get_token(workspace, id_, goal_id, make_caller(holder))
    report = heartbeat(
        workspace, HeartbeatRequest(slice_id=id_, token=token, goal_id=goal_id, ttl=ttl)
    )
    return Outcome(
        document=report,
        text=lambda: (
            f"{escape(report.slice_id)}: held by {escape(report.holder)} until "
            f"{report.expires_at}\n" + "".join(f"{format_asked(one)}\n" for one in report.asked)
        ),
    )


_NOTE_EXAMPLES = """\b
Examples:
  gitslices note api --waiting "may it add a dependency on httpx?"
  gitslices note api --going-on
  gitslices note --message "the flaky test is tests/api/test_clock.py"
"""


@click.command("note", epilog=_NOTE_EXAMPLES)
@slice_argument
@click.option("--waiting", metavar="TEXT", help="What a person is to do before the work goes on.")
@click.option("--going-on", is_flag=True, help="Nobody is waited for any more.")
@click.option("--message", "-m", metavar="TEXT", help="Something for the log.")
@click.option("--token", type=TOKEN, metavar="N", help="Only if this is the token of the lease.")
@goal_option
@common_options
def note_command(
    *,
    slice_id: str | None,
    waiting: str | None,
    going_on: bool,
    message: str | None,
    token: int | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Say that the worker of SLICE, or of the one at hand, waits for a person; or note something.

    `status` and `run` show who waits, since when and for what, until the work goes on, or the lease
    ends. The hooks of coding agents tell by themselves when a session waits. `log` shows all of it.
    """
    from gitslices.ops.note import NoteRequest, note

    if (waiting is not None) + going_on > 1 or not (waiting is not None or going_on or message):
        raise click.UsageError("give --waiting TEXT, --going-on or --message TEXT")
    workspace = probe_here(directory)
    id_, goal_id = choose_slice(workspace, slice_id, goal_id)
    report = note(
        workspace,
        NoteRequest(
            slice_id=id_,
            goal_id=goal_id,
            token=token,
            message=message,
            waiting=waiting,
            going_on=going_on,
        ),
    )

    def text() -> str:
        from gitslices.output.text.leases import format_note

        return format_note(report)

    return Outcome(document=report, text=text)


_RELEASE_EXAMPLES = """\b
Examples:
  gitslices release                   in the slice's worktree
  gitslices release api --token 7     anywhere
  gitslices release api --force       whoever has it
"""


@click.command("release", epilog=_RELEASE_EXAMPLES)
@slice_argument
@token_options
@click.option("--force", is_flag=True, help="Whoever has it, and even when it is done.")
@goal_option
@common_options
def release_command(
    *,
    slice_id: str | None,
    token: int | None,
    holder: str | None,
    force: bool,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Give SLICE, or the one at hand, back: it can be claimed again, and the work in it is kept.

    With --force from whoever has it, or to work again on a slice that is done but not merged.
    """
    from gitslices.ops.leases import ReleaseRequest, release
    from gitslices.output.words import escape
    from gitslices.slices.claims import get_token

    if force and token is not None:
        raise click.UsageError("give either --token N or --force")
    workspace = probe_here(directory)
    id_, goal_id = choose_slice(workspace, slice_id, goal_id)
    if not force:
        token = token or get_token(workspace, id_, goal_id, make_caller(holder))
    report = release(workspace, ReleaseRequest(slice_id=id_, token=token, goal_id=goal_id))
    return Outcome(
        document=report,
        text=lambda: f"{escape(report.slice_id)}: open, {_tell(report.holder)}\n",
    )


def _tell(holder: str | None) -> str:
    from gitslices.output.words import escape

    return f"was held by {escape(holder)}" if holder else "was done"


_DONE_EXAMPLES = """\b
Examples:
  gitslices done                      in the slice's worktree
  gitslices done api --token 7        anywhere
"""


@click.command("done", epilog=_DONE_EXAMPLES)
@slice_argument
@token_options
@goal_option
@common_options
def done_command(
    *,
    slice_id: str | None,
    token: int | None,
    holder: str | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Say that SLICE, or the one whose worktree this is, is finished, and end its lease.

    Refuses while there are uncommitted files, changes outside the write scope, or conflict markers
    that were added. Gates that have a command in .gitslices/config.toml
    and have not passed on this commit are run first; if one fails, the slice stays claimed.
    """
    from gitslices.ops.done import DoneRequest, done
    from gitslices.output.words import escape
    from gitslices.slices.claims import get_token

    workspace = probe_here(directory)
    id_, goal_id = choose_slice(workspace, slice_id, goal_id)
    token = token or get_token(workspace, id_, goal_id, make_caller(holder))
    report = done(workspace, DoneRequest(slice_id=id_, token=token, goal_id=goal_id))
    _publish_if_wanted(workspace, report)
    note = ", with no commit to merge" if report.empty is True else ""
    return Outcome(
        document=report,
        text=lambda: f"{escape(report.slice_id)}: done at {report.commit[:10]}{note}\n",
    )


def _publish_if_wanted(workspace: "Workspace", report: "DoneReport") -> None:
    """Publish what is done where the settings say so; whatever comes of that, it is done."""
    from gitslices.slices.target import is_publish_wanted

    if report.empty is True or not is_publish_wanted(workspace):
        return
    from gitslices.core.errors import GitslicesError
    from gitslices.ops.publish import PublishRequest, publish

    try:
        told = publish(
            workspace, PublishRequest(slice_ids=(report.slice_id,), goal_id=report.goal_id)
        )
    except GitslicesError as error:
        remark([f"{report.slice_id} was not published: {error.message}"])
        return
    remark([one.pr_url or f"{one.branch} was pushed" for one in told.published])
    remark([f"{one.place} was not published: {one.message}" for one in told.refused])
    remark(told.warnings)
