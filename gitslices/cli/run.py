"""`gitslices run`."""

import os
import shutil
from pathlib import Path

import click

from gitslices.cli.live import show_run
from gitslices.cli.options import (
    JOBS,
    RETRIES,
    Outcome,
    common_options,
    find_user,
    holder_option,
    lock_option,
    open_here,
    ttl_option,
    under_way_option,
)
from gitslices.cli.several import report_served

_EXAMPLES = """\b
Examples:
  gitslices run -- ./agent.sh {task_file}
  gitslices run --jobs 4 --retries 1 -- agent --task {task_file} --dir {worktree}
"""


@click.command(epilog=_EXAMPLES)
@click.argument("command_line", metavar="-- COMMAND...", nargs=-1, required=True)
@click.option(
    "--jobs", type=JOBS, metavar="N",
    help="Work on N slices at a time.  [default: the cores]",
)  # fmt: skip
@click.option(
    "--retries", type=RETRIES, default=0, show_default=True, metavar="N",
    help="Try a slice N times more after it failed.",
)  # fmt: skip
@holder_option("In whose name slices are claimed.")
@ttl_option(
    "How long a lease outlives a killed run: 90s, 30m, 2h; a bare number is seconds.", "10m"
)
@under_way_option
@lock_option
@common_options
def command(
    *,
    command_line: tuple[str, ...],
    jobs: int | None,
    retries: int,
    holder: str | None,
    ttl: int,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Work all goals under way: for each ready slice claim it, run COMMAND, finish it and merge it.

    COMMAND runs in the slice's worktree, where a relative path to it is looked up, and commits what
    it makes; exit status 0 means finished. One that commits nothing has failed, unless [run] empty
    is "ok" in .gitslices/config.toml. It is run as it stands, without a shell; {slice},
    {goal}, {branch}, {target}, {worktree}, {token}, {attempt}, {task_file} and {reason_file} in its
    words are filled in, other braces stay. GITSLICES_SLICE, GITSLICES_TASK_FILE and their like are
    in its environment. The task file holds the task, the claim, the number of the attempt and why
    the last one failed, as JSON; the reason file the same reason in words, or nothing. What it
    prints goes to attempt-N.log in .git/gitslices/logs/, where run.log is the newest.

    Ctrl-C ends what is running and gives the slices back with their work; the next run goes on.
    Exits 1 if anything is left in the end.
    """
    from gitslices.ops.run import RunRequest, run_goals
    from gitslices.output.text.status import format_run

    program = command_line[0]
    # A relative path is looked up in each worktree.
    relative = "/" in program and not program.startswith("/")
    if not relative and shutil.which(program, path=os.environ.get("PATH")) is None:
        raise click.UsageError(f"there is no program {program!r}")
    workspace = open_here(directory, lock_timeout=lock_timeout)
    request = RunRequest(
        command=command_line,
        holder=holder if holder is not None else find_user(),
        goal_id=goal_id,
        jobs=jobs or os.cpu_count() or 1,
        retries=retries,
        ttl=ttl,
    )
    with show_run(workspace, goal_id, quiet=as_json) as on_step:
        served = run_goals(workspace, request, on_step)
    return report_served(served, format_run, lambda one: one.failed or one.left)
