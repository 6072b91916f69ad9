"""`gitslices prune`."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options, goal_option, lock_option, open_here

_EXAMPLES = """\b
Examples:
  gitslices prune --dry-run
  gitslices prune --goal auth-rework
"""


@click.command(epilog=_EXAMPLES)
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--force", is_flag=True, help="Remove uncommitted and unmerged work, too.")
@goal_option
@lock_option
@common_options
def command(
    *,
    dry_run: bool,
    force: bool,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Remove every slice that is merged into its target, or that its plan no longer has.

    Slices with work that would be lost stay, and are named; then the exit code is 1.
    """
    from gitslices.ops.prune import PruneRequest, prune

    workspace = open_here(directory, lock_timeout=lock_timeout)
    report = prune(workspace, PruneRequest(goal_id=goal_id, force=force, dry_run=dry_run))

    def text() -> str:
        from gitslices.output.prune_text import format_pruned

        return format_pruned(report, dry_run=dry_run)

    return Outcome(document=report, text=text, exit_code=1 if report.refused else 0)
