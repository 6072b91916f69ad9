"""`gitslices publish`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.options import (
    Outcome,
    choose_slices,
    common_options,
    goal_option,
    lock_option,
    open_here,
    slices_options,
)

if TYPE_CHECKING:
    from gitslices.ops.pulls import PullsReport

_EXAMPLES = """\b
Examples:
  gitslices publish                  in the slice's worktree
  gitslices publish api
  gitslices publish --all            every slice with work, in the order of the plan
  gitslices publish --all --status   how their pull requests stand
  gitslices publish api --merge      have the forge merge it once it may
"""


@click.command("publish", epilog=_EXAMPLES)
@slices_options("Publish every slice that has commits, of one goal.")
@click.option("--status", "tells", is_flag=True, help="Show how the pull requests stand.")
@click.option(
    "--merge", "merges", is_flag=True, help="Enter the forge's auto-merge or its merge queue."
)
@goal_option
@lock_option
@common_options
def command(
    *,
    slice_ids: tuple[str, ...],
    everything: bool,
    tells: bool,
    merges: bool,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Push branches of slices, and open or update their pull requests.

    Title and body come from the task; a slice that is not done is a draft. The base is the target,
    or the branch of the one slice that it waits for and is built on; publish again once that has
    landed. Owners by CODEOWNERS and whom [publish] reviewers names are asked for a review. A branch
    to which somebody else has pushed is left alone.

    GitHub is spoken to through gh, GitLab through glab, Gitea and Forgejo through tea, anything
    else by the command [publish] open of .gitslices/config.toml. Without any of them the branch is
    pushed, and the address that the remote offers is shown. With --merge, slices that are done and
    wait for nothing are merged by the forge as soon as it may; nothing is merged otherwise.
    """
    from gitslices.ops.publish import PublishRequest, publish

    if tells and merges:
        raise click.UsageError("--status and --merge exclude each other")
    workspace = open_here(directory, lock_timeout=lock_timeout)
    wanted, goal_id = choose_slices(
        workspace, slice_ids, goal_id, everything=everything, meaning="that has commits"
    )
    request = PublishRequest(slice_ids=wanted, goal_id=goal_id)
    if tells or merges:
        from gitslices.ops.pulls import queue_pulls, read_pulls

        return _show_pulls((queue_pulls if merges else read_pulls)(workspace, request))
    report = publish(workspace, request)

    def text() -> str:
        from gitslices.output.text.publishing import format_published

        return format_published(report)

    return Outcome(document=report, text=text, exit_code=1 if report.refused else 0)


def _show_pulls(report: "PullsReport") -> Outcome:
    def text() -> str:
        from gitslices.output.text.publishing import format_pulls

        return format_pulls(report)

    return Outcome(document=report, text=text, exit_code=1 if report.refused else 0)
