"""`gitslices conflicts`."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options, goal_option, open_here

_EXAMPLES = """\b
Examples:
  gitslices conflicts
  gitslices conflicts --json
"""


@click.command(epilog=_EXAMPLES)
@goal_option
@common_options
def command(*, goal_id: str | None, directory: Path, as_json: bool) -> Outcome:
    """Show which slices under way would conflict with each other, and with the target.

    Uncommitted work counts, too. git merges every pair in memory; no branch, index or file is
    touched. Exits 1 if there is a conflict, or a slice that git cannot merge at all.
    """
    from gitslices.ops.conflicts import conflicts

    report = conflicts(open_here(directory), goal_id)

    def text() -> str:
        from gitslices.output.text.merging import format_conflicts

        return format_conflicts(report)

    bad = bool(report.conflicts or report.refused)
    return Outcome(document=report, text=text, exit_code=int(bad))
