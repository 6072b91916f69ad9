"""`gitslices review`."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options, goal_option, probe_here
from gitslices.core.model import SliceId
from gitslices.planning.policy import REVIEWS
from gitslices.rules.evidence import Verdict

_EXAMPLES = """\b
Examples:
  gitslices review api --kind code_review --by ann --verdict approve
  gitslices review api --kind code_review --by ann --verdict reject --note "no tests"
"""


@click.command(epilog=_EXAMPLES)
@click.argument("slice_id", metavar="SLICE")
@click.option(
    "--kind", type=click.Choice(REVIEWS), metavar="KIND", required=True,
    help=f"One of {', '.join(REVIEWS)}.",
)  # fmt: skip
@click.option("--by", "reviewer", metavar="NAME", required=True, help="Who has looked at it.")
@click.option("--verdict", type=click.Choice(["approve", "reject"]), required=True)
@click.option("--note", metavar="TEXT", default="", help="Why.")
@goal_option
@common_options
def command(
    *,
    slice_id: str,
    kind: str,
    reviewer: str,
    verdict: Verdict,
    note: str,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Record a review of the commit that SLICE is at; a later commit needs another one.

    Reviews that `[merge] required_reviews` of .gitslices/config.toml names must approve before a
    merge, and the latest verdict of any kind must not be a rejection.
    """
    from gitslices.ops.evidence import ReviewRequest, review
    from gitslices.output.words import escape

    request = ReviewRequest(
        slice_id=SliceId(slice_id), kind=kind, reviewer=reviewer, verdict=verdict, note=note,
        goal_id=goal_id,
    )  # fmt: skip
    made = review(probe_here(directory), request)
    return Outcome(
        document={"ok": True, "review": made},
        text=lambda: (
            f"{escape(made.slice_id)}: {made.kind} of {made.commit[:10]} by "
            f"{escape(made.reviewer)}: {made.verdict}\n"
        ),
    )
