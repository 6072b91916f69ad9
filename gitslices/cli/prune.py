"""`gitslices prune`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.cwd import tell_if_moved
from gitslices.cli.options import Outcome, common_options, goals_option, lock_option, probe_here

if TYPE_CHECKING:
    from gitslices.workspace import Workspace

_EXAMPLES = """\b
Examples:
  gitslices prune --dry-run
  gitslices prune --goal auth-rework
  gitslices prune --trash            free the space of what was removed 14 days ago or earlier
"""


@click.command(epilog=_EXAMPLES)
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--force", is_flag=True, help="Remove uncommitted, ignored and unmerged work, too.")
@click.option(
    "--trash", "of_trash", is_flag=True,
    help="Only delete from the trash what was removed 14 days ago or earlier.",
)  # fmt: skip
@goals_option
@lock_option
@common_options
def command(
    *,
    dry_run: bool,
    force: bool,
    of_trash: bool,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Remove every slice that is merged into its target, or that its plan no longer has.

    Slices with work that would be lost stay, and are named; then the exit code is 1. What is
    removed can be brought back for 14 days: gitslices undo.
    """
    from gitslices.ops.removal import PruneRequest, prune

    workspace = probe_here(directory, lock_timeout=lock_timeout)
    if of_trash:
        return _empty_trash(workspace, dry_run=dry_run)
    with tell_if_moved(workspace):
        report = prune(workspace, PruneRequest(goal_id=goal_id, force=force, dry_run=dry_run))

    def text() -> str:
        from gitslices.output.text.upkeep import format_pruned

        return format_pruned(report, dry_run=dry_run)

    return Outcome(document=report, text=text, exit_code=1 if report.refused else 0)


def _empty_trash(workspace: "Workspace", *, dry_run: bool) -> Outcome:
    from gitslices.ops.upkeep import empty_trash

    report = empty_trash(workspace, dry_run=dry_run)

    def text() -> str:
        from gitslices.output.text.upkeep import format_emptied

        return format_emptied(report, dry_run=dry_run)

    return Outcome(document=report, text=text)
