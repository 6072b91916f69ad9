"""`gitslices sync`."""

from pathlib import Path
from typing import get_args

import click

from gitslices.cli.lease_options import token_option
from gitslices.cli.options import (
    Outcome,
    choose_slices,
    common_options,
    goal_option,
    lock_option,
    open_here,
    slices_options,
)
from gitslices.system.settings import SyncStyle

_EXAMPLES = """\b
Examples:
  gitslices sync api
  gitslices sync --all
  gitslices sync api --style rebase
"""


@click.command(epilog=_EXAMPLES)
@slices_options("Sync every slice under way.")
@click.option(
    "--style",
    type=click.Choice(get_args(SyncStyle)),
    help="Take the target in, or rebase onto it.  [default: the settings, or merge]",
)
@token_option()
@goal_option
@lock_option
@common_options
def command(
    *,
    slice_ids: tuple[str, ...],
    everything: bool,
    style: SyncStyle | None,
    token: int | None,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Bring slices onto the current target, with their worktrees.

    A slice without commits of its own moves to the target. Any other takes the target in, or is
    rebased: in memory first, so a conflict leaves its branch and files as they are, and the exit
    code is 1. Uncommitted changes stay; where the target would touch them, the slice is left alone.
    Where the target has dropped what a slice starts from, its own commits are put onto the target
    in either style.
    """
    from gitslices.ops.sync import SyncRequest, sync

    wanted = choose_slices(slice_ids, everything=everything, meaning="under way")
    if token is not None and len(slice_ids) != 1:
        raise click.UsageError("--token belongs to one slice: name it")
    workspace = open_here(directory, lock_timeout=lock_timeout)
    report = sync(
        workspace, SyncRequest(slice_ids=wanted, token=token, goal_id=goal_id, style=style)
    )

    def text() -> str:
        from gitslices.output.text.merging import format_synced

        return format_synced(report)

    failed = bool(report.conflicted or report.refused)
    return Outcome(document=report, text=text, exit_code=int(failed))
