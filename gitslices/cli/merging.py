"""`gitslices fetch`, `sync`, `merge`, `landed` and `conflicts`."""

from pathlib import Path
from typing import get_args

import click

from gitslices.cli.options import (
    Outcome,
    choose_slice,
    choose_slices,
    common_options,
    goal_option,
    lock_option,
    make_caller,
    open_here,
    slice_argument,
    slices_options,
    token_options,
    under_way_option,
)
from gitslices.cli.several import report_served
from gitslices.system.settings_tables import MergeStyle, SyncStyle

_FETCH_EXAMPLES = """\b
Examples:
  gitslices fetch
  gitslices fetch --goal auth-rework --json
"""


@click.command("fetch", epilog=_FETCH_EXAMPLES)
@under_way_option
@lock_option
@common_options
def fetch_command(
    *, goal_id: str | None, lock_timeout: float, directory: Path, as_json: bool
) -> Outcome:
    """Fetch the target from its remote, and tell what has landed there.

    The target is a remote's branch, or a local one that follows it: then it is fast-forwarded, with
    the worktree that has it checked out, as long as nothing uncommitted is in the way. Slices that
    nobody has begun are brought forward. Exit 4 where the remote cannot be reached.
    """
    from gitslices.ops.fetch import FetchRequest, fetch

    workspace = open_here(directory, lock_timeout=lock_timeout)
    report = fetch(workspace, FetchRequest(goal_id=goal_id))

    def text() -> str:
        from gitslices.output.text.merging import format_fetched

        return format_fetched(report)

    return Outcome(document=report, text=text)


_SYNC_EXAMPLES = """\b
Examples:
  gitslices sync                     in the slice's worktree
  gitslices sync api
  gitslices sync --all
  gitslices sync api --style rebase
  gitslices sync api --resolve       begin what git cannot merge by itself
"""


@click.command("sync", epilog=_SYNC_EXAMPLES)
@slices_options("Sync every slice under way, of all goals.")
@click.option(
    "--style",
    type=click.Choice(get_args(SyncStyle)),
    help="Take the target in, or rebase onto it.  [default: the settings, or merge]",
)
@click.option(
    "--resolve",
    is_flag=True,
    help="On a conflict begin the merge in the slice's worktree, to be resolved there.",
)
@token_options
@goal_option
@lock_option
@common_options
def sync_command(
    *,
    slice_ids: tuple[str, ...],
    everything: bool,
    style: SyncStyle | None,
    resolve: bool,
    token: int | None,
    holder: str | None,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Bring slices onto the current target, with their worktrees.

    A slice without commits of its own moves to the target. Any other takes the target in, or is
    rebased: in memory first, so a conflict leaves its branch and files as they are, and the exit
    code is 1. Uncommitted changes stay; where the target would touch them, the slice is left alone.
    Where the target has dropped what a slice starts from, its own commits are put onto the target
    in either style.

    With --resolve a merge that would conflict is begun in the worktree: files that the graph shares
    have the lines of both sides, the others git's own conflict markers. `git commit` there
    concludes it, `git merge --abort` takes it back; the exit code is 1 here, too.
    """
    from gitslices.ops.sync import SyncReport, SyncRequest, sync_goals
    from gitslices.output.text.merging import format_synced
    from gitslices.slices.claims import find_open_token

    workspace = open_here(directory, lock_timeout=lock_timeout)
    wanted, goal_id = choose_slices(
        workspace, slice_ids, goal_id, everything=everything, meaning="under way"
    )
    if token is not None and (wanted is None or len(wanted) != 1):
        raise click.UsageError("--token belongs to one slice: name it")
    if wanted is not None and len(wanted) == 1:
        token = token or find_open_token(workspace, wanted[0], goal_id, make_caller(holder))
    if resolve and (wanted is None or len(wanted) != 1):
        raise click.UsageError("--resolve is about one slice: name it")
    request = SyncRequest(
        slice_ids=wanted, token=token, goal_id=goal_id, style=style, resolve=resolve
    )

    def is_bad(one: SyncReport) -> bool:
        return bool(one.conflicted or one.refused or one.begun)

    return report_served(sync_goals(workspace, request), format_synced, is_bad)


_MERGE_EXAMPLES = """\b
Examples:
  gitslices merge                    in the slice's worktree
  gitslices merge api
  gitslices merge --all              everything that is done, in the order of the plan
  gitslices merge api --style squash
"""


@click.command("merge", epilog=_MERGE_EXAMPLES)
@slices_options("Merge every slice that is done, of all goals.")
@click.option(
    "--style",
    type=click.Choice(get_args(MergeStyle)),
    help="How a slice enters the target.  [default: the settings, or merge]",
)
@goal_option
@lock_option
@common_options
def merge_command(
    *,
    slice_ids: tuple[str, ...],
    everything: bool,
    style: MergeStyle | None,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Merge finished slices into their target, in the order of the plan.

    A slice is merged when it is done, or has commits and is named here, and what it waits for has
    been merged. Its whole range is compared with its write scope, and git merges in memory: on a
    conflict nothing moves, the files are named, and the exit code is 1. Gates that `[merge]
    rerun_gates` of .gitslices/config.toml names run once more, on the merged files. Then the target
    moves at once, with the files of the worktree that has it checked out.

    A target such as origin/main is fetched first, and pushed to: it moves only from where it was
    found, and the local branch of that name follows where it can be fast-forwarded.
    """
    from gitslices.ops.merge import MergeRequest, merge_goals
    from gitslices.output.text.merging import format_merged

    workspace = open_here(directory, lock_timeout=lock_timeout)
    wanted, goal_id = choose_slices(
        workspace, slice_ids, goal_id, everything=everything, meaning="that is done"
    )
    request = MergeRequest(slice_ids=wanted, goal_id=goal_id, style=style)
    return report_served(
        merge_goals(workspace, request), format_merged, lambda one: one.conflicted or one.refused
    )


_LANDED_EXAMPLES = """\b
Examples:
  gitslices landed api                     its target has the work, as it is now
  gitslices landed api --commit 1a2b3c4    and this is the commit that brought it
"""


@click.command("landed", epilog=_LANDED_EXAMPLES)
@slice_argument
@click.option(
    "--commit", metavar="COMMIT", help="The target's commit that has it.  [default: its last one]"
)
@goal_option
@common_options
def landed_command(
    *,
    slice_id: str | None,
    commit: str | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Say that the work of SLICE, or the one at hand, is in its target.

    What was merged, squashed or rebased there by git or on a forge is seen without it; this is for
    work that went in otherwise, say by hand and in another shape. The slice counts as merged then,
    and what waits for it may begin. Nothing moves.
    """
    from gitslices.ops.landed import LandedRequest, tell_landed
    from gitslices.output.words import escape

    workspace = open_here(directory)
    id_, goal_id = choose_slice(workspace, slice_id, goal_id)
    report = tell_landed(workspace, LandedRequest(slice_id=id_, commit=commit, goal_id=goal_id))
    return Outcome(
        document=report,
        text=lambda: f"{escape(report.slice_id)}: landed as {report.commit[:10]}\n",
    )


_CONFLICTS_EXAMPLES = """\b
Examples:
  gitslices conflicts
  gitslices conflicts --json
"""


@click.command("conflicts", epilog=_CONFLICTS_EXAMPLES)
@under_way_option
@common_options
def conflicts_command(*, goal_id: str | None, directory: Path, as_json: bool) -> Outcome:
    """Show which slices under way would conflict with each other, and with the target.

    Uncommitted work counts, too. git merges every pair in memory; no branch, index or file is
    touched. Exits 1 if there is a conflict, or a slice that git cannot merge at all.
    """
    from gitslices.ops.conflicts import find_goal_conflicts
    from gitslices.output.text.merging import format_conflicts

    served = find_goal_conflicts(open_here(directory), goal_id)
    return report_served(served, format_conflicts, lambda one: one.conflicts or one.refused)
