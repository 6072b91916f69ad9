"""`gitslices gate` and `review`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.options import Outcome, common_options, goal_option, probe_here
from gitslices.core.model import SliceId
from gitslices.planning.policy import REVIEWS
from gitslices.rules.evidence import Verdict

if TYPE_CHECKING:
    from gitslices.ops.evidence import GatesReport
    from gitslices.workspace import Workspace

_GATE_EXAMPLES = """\b
Examples:
  gitslices gate run                                   of all slices that are claimed or done
  gitslices gate run api local_verification_wall
  gitslices gate status api
  gitslices gate pass api acceptance_criteria --by ann
"""


@click.command("gate", epilog=_GATE_EXAMPLES)
@click.argument("action", type=click.Choice(["run", "status", "pass"]))
@click.argument("slice_id", metavar="[SLICE]", required=False)
@click.argument("gate", metavar="[GATE]", required=False)
@click.option("--by", "passed_by", metavar="NAME", help="With pass: who says so.")
@goal_option
@common_options
def gate_command(
    *,
    action: str,
    slice_id: str | None,
    gate: str | None,
    passed_by: str | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Run the gates of slices, show how they stand, or record one that somebody has passed.

    The commands stand under [gates] in .gitslices/config.toml and run in the slice's worktree, once
    they are approved with `gitslices trust`. A result counts for the tree it was had on, and only
    if all of that was committed. Exit 1 if one that has a command has not passed.
    """
    report = _act(probe_here(directory), action, slice_id, gate, passed_by, goal_id)

    def text() -> str:
        from gitslices.output.text.evidence import format_gates

        return format_gates(report)

    return Outcome(document=report, text=text, exit_code=0 if report.ok else 1)


def _act(
    workspace: "Workspace",
    action: str,
    slice_id: str | None,
    gate: str | None,
    passed_by: str | None,
    goal_id: str | None,
) -> "GatesReport":
    from gitslices.ops.evidence import GatesRequest, PassRequest, pass_gate, read_gates, run_gates

    wanted = SliceId(slice_id) if slice_id is not None else None
    if action == "pass":
        if wanted is None or gate is None or passed_by is None:
            raise click.UsageError("to pass a gate takes SLICE, GATE and --by NAME")
        given = PassRequest(slice_id=wanted, gate=gate, passed_by=passed_by, goal_id=goal_id)
        return pass_gate(workspace, given)
    if passed_by is not None:
        raise click.UsageError("--by goes with pass")
    request = GatesRequest(slice_id=wanted, gate=gate, goal_id=goal_id)
    return run_gates(workspace, request) if action == "run" else read_gates(workspace, request)


_REVIEW_EXAMPLES = """\b
Examples:
  gitslices review api --kind code_review --by ann --verdict approve
  gitslices review api --kind code_review --by ann --verdict reject --note "no tests"
"""


@click.command("review", epilog=_REVIEW_EXAMPLES)
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
def review_command(
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
