"""`gitslices merge`."""

from pathlib import Path
from typing import get_args

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
from gitslices.system.settings import MergeStyle

_EXAMPLES = """\b
Examples:
  gitslices merge api
  gitslices merge --all              everything that is done, in the order of the plan
  gitslices merge api --style squash
"""


@click.command(epilog=_EXAMPLES)
@slices_options("Merge every slice that is done.")
@click.option(
    "--style",
    type=click.Choice(get_args(MergeStyle)),
    help="How a slice enters the target.  [default: the settings, or merge]",
)
@goal_option
@lock_option
@common_options
def command(
    *,
    slice_ids: tuple[str, ...],
    everything: bool,
    style: MergeStyle | None,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Merge finished slices into their target, in the order of the plan.

    A slice is merged when it is done, or has commits and is named here, and what it waits for has
    been merged. Its whole range is compared with its write scope, and git merges in memory: on a
    conflict nothing moves, the files are named, and the exit code is 1. Gates that `[merge]
    rerun_gates` of .gitslices/config.toml names run once more, on the merged files. Then the target
    moves at once, with the files of the worktree that has it checked out.
    """
    from gitslices.ops.merge import MergeRequest, merge

    wanted = choose_slices(slice_ids, everything=everything, meaning="that is done")
    workspace = open_here(directory, lock_timeout=lock_timeout)
    report = merge(workspace, MergeRequest(slice_ids=wanted, goal_id=goal_id, style=style))

    def text() -> str:
        from gitslices.output.text.merging import format_merged

        return format_merged(report)

    failed = bool(report.conflicted or report.refused)
    return Outcome(document=report, text=text, exit_code=int(failed))
