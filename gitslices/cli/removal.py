"""`gitslices remove`, `prune`, `undo` and `reopen`."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from gitslices.cli.options import (
    Outcome,
    common_options,
    goal_option,
    goals_option,
    lock_option,
    offer,
    open_here,
    probe_here,
    remark,
    slice_argument,
)
from gitslices.core.errors import suggest
from gitslices.core.model import SliceId

if TYPE_CHECKING:
    from gitslices.workspace import Workspace


@contextmanager
def _tell_if_moved(workspace: "Workspace") -> Iterator[None]:
    """Say so if the current directory goes to the trash while the block lasts.

    Not refused: `git worktree remove` removes it, too, and says nothing.
    """
    before = _find_here()
    yield
    if before is None or _find_here() == before:
        return
    from gitslices.output.words import escape

    main = workspace.main_worktree
    way = f": cd {shlex.quote(str(main))}" if main else ""
    click.echo(f"the current directory is in the trash now{escape(way)}", err=True)


def _find_here() -> str | None:
    with suppress(OSError):
        return os.getcwd()  # noqa: PTH109
    return None


_REMOVE_EXAMPLES = """\b
Examples:
  gitslices remove api
  gitslices remove api --force       even with work that is nowhere else
  gitslices undo api                 bring it back
"""


@click.command("remove", epilog=_REMOVE_EXAMPLES)
@click.argument("slice_id", metavar="SLICE", shell_complete=offer("slices"))
@click.option("--force", is_flag=True, help="Remove uncommitted, ignored and unmerged work, too.")
@goal_option
@lock_option
@common_options
def remove_command(
    *,
    slice_id: str,
    force: bool,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Remove the worktree and the branch of SLICE.

    Refuses while there are uncommitted files, files that git ignores and nothing else has, or
    commits that the target lacks; always while somebody has the slice claimed. What is removed,
    even with --force, can be brought back for 14 days: gitslices undo. A slice that was not merged
    is dropped by it: nobody gets it any more, until gitslices reopen.
    """
    from gitslices.ops.removal import RemoveRequest, remove
    from gitslices.output.words import escape

    workspace = probe_here(directory, lock_timeout=lock_timeout)
    request = RemoveRequest(slice_id=SliceId(slice_id), goal_id=goal_id, force=force)
    with _tell_if_moved(workspace):
        report = remove(workspace, request)
    remark(report.warnings)

    def text() -> str:
        at = f" (was at {report.tip[:10]})" if report.tip else ""
        line = f"removed {escape(report.slice_id)}: {report.branch_name}{at}\n"
        again = suggest("reopen", report.slice_id, goal_id=report.goal_id)
        return (
            f"{line}dropped: made again only after: {escape(again)}\n" if report.dropped else line
        )

    return Outcome(document={"ok": True, "removed": report}, text=text)


_PRUNE_EXAMPLES = """\b
Examples:
  gitslices prune --dry-run
  gitslices prune --goal auth-rework
  gitslices prune --trash            free the space of what was removed 14 days ago or earlier
"""


@click.command("prune", epilog=_PRUNE_EXAMPLES)
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--force", is_flag=True, help="Remove uncommitted, ignored and unmerged work, too.")
@click.option(
    "--trash", "of_trash", is_flag=True,
    help="Only delete from the trash what was removed 14 days ago or earlier.",
)  # fmt: skip
@click.option("--wait", is_flag=True, help="With --trash: until all is gone, however much it is.")
@goals_option
@lock_option
@common_options
def prune_command(
    *,
    dry_run: bool,
    force: bool,
    of_trash: bool,
    wait: bool,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Remove every slice that is merged into its target, or that its plan no longer has.

    Slices with work that would be lost stay, and are named; then the exit code is 1. What is
    removed can be brought back for 14 days: gitslices undo. A large trash is emptied by a process
    of its own, unless --wait is given.
    """
    from gitslices.ops.removal import PruneRequest, prune

    if wait and not of_trash:
        raise click.UsageError("--wait is about --trash")
    workspace = probe_here(directory, lock_timeout=lock_timeout)
    if of_trash:
        return _empty_trash(workspace, dry_run=dry_run, wait=wait)
    with _tell_if_moved(workspace):
        report = prune(workspace, PruneRequest(goal_id=goal_id, force=force, dry_run=dry_run))
    remark(report.warnings)

    def text() -> str:
        from gitslices.output.text.upkeep import format_pruned

        return format_pruned(report, dry_run=dry_run)

    return Outcome(document=report, text=text, exit_code=1 if report.refused else 0)


def _empty_trash(workspace: "Workspace", *, dry_run: bool, wait: bool) -> Outcome:
    from gitslices.ops.upkeep import empty_trash, hand_over_trash

    handed_over = None if dry_run or wait else hand_over_trash(workspace)
    report = handed_over or empty_trash(workspace, dry_run=dry_run)

    def text() -> str:
        from gitslices.output.text.upkeep import format_emptied

        return format_emptied(report, dry_run=dry_run)

    return Outcome(document=report, text=text)


_UNDO_EXAMPLES = """\b
Examples:
  gitslices undo               what the latest remove or prune took away
  gitslices undo api
  gitslices undo --list
"""


@click.command("undo", epilog=_UNDO_EXAMPLES)
@slice_argument
@click.option("--list", "lists", is_flag=True, help="Only show what can be brought back.")
@goals_option
@lock_option
@common_options
def undo_command(
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
    remark(report.warnings)
    return Outcome(document={"ok": True, **to_builtins(report)}, text=lambda: format_undone(report))


_REOPEN_EXAMPLES = """\b
Examples:
  gitslices reopen api               after its merge was reverted
  gitslices reopen ui                after it was removed unmerged
"""


@click.command("reopen", epilog=_REOPEN_EXAMPLES)
@click.argument("slice_id", metavar="SLICE", shell_complete=offer("slices"))
@goal_option
@lock_option
@common_options
def reopen_command(
    *, slice_id: str, goal_id: str | None, lock_timeout: float, directory: Path, as_json: bool
) -> Outcome:
    """Let SLICE be claimed again that is done, merged, or was removed unmerged.

    One that was merged starts anew from the target as it is now; the command that brings its former
    commits back is printed. What was removed comes back with gitslices undo.
    """
    from gitslices.ops.reopen import ReopenRequest, reopen

    workspace = open_here(directory, lock_timeout=lock_timeout)
    report = reopen(workspace, ReopenRequest(slice_id=SliceId(slice_id), goal_id=goal_id))

    def text() -> str:
        from gitslices.output.text.upkeep import format_reopened

        return format_reopened(report)

    return Outcome(document=report, text=text)
