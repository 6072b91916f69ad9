"""`gitslices gate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.options import Outcome, common_options, goal_option, probe_here
from gitslices.core.model import SliceId

if TYPE_CHECKING:
    from gitslices.ops.evidence import GatesReport
    from gitslices.workspace import Workspace

_EXAMPLES = """\b
Examples:
  gitslices gate run                                   of all slices that are claimed or done
  gitslices gate run api local_verification_wall
  gitslices gate status api
  gitslices gate pass api acceptance_criteria --by ann
"""


@click.command(epilog=_EXAMPLES)
@click.argument("action", type=click.Choice(["run", "status", "pass"]))
@click.argument("slice_id", metavar="[SLICE]", required=False)
@click.argument("gate", metavar="[GATE]", required=False)
@click.option("--by", "passed_by", metavar="NAME", help="With pass: who says so.")
@goal_option
@common_options
def command(
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
