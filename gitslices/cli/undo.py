"""`gitslices undo`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from gitslices.cli.options import Outcome, common_options, goals_option, lock_option, open_here
from gitslices.core.model import SliceId

if TYPE_CHECKING:
    from gitslices.workspace import Workspace

_EXAMPLES = """\b
Examples:
  gitslices undo               what the latest remove or prune took away
  gitslices undo api
  gitslices undo --list
"""


@click.command(epilog=_EXAMPLES)
@click.argument("slice_id", metavar="[SLICE]", required=False)
@click.option("--list", "lists", is_flag=True, help="Only show what can be brought back.")
@goals_option
@lock_option
@common_options
def command(
    *,
    slice_id: str | None,
    lists: bool,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Bring back SLICE, or all that the latest remove or prune took away.

    Branch, worktree, staged and unstaged changes are as they were; what was removed is kept for 14
    days. Refuses where a branch or a path has been taken since.
    """
    workspace = open_here(directory, lock_timeout=lock_timeout)
    return _list(workspace, goal_id) if lists else _undo(workspace, slice_id, goal_id)


def _list(workspace: "Workspace", goal_id: str | None) -> Outcome:
    from gitslices.ops.removal import list_trash
    from gitslices.output.text.upkeep import format_trash

    report = list_trash(workspace, goal_id)
    return Outcome(document=report, text=lambda: format_trash(report))


def _undo(workspace: "Workspace", slice_id: str | None, goal_id: str | None) -> Outcome:
    from gitslices.ops.removal import UndoRequest, undo
    from gitslices.output.text.upkeep import format_undone

    chosen = SliceId(slice_id) if slice_id is not None else None
    report = undo(workspace, UndoRequest(slice_id=chosen, goal_id=goal_id))
    return Outcome(document={"ok": True, **to_builtins(report)}, text=lambda: format_undone(report))
