"""`gitslices scope`: allow, show."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.options import Outcome, common_options, goal_option, lock_option, probe_here
from gitslices.core.model import SliceId

if TYPE_CHECKING:
    from gitslices.ops.scope import ScopeReport

_EXAMPLES = """\b
Examples:
  gitslices scope show api
  gitslices scope allow api Makefile --reason "the new target is needed for the tests"
"""


@click.group(epilog=_EXAMPLES, no_args_is_help=False)
def command() -> None:
    """Show what a slice may touch, and widen it while it is under way."""


@command.command("show")
@click.argument("slice_id", metavar="SLICE")
@goal_option
@common_options
def show_command(*, slice_id: str, goal_id: str | None, directory: Path, as_json: bool) -> Outcome:
    """Show what SLICE may read and write, and what was allowed since it was planned."""
    from gitslices.ops.scope import show_scope

    return _tell(show_scope(probe_here(directory), SliceId(slice_id), goal_id))


@command.command("allow")
@click.argument("slice_id", metavar="SLICE")
@click.argument("pattern")
@click.option("--reason", required=True, metavar="TEXT", help="Why; the log shows it.")
@goal_option
@lock_option
@common_options
def allow_command(
    *,
    slice_id: str,
    pattern: str,
    reason: str,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Let SLICE write PATTERN, too, unless another slice under way could touch the same path.

    Under way is a slice with a commit, with uncommitted files, or with a holder; it is named,
    together with such a path. The graph stays as it is, and planning it again keeps the allowance.
    """
    from gitslices.ops.scope import AllowRequest, allow_scope

    request = AllowRequest(
        slice_id=SliceId(slice_id), pattern=pattern, reason=reason, goal_id=goal_id
    )
    return _tell(allow_scope(probe_here(directory, lock_timeout=lock_timeout), request))


def _tell(report: "ScopeReport") -> Outcome:
    def text() -> str:
        from gitslices.output.text.checks import format_scope

        return format_scope(report)

    return Outcome(document=report, text=text)
