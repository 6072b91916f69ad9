"""`gitslices check`."""

from pathlib import Path

import click

from gitslices.cli.options import (
    Outcome,
    common_options,
    get_named_by_hook,
    goal_option,
    probe_here,
)
from gitslices.core.model import SliceId

_EXAMPLES = """\b
Examples:
  gitslices check                     all that this worktree's slice has changed
  gitslices check --staged            the slice as the next commit leaves it
  gitslices check --slice api --json  another slice, from anywhere
  gitslices check --commits v1..HEAD  what these commits did
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--staged",
    is_flag=True,
    help="Look at the index only: the slice as the next commit leaves it.",
)
@click.option("--commits", metavar="RANGE", help="Look at the commits A..B, or all up to B.")
@click.option("--slice", "slice_id", metavar="ID", help="Check this slice, wherever its worktree.")
@click.option("--all", "every", is_flag=True, help="Check every slice under way.")
@goal_option
@common_options
def command(
    *,
    staged: bool,
    commits: str | None,
    slice_id: str | None,
    every: bool,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Compare a slice's changes with its write scope, and exit 1 if any is outside.

    Everything counts that the target does not have: commits, staged and unstaged changes,
    untracked files. A renamed file counts twice, at its old and at its new path.
    """
    from gitslices.ops.check import CheckRequest, check

    if staged and commits is not None:
        raise click.UsageError("--staged and --commits exclude each other")
    if every and (slice_id is not None or commits is not None):
        raise click.UsageError("--all excludes --slice and --commits")
    request = CheckRequest(
        slice_id=SliceId(slice_id) if slice_id is not None else None,
        goal_id=goal_id,
        every=every,
        staged=staged,
        index_file=get_named_by_hook(directory).index_file,
        commits=commits,
    )
    report = check(probe_here(directory), request)

    def text() -> str:
        from gitslices.output.text.checks import format_check

        return format_check(report)

    return Outcome(document=report, text=text, exit_code=0 if report.ok else 1)
