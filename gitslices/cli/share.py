"""`gitslices join` and `gitslices leave`, and what `plan --share` does besides."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from gitslices.cli.options import Outcome, common_options, lock_option, open_here

if TYPE_CHECKING:
    from gitslices.core.model import Plan
    from gitslices.ops.plan import PlanRequest
    from gitslices.ops.share import PublishedGoal, ShareReport
    from gitslices.workspace import Workspace

_JOIN_EXAMPLES = """\b
Examples:
  gitslices join                     the remote that the settings name, or the only one
  gitslices join upstream
  git config gitslices.remote upstream   choose one for good
  gitslices join --restore           the state was deleted there: put back what is known here
"""

_LEAVE_EXAMPLES = """\b
Examples:
  gitslices leave                    others go on; here the goals are local from now on
"""


@click.command(epilog=_JOIN_EXAMPLES)
@click.argument("remote", required=False)
@click.option("--restore", is_flag=True, help="Put back the state that this clone knows.")
@lock_option
@common_options
def join_command(
    *, remote: str | None, restore: bool, lock_timeout: float, directory: Path, as_json: bool
) -> Outcome:
    """Take part in the goals that are shared on REMOTE.

    From then on every command here sees the same slices as those of the other clones, and a claim
    looks at every holder on every machine. Done again it only fetches what is new.
    """
    from gitslices.ops.share import JoinRequest, join
    from gitslices.output.text.sharing import format_shared

    workspace = open_here(directory, lock_timeout=lock_timeout)
    report = join(workspace, JoinRequest(remote=remote, restore=restore))
    return Outcome(document=report, text=lambda: format_shared(report))


@click.command(epilog=_LEAVE_EXAMPLES)
@lock_option
@common_options
def leave_command(*, lock_timeout: float, directory: Path, as_json: bool) -> Outcome:
    """Take no part in shared goals any more.

    They stay here with all that is known of them, and are this clone's own; the others keep theirs.
    """
    from gitslices.ops.share import leave
    from gitslices.output.text.sharing import format_left

    report = leave(open_here(directory, lock_timeout=lock_timeout))
    return Outcome(document=report, text=lambda: format_left(report))


def plan_shared(workspace: "Workspace", request: "PlanRequest", remote: str | None) -> "Plan":
    """The plan; that of a goal that clones share is merged into a branch that all of them see."""
    from gitslices.ops.plan import plan

    if remote is None:
        return plan(workspace, request)
    from gitslices.ops.share import choose_remote, prepare_target

    target = plan(workspace, request).target
    shared = prepare_target(workspace, choose_remote(workspace, remote or None), target)
    return plan(workspace, structs.replace(request, target=shared))


def share_planned(workspace: "Workspace", plan: "Plan", remote: str) -> "ShareReport":
    """Share the goal of a plan that was applied."""
    from gitslices.ops.share import ShareRequest, share

    return share(workspace, ShareRequest(goal_ids=(plan.goal_id,), remote=remote or None))


def preview_shared(
    workspace: "Workspace", request: "PlanRequest", plan: "Plan", remote: str
) -> Outcome:
    """What sharing would put onto the remote."""
    from gitslices.ops.share import choose_remote, preview
    from gitslices.output.text.sharing import format_preview
    from gitslices.state.store import Goal

    goal = Goal(
        goal_id=plan.goal_id, graph=request.scoped.graph, plan=plan, applied_at=workspace.now()
    )
    report: PublishedGoal = preview(workspace, goal, choose_remote(workspace, remote or None))
    return Outcome(document=report, text=lambda: format_preview(report))


def refuse_dry_run(*, share: str | None, dry_run: bool) -> None:
    """Raise `click.UsageError` for an option that needs the other."""
    if dry_run and share is None:
        raise click.UsageError("--dry-run needs --share")


def tell_shared(report: "ShareReport | None") -> str:
    """Where a goal that was applied is shared, if it is."""
    from gitslices.output.text.sharing import format_shared

    return format_shared(report) if report is not None else ""
