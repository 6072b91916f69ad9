"""`gitslices plan`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from gitslices.cli.options import Outcome, common_options, lock_option, open_here
from gitslices.cli.progress import show_progress
from gitslices.model import Order, Plan, Unborn

if TYPE_CHECKING:
    from gitslices.ops.apply import ApplyReport
    from gitslices.ops.plan import PlanRequest
    from gitslices.workspace import Workspace

_EXAMPLES = """\b
Examples:
  gitslices plan                        plan the graph at the repository's root
  gitslices plan tasks.toml --apply     plan, then make branches and worktrees
  gitslices plan --apply --ready        only those that wait for nothing
  gitslices plan --check                exit 1 if any tasks overlap
  make-graph | gitslices plan - --json  read standard input, answer a program
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", required=False)
@click.option("--apply", "applies", is_flag=True, help="Make the branches and worktrees.")
@click.option("--ready", is_flag=True, help="With --apply: only slices that wait for nothing.")
@click.option(
    "--allow-dirty",
    is_flag=True,
    help="With --apply: go on beside uncommitted changes in the main worktree.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --apply: fill N worktrees at a time.  [default: the cores]",
)
@click.option("--base", metavar="REV", help="What slices start from.  [default: the target]")
@click.option(
    "--target", metavar="BRANCH", help="What slices merge into.  [default: the current branch]"
)
@click.option(
    "--order",
    type=click.Choice(["critical-path", "id"]),
    default="critical-path",
    show_default=True,
    help="Who goes first where scopes overlap.",
)
@click.option(
    "--unborn",
    type=click.Choice(["anchored", "all", "none"]),
    default="anchored",
    show_default=True,
    help="How far paths that do not exist yet count as overlaps.",
)
@click.option("--check", is_flag=True, help="Exit 1 if an overlap forces an order.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What to print.",
)
@lock_option
@common_options
def command(
    *,
    file: str | None,
    applies: bool,
    ready: bool,
    allow_dirty: bool,
    jobs: int | None,
    base: str | None,
    target: str | None,
    order: Order,
    unborn: Unborn,
    check: bool,
    format_: str,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Plan the task graph in FILE and show waves, and why each slice waits.

    FILE is JSON, YAML or TOML, `-` standard input; without it, the first of gitslices.toml,
    gitslices.yaml, gitslices.json and task_graph.json at the repository's root.

    Nothing is changed unless --apply is given; then every slice gets a branch and a linked
    worktree. Doing it again changes nothing.
    """
    from gitslices.cli.source import load_source
    from gitslices.ops.plan import PlanRequest, plan

    _refuse_options_without_apply(applies=applies, ready=ready, allow_dirty=allow_dirty, jobs=jobs)
    workspace = open_here(directory, lock_timeout=lock_timeout)
    graph = load_source(file, workspace.repo.worktree or directory)
    request = PlanRequest(graph=graph, base=base, target=target, order=order, unborn=unborn)
    made = plan(workspace, request)
    report = (
        _apply(workspace, request, made, ready, allow_dirty, jobs, as_json) if applies else None
    )
    return Outcome(
        document=made if report is None else {**to_builtins(made), "applied": report},
        text=lambda: _format(made, report, format_),
        exit_code=1 if check and made.overlap_serializations else 0,
    )


def _refuse_options_without_apply(*, applies: bool, **given: object) -> None:
    for name, value in given.items():
        if value and not applies:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --apply")


def _apply(
    workspace: "Workspace",
    request: "PlanRequest",
    made: Plan,
    ready: bool,
    allow_dirty: bool,
    jobs: int | None,
    quiet: bool,
) -> "ApplyReport":
    from gitslices.ops.apply import ApplyRequest, apply

    with show_progress(quiet=quiet) as on_progress:
        return apply(
            workspace,
            ApplyRequest(
                graph=request.graph,
                plan=made,
                ready_only=ready,
                allow_dirty=allow_dirty,
                jobs=jobs or os.cpu_count() or 1,
            ),
            on_progress,
        )


def _format(plan: Plan, report: "ApplyReport | None", format_: str) -> str:
    if format_ == "json":
        from gitslices.output.document import encode_document

        return encode_document(plan).decode()
    from gitslices.output.plan_text import format_plan

    text = format_plan(plan)
    if report is None:
        return text
    from gitslices.output.apply_text import format_applied

    return f"{text}\n{format_applied(plan, report)}"
