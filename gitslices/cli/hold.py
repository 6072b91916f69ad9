"""`gitslices hold` and `unhold`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.options import (
    Outcome,
    choose_slice,
    common_options,
    find_user,
    goal_option,
    probe_here,
    slice_argument,
)

if TYPE_CHECKING:
    from gitslices.ops.hold import HoldReport

_HOLD_EXAMPLES = """\b
Examples:
  gitslices hold api --reason "the design is not settled"
"""


@click.command("hold", epilog=_HOLD_EXAMPLES)
@slice_argument
@click.option("--reason", metavar="TEXT", required=True, help="Why, for all who look.")
@goal_option
@common_options
def hold_command(
    *, slice_id: str | None, reason: str, goal_id: str | None, directory: Path, as_json: bool
) -> Outcome:
    """Keep SLICE, or the one at hand, from workers until `gitslices unhold`.

    Nobody gets it, neither by `claim` nor in a `run` under way. Whoever has it now keeps it, and
    may finish it; what is done is merged as ever. `status`, `ready` and `show` tell the reason.
    """
    return _report(slice_id, goal_id, directory, reason)


_UNHOLD_EXAMPLES = """\b
Examples:
  gitslices unhold api
"""


@click.command("unhold", epilog=_UNHOLD_EXAMPLES)
@slice_argument
@goal_option
@common_options
def unhold_command(
    *, slice_id: str | None, goal_id: str | None, directory: Path, as_json: bool
) -> Outcome:
    """Leave SLICE, or the one at hand, to workers again."""
    return _report(slice_id, goal_id, directory, None)


def _report(
    slice_id: str | None, goal_id: str | None, directory: Path, reason: str | None
) -> Outcome:
    from gitslices.ops.hold import HoldRequest, hold

    workspace = probe_here(directory)
    id_, goal_id = choose_slice(workspace, slice_id, goal_id)
    request = HoldRequest(slice_id=id_, by=find_user(), goal_id=goal_id, reason=reason)
    report = hold(workspace, request)
    return Outcome(document=report, text=lambda: _format(report))


def _format(report: "HoldReport") -> str:
    from gitslices.output.words import escape

    id_ = escape(report.slice_id)
    if report.reason is None:
        return f"{id_}: on hold no more\n"
    keeps = f"\n{escape(report.holder)} has it, and keeps it" if report.holder else ""
    return f"{id_}: on hold: {escape(report.reason)}{keeps}\n"
