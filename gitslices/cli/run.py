"""`gitslices run`."""

import os
import re
import shlex
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
    from gitslices.ops.crew import RunRequest, RunStep
    from gitslices.ops.goal_run import AgentCommand
    from gitslices.rules.claiming import Prefer
    from gitslices.workspace import Workspace

_EXAMPLES = """\b
Examples:
  gitslices run -- ./agent.sh {task_file}
  gitslices run --timeout 30m --stall 5m --max-failures 3 -- ./agent.sh {task_file}
  gitslices run --agent claude=2:"claude -p {task_file}" --agent codex=1:"codex exec {task_file}"
  gitslices run --detach -- ./agent.sh {task_file}
  gitslices run --status
  gitslices run --stop --now
  gitslices run --remote origin --once -- ./agent.sh {task_file}   one slice, in a CI job
  gitslices run --jobs 4 --retries 1 -- agent --task {task_file} --dir {worktree}
"""


def _parse_agents(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> "tuple[AgentCommand, ...]":
    from gitslices.ops.goal_run import AgentCommand

    found = []
    for value in values:
        parts = re.fullmatch(r"([^=]+)=([0-9]{1,9}):(.*)", value, re.DOTALL)
        if parts is None:
            raise click.BadParameter(f'{value!r} is not like claude=2:"claude -p {{task_file}}".')
        try:
            words = tuple(shlex.split(parts[3]))
        except ValueError as error:
            raise click.BadParameter(f"{parts[3]!r} is no command: {error}.") from error
        if not words:
            raise click.BadParameter(f"{value!r} has no command.")
        jobs = JOBS.convert(parts[2], param, ctx)
        found.append(AgentCommand(name=parts[1], jobs=jobs, command=words))
    if len({one.name for one in found}) < len(found):
        raise click.BadParameter("one name is given twice.")
    return tuple(found)


@click.command(epilog=_EXAMPLES)
@click.argument("command_line", metavar="-- COMMAND...", nargs=-1)
@click.option(
    "--agent", "agents", metavar="NAME=JOBS:COMMAND", multiple=True, callback=_parse_agents,
    help="A command for the slices whose task has NAME as its metadata.agent or its owner_role, "
    "JOBS at a time; repeatable.",
)  # fmt: skip
@click.option("--detach", is_flag=True, help="Work in the background, and return at once.")
@click.option("--status", "shows", is_flag=True, help="Show the runs at work, and the last ones.")
@click.option("--stop", "stops", is_flag=True, help="Have the runs at work begin nothing more.")
@click.option("--now", is_flag=True, help="With --stop: end their commands, too.")
@click.option("--as-run", "run_id", default="", hidden=True)
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
@click.option("--once", is_flag=True, help="Work one slice, and wait for nobody.")
@click.option(
    "--remote", metavar="REMOTE", help="Join the goals that are shared on REMOTE first.",
)  # fmt: skip
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
    agents: "tuple[AgentCommand, ...]",
    detach: bool,
    shows: bool,
    stops: bool,
    now: bool,
    run_id: str,
    jobs: int | None,
    retries: int,
    backoff: int | None,
    timeout: int | None,
    stall: int | None,
    max_failures: int | None,
    budget: float | None,
    prefer: "Prefer",
    once: bool,
    remote: str | None,
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
    Exits 1 if anything is left in the end; with --once, if no slice was ready or it has failed.

    With --detach it works on when the terminal is closed. --status and --stop are about all runs in
    the repository: a second run beside one takes part in the same work. A run that is stopped ends
    once its commands have; with --now these are ended, and their slices given back, at once.
    """
    from gitslices.ops.crew import RunRequest
    from gitslices.ops.watch import CommandLimits

    if shows or stops:
        if command_line or detach or (shows and stops) or (now and not stops):
            raise click.UsageError("--status, --stop and --stop --now go without a command")
        return _see_runs(open_here(directory, lock_timeout=lock_timeout), stops=stops, now=now)
    if run_id and not re.fullmatch("[0-9a-f]{8}", run_id):
        raise click.UsageError(f"{run_id!r} is no run")
    if once and agents:
        raise click.UsageError("--once is for one command: give it behind --, without --agent")
    if not (command_line or agents) or now:
        raise click.UsageError("--now goes with --stop" if now else "give a command behind --")
    for program in (*command_line[:1], *(one.command[0] for one in agents)):
        _refuse_missing(program)
    workspace = open_here(directory, lock_timeout=lock_timeout)
    if remote is not None:
        from gitslices.ops.share import JoinRequest, join

        join(workspace, JoinRequest(remote=remote))
    fetch_first(workspace, goal_id, asked=fetch)
    request = RunRequest(
        command=command_line,
        holder=holder if holder is not None else find_user(),
        goal_id=goal_id,
        jobs=1 if once else jobs or os.cpu_count() or 1,
        retries=retries,
        ttl=ttl,
        backoff=backoff or 0,
        max_failures=max_failures,
        budget=budget,
        prefer=prefer,
        run_id=run_id,
        agents=agents,
        limits=CommandLimits(timeout=timeout, stall=stall),
        once=once,
    )
    if detach:
        return _detach(workspace, request, lock_timeout)
    return _work(workspace, request, quiet=as_json)


def _work(workspace: "Workspace", request: "RunRequest", *, quiet: bool) -> Outcome:
    from gitslices.ops.run import run_goals
    from gitslices.output.text.status import format_run

    stages: set[str] = set()
    with show_run(workspace, request.goal_id, quiet=quiet) as on_step:

        def tell(step: "RunStep") -> None:
            stages.add(step.stage)
            on_step(step)

        served = run_goals(workspace, request, tell)
    if request.once:
        # What was done before is merged first, and is no slice that this run has worked.
        return report_served(served, format_run, lambda one: one.failed or "merged" not in stages)
    return report_served(served, format_run, lambda one: one.failed or one.left)


def _refuse_missing(program: str) -> None:
    # A relative path is looked up in each worktree.
    relative = "/" in program and not program.startswith("/")
    if not relative and shutil.which(program, path=os.environ.get("PATH")) is None:
        raise click.UsageError(f"there is no program {program!r}")


def _see_runs(workspace: "Workspace", *, stops: bool, now: bool) -> Outcome:
    from gitslices.ops.runs import read_runs, stop_runs
    from gitslices.output.text.runs import format_runs

    report = stop_runs(workspace, now=now) if stops else read_runs(workspace)
    return Outcome(document=report, text=lambda: format_runs(report, workspace.now()))


def _detach(workspace: "Workspace", request: "RunRequest", lock_timeout: float) -> Outcome:
    from gitslices.ops.runs import detach_run, make_run_id
    from gitslices.output.words import escape

    run_id = make_run_id()
    options = {
        "--jobs": request.jobs,
        "--retries": request.retries,
        "--backoff": request.backoff or None,
        "--timeout": request.limits.timeout,
        "--stall": request.limits.stall,
        "--max-failures": request.max_failures,
        "--budget": request.budget,
        "--prefer": request.prefer,
        "--holder": request.holder,
        "--ttl": request.ttl,
        "--goal": request.goal_id,
        "--lock-timeout": lock_timeout,
        "--as-run": run_id,
    }
    # Joined: a value that begins with a dash is no option of its own.
    given = [f"{name}={value}" for name, value in options.items() if value is not None]
    given += ["--once"] * request.once
    given += [f"--agent={one.name}={one.jobs}:{shlex.join(one.command)}" for one in request.agents]
    begun = detach_run(workspace, run_id, [*given, "--", *request.command])
    return Outcome(
        document=begun,
        text=lambda: (
            f"run {run_id} is at work in the background (process {begun.process})\n"
            f"  what it prints  {escape(begun.log)}\n"
            "  see it          gitslices run --status\n"
            "  end it          gitslices run --stop\n"
        ),
    )
