"""`gitslices gate` and `review`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitslices.cli.options import (
    Outcome,
    choose_slice,
    common_options,
    goal_option,
    offer,
    probe_here,
    slice_argument,
)
from gitslices.core.model import SliceId
from gitslices.planning.policy import REVIEWS
from gitslices.rules.evidence import Verdict

if TYPE_CHECKING:
    from gitslices.ops.evidence import GatesReport, GatesRequest
    from gitslices.workspace import Workspace


def _offer_names(context: click.Context, param: click.Parameter, unfinished: str) -> list[Any]:
    kinds = (offer("slices"), offer("gates"))
    return [one for find in kinds for one in find(context, param, unfinished)]


_GATE_EXAMPLES = """\b
Examples:
  gitslices gate run                                   of the slice at hand, or all in work
  gitslices gate run api local_verification_wall
  gitslices gate status api
  gitslices gate pass api acceptance_criteria --by ann
"""


@click.command("gate", epilog=_GATE_EXAMPLES)
@click.argument("action", type=click.Choice(["run", "status", "pass"]))
@click.argument("names", metavar="[SLICE] [GATE]", nargs=-1, shell_complete=_offer_names)
@click.option("--all", "everything", is_flag=True, help="In a slice's worktree, too: of all.")
@click.option("--by", "passed_by", metavar="NAME", help="With pass: who says so.")
@goal_option
@common_options
def gate_command(
    *,
    action: str,
    names: tuple[str, ...],
    everything: bool,
    passed_by: str | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Run the gates of slices, show how they stand, or record one that somebody has passed.

    Without SLICE they are those of the slice whose worktree this is, elsewhere of all slices that
    are claimed or done.

    The commands stand under [gates] in .gitslices/config.toml and run in the slice's worktree, once
    they are approved with `gitslices trust`. A result counts for the tree it was had on, and only
    if all of that was committed. Exit 1 if one that has a command has not passed.
    """
    if len(names) > 2 or (everything and names):
        raise click.UsageError("give at most SLICE and GATE, and with --all neither")
    workspace = probe_here(directory)
    request = _make_request(workspace, names, goal_id, everything=everything)
    report = _act(workspace, action, request, passed_by)

    def text() -> str:
        from gitslices.output.text.evidence import format_gates

        return format_gates(report)

    return Outcome(document=report, text=text, exit_code=0 if report.ok else 1)


def _make_request(
    workspace: "Workspace", names: tuple[str, ...], goal_id: str | None, *, everything: bool
) -> "GatesRequest":
    from gitslices.ops.evidence import GatesRequest
    from gitslices.slices.goals import is_slice
    from gitslices.slices.marks import find_mark

    at_hand = not everything and len(names) < 2 and find_mark(workspace.repo.git_dir) is not None
    # Of a single name in a slice's worktree the plan tells whether it is another slice's.
    if at_hand and not (names and is_slice(workspace, names[0], goal_id)):
        id_, goal_id = choose_slice(workspace, None, goal_id)
        return GatesRequest(slice_id=id_, gate=names[0] if names else None, goal_id=goal_id)
    slice_id = SliceId(names[0]) if names else None
    gate = names[1] if len(names) > 1 else None
    return GatesRequest(slice_id=slice_id, gate=gate, goal_id=goal_id)


def _act(
    workspace: "Workspace", action: str, request: "GatesRequest", passed_by: str | None
) -> "GatesReport":
    from gitslices.ops.evidence import PassRequest, pass_gate, read_gates, run_gates

    if action == "pass":
        if request.slice_id is None or request.gate is None or passed_by is None:
            raise click.UsageError("to pass a gate takes SLICE, GATE and --by NAME")
        given = PassRequest(
            slice_id=request.slice_id, gate=request.gate, passed_by=passed_by,
            goal_id=request.goal_id,
        )  # fmt: skip
        return pass_gate(workspace, given)
    if passed_by is not None:
        raise click.UsageError("--by goes with pass")
    return run_gates(workspace, request) if action == "run" else read_gates(workspace, request)


_REVIEW_EXAMPLES = """\b
Examples:
  gitslices review api --kind code_review --by ann --verdict approve
  gitslices review api --kind code_review --by ann --verdict reject --note "no tests"
  gitslices review api --kind code_review --by ann --verdict approve --commit 1fa5991
"""


@click.command("review", epilog=_REVIEW_EXAMPLES)
@slice_argument
@click.option(
    "--kind", metavar="KIND", required=True,
    help=f"One of {', '.join(REVIEWS)}, or one that the settings require.",
)  # fmt: skip
@click.option("--by", "reviewer", metavar="NAME", required=True, help="Who has looked at it.")
@click.option("--verdict", type=click.Choice(["approve", "reject"]), required=True)
@click.option("--note", metavar="TEXT", default="", help="Why.")
@click.option(
    "--commit", metavar="COMMIT", default="",
    help="What was looked at: refused if the slice is at another one by now.",
)  # fmt: skip
@goal_option
@common_options
def review_command(
    *,
    slice_id: str | None,
    kind: str,
    reviewer: str,
    verdict: Verdict,
    note: str,
    commit: str,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Record a review of the commit that SLICE, or the one at hand, is at.

    A later commit needs another one.

    Reviews that `[merge] required_reviews` of .gitslices/config.toml names must approve before a
    merge, and the latest verdict of any kind must not be a rejection.
    """
    from gitslices.ops.evidence import ReviewRequest, review
    from gitslices.output.words import escape

    workspace = probe_here(directory)
    id_, goal_id = choose_slice(workspace, slice_id, goal_id)
    request = ReviewRequest(
        slice_id=id_, kind=kind, reviewer=reviewer, verdict=verdict, note=note, goal_id=goal_id,
        commit=commit,
    )  # fmt: skip
    made = review(workspace, request)
    return Outcome(
        document={"ok": True, "review": made},
        text=lambda: (
            f"{escape(made.slice_id)}: {made.kind} of {made.commit[:10]} by "
            f"{escape(made.reviewer)}: {made.verdict}\n"
        ),
    )
