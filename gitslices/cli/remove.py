"""`gitslices remove`."""

from pathlib import Path

import click

from gitslices.cli.cwd import tell_if_moved
from gitslices.cli.options import Outcome, common_options, goal_option, lock_option, probe_here
from gitslices.core.model import SliceId

_EXAMPLES = """\b
Examples:
  gitslices remove api
  gitslices remove api --force       even with work that is nowhere else
  gitslices undo api                 bring it back
"""


@click.command(epilog=_EXAMPLES)
@click.argument("slice_id", metavar="SLICE")
@click.option("--force", is_flag=True, help="Remove uncommitted, ignored and unmerged work, too.")
@goal_option
@lock_option
@common_options
def command(
    *,
    slice_id: str,
    force: bool,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Remove the worktree and the branch of SLICE.

    Refuses while there are uncommitted files, files that git ignores and nothing else has, or
    commits that the target lacks; always while somebody has the slice claimed. What is removed,
    even with --force, can be brought back for 14 days: gitslices undo.
    """
    from gitslices.ops.removal import RemoveRequest, remove
    from gitslices.output.words import escape

    workspace = probe_here(directory, lock_timeout=lock_timeout)
    request = RemoveRequest(slice_id=SliceId(slice_id), goal_id=goal_id, force=force)
    with tell_if_moved(workspace):
        report = remove(workspace, request)
    at = f" (was at {report.tip[:10]})" if report.tip else ""
    return Outcome(
        document={"ok": True, "removed": report},
        text=lambda: f"removed {escape(report.slice_id)}: {report.branch_name}{at}\n",
    )
