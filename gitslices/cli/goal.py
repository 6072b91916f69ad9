"""`gitslices goal`: list, close, reopen, rename."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options, lock_option, offer, probe_here

_EXAMPLES = """\b
Examples:
  gitslices goal list
  gitslices goal close auth-rewrok           a goal that nobody wants any more
  gitslices goal rename auth-rewrok auth-rework
"""


@click.group(epilog=_EXAMPLES, no_args_is_help=False)
def command() -> None:
    """List goals, end one before its slices are all merged, call one otherwise.

    A goal whose slices are all merged or dropped is finished by itself.
    """


@command.command("list")
@common_options
def list_command(*, directory: Path, as_json: bool) -> Outcome:
    """Show every goal: how far it is, its slices by their status, its target."""
    from gitslices.ops.goal import list_goals

    report = list_goals(probe_here(directory))

    def text() -> str:
        from gitslices.output.text.goals import format_goals

        return format_goals(report)

    return Outcome(document=report, text=text)


@command.command("close")
@click.argument("goal_id", metavar="GOAL", shell_complete=offer("goals"))
@lock_option
@common_options
def close_command(*, goal_id: str, lock_timeout: float, directory: Path, as_json: bool) -> Outcome:
    """End GOAL: its record stays, its slices are given to nobody and asked for no more.

    Refuses while somebody has one of them, or one has work that is not in the target. `gitslices
    prune` then removes the worktrees that are left; `gitslices goal reopen` takes it back.
    """
    from gitslices.ops.goal import close_goal
    from gitslices.output.words import escape

    report = close_goal(probe_here(directory, lock_timeout=lock_timeout), goal_id)
    return Outcome(document=report, text=lambda: f"{escape(goal_id)}: closed\n")


@command.command("reopen")
@click.argument("goal_id", metavar="GOAL", shell_complete=offer("goals"))
@lock_option
@common_options
def reopen_command(*, goal_id: str, lock_timeout: float, directory: Path, as_json: bool) -> Outcome:
    """Open GOAL again after `goal close`."""
    from gitslices.ops.goal import reopen_goal
    from gitslices.output.words import escape

    report = reopen_goal(probe_here(directory, lock_timeout=lock_timeout), goal_id)
    state = report.goal.state.replace("-", " ")
    return Outcome(document=report, text=lambda: f"{escape(goal_id)}: {state} again\n")


@command.command("rename")
@click.argument("goal_id", metavar="GOAL", shell_complete=offer("goals"))
@click.argument("new_id", metavar="NEW")
@lock_option
@common_options
def rename_command(
    *, goal_id: str, new_id: str, lock_timeout: float, directory: Path, as_json: bool
) -> Outcome:
    """Call GOAL NEW from now on; its branches and worktrees keep their names.

    Refuses while somebody has one of its slices. The `goal_id` of its task graph is to be changed
    by hand, or the next `plan --apply` makes another goal of it.
    """
    from gitslices.ops.goal import rename
    from gitslices.output.words import escape

    report = rename(probe_here(directory, lock_timeout=lock_timeout), goal_id, new_id)
    return Outcome(
        document=report,
        text=lambda: (
            f"{escape(goal_id)} is {escape(new_id)} now; change goal_id in its task graph, too\n"
        ),
    )
