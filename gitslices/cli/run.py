"""`gitslices run`."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.live import show_run
from gitslices.cli.options import (
    FAILURES,
    JOBS,
    RETRIES,
    Outcome,
    Seconds,
    common_options,
    fetch_first,
    fetch_option,
    find_user,
    holder_option,
    lock_option,
    open_here,
    prefer_option,
    span_option,
    ttl_option,
    under_way_option,
)
from gitslices.cli.several import report_served

if TYPE_CHECKING:
    from gitslices.rules.claiming import Prefer

_EXAMPLES = """\b
Examples:
  gitslices run -- ./agent.sh {task_file}
  gitslices run --timeout 30m --stall 5m --max-failures 3 -- ./agent.sh {task_file}
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
@span_option(
    "--backoff", "Wait before a slice is tried again, and twice as long each further time."
)
@span_option("--timeout", "End a command that takes longer, with all that it started.")
@span_option("--stall", "Tell of a command that neither prints nor changes a file for so long.")
@click.option(
    "--max-failures", type=FAILURES, metavar="N", help="Begin nothing more once N slices failed.",
)  # fmt: skip
@click.option(
    "--budget", type=Seconds(), metavar="COST",
    help="Begin nothing more once the commands have reported so much.",
)  # fmt: skip
@prefer_option
@holder_option("In whose name slices are claimed.")
@ttl_option(
    "How long a lease outlives a killed run: 90s, 30m, 2h; a bare number is seconds.", "10m"
)
@fetch_option
@under_way_option
@lock_option
@common_options
def command(
    *,
    fetch: bool,
    command_line: tuple[str, ...],
    jobs: int | None,
    retries: int,
    backoff: int | None,
    timeout: int | None,
    stall: int | None,
    max_failures: int | None,
    budget: float | None,
    prefer: "Prefer",
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

    Exit status 75 means not now: the slice goes back without a failure, and no command is started
    for a minute, or for as long as the command says. It can report in the file $GITSLICES_REPORT,
    in lines of cost=0.42, tokens=1200, status=waiting for a key, note=TEXT and retry_after=SECONDS.
    A silent command is ended, too, where [run] stall is "end".

    Ctrl-C ends what is running and gives the slices back with their work; the next run goes on.
    Exits 1 if anything is left in the end.
    """
    from gitslices.ops.crew import RunRequest
    from gitslices.ops.run import run_goals
    from gitslices.ops.watch import CommandLimits
    from gitslices.output.text.status import format_run

    program = command_line[0]
    # A relative path is looked up in each worktree.
    relative = "/" in program and not program.startswith("/")
    if not relative and shutil.which(program, path=os.environ.get("PATH")) is None:
        raise click.UsageError(f"there is no program {program!r}")
    workspace = open_here(directory, lock_timeout=lock_timeout)
    fetch_first(workspace, goal_id, asked=fetch)
    request = RunRequest(
        command=command_line,
        holder=holder if holder is not None else find_user(),
        goal_id=goal_id,
        jobs=jobs or os.cpu_count() or 1,
        retries=retries,
        ttl=ttl,
        backoff=backoff or 0,
        max_failures=max_failures,
        budget=budget,
        prefer=prefer,
        limits=CommandLimits(timeout=timeout, stall=stall),
    )
    with show_run(workspace, goal_id, quiet=as_json) as on_step:
        served = run_goals(workspace, request, on_step)
    return report_served(served, format_run, lambda one: one.failed or one.left)
