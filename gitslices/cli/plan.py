"""`gitslices plan`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs, to_builtins

from gitslices.cli.advice import adjust, draw_advised, find_advice, measure
from gitslices.cli.drawing import Format, draw, find_format, write_drawn, write_lock
from gitslices.cli.live import show_progress
from gitslices.cli.options import (
    JOBS,
    WORKERS,
    Outcome,
    can_ask,
    common_options,
    lock_option,
    open_here,
)
from gitslices.core.model import NewPaths, Order, Plan
from gitslices.git.environment import get_cwd

if TYPE_CHECKING:
    from gitslices.graph.scopes import ScopedGraph
    from gitslices.ops.apply import ApplyReport, ApplyRequest
    from gitslices.ops.plan import PlanRequest
    from gitslices.repo_commands.setup import SetupReport
    from gitslices.workspace import Workspace

_NEW_PATHS = click.Choice(["anchored", "all", "none"])

_EXAMPLES = """\b
Examples:
  gitslices plan                        plan the graph at the repository's root
  gitslices plan tasks.toml --apply     plan, then make branches and worktrees
  gitslices plan --apply --ready        only those that wait for nothing
  gitslices plan --apply --sparse       worktrees with only the files in scope
  gitslices plan --apply --share        for several machines, by the remote's branch
  gitslices plan --apply --workspace    and a workspace file of VS Code beside them
  gitslices plan --check                exit 1 if any tasks overlap
  gitslices plan --explain api          every reason why api waits
  gitslices plan --diff                 what would change of the plan applied
  gitslices plan --workers 4            for four workers, with their schedule
  gitslices plan --owners .github/CODEOWNERS
  gitslices plan --order-likely 0.3     those that may meet one after the other
  gitslices plan --collisions           who may meet though no scope says so
  gitslices plan -o plan.html           draw it
  gitslices plan --write-lock gitslices.lock  what check --ci judges by
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
    "--sparse",
    is_flag=True,
    help="With --apply: check out only what each slice reads, writes or has besides.",
)
@click.option(
    "--jobs",
    type=JOBS,
    metavar="N",
    help="With --apply: fill N worktrees at a time.  [default: the cores]",
)
@click.option(
    "--workspace",
    "code_workspace",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="With --apply: write a workspace file of VS Code with all worktrees.",
)
@click.option(
    "--record",
    is_flag=True,
    help="With --apply: write into a JSON graph how each task is delivered.",
)
@click.option(
    "--share",
    is_flag=False,
    flag_value="",
    metavar="[REMOTE]",
    help="With --apply: share the goal with the clones that join; see: gitslices join.",
)
@click.option("--dry-run", is_flag=True, help="With --share: only list what would be published.")
@click.option("--base", metavar="REV", help="What slices start from.  [default: the target]")
@click.option(
    "--target",
    metavar="BRANCH",
    help="What slices merge into.  [default: as applied before, else the current branch]",
)
@click.option(
    "--order",
    type=click.Choice(["critical-path", "id"]),
    default="critical-path",
    show_default=True,
    help="Who goes first where scopes overlap.",
)
@click.option(
    "--new-paths",
    type=_NEW_PATHS,
    default="anchored",
    show_default=True,
    help="How far paths that do not exist yet count as overlaps.",
)
# The name it had before; to git a branch without a commit is unborn, not a path.
@click.option("--unborn", type=_NEW_PATHS, hidden=True)
@click.option(
    "--workers",
    type=WORKERS,
    metavar="N",
    help="Order for N workers and show their schedule.  [default: no limit]",
)
@click.option(
    "--check",
    is_flag=True,
    help="Exit 1 if an overlap forces an order; with --diff: if anything changes.",
)
@click.option("--strict", is_flag=True, help="Refuse entries that match no file.")
@click.option(
    "--advice/--no-advice", "advice", default=None,
    help="Say what the history advises.  [default: once suggest has mined it]",
)  # fmt: skip
@click.option("--contention", is_flag=True, help="Try how often what orders slices would merge.")
@click.option("--collisions", is_flag=True, help="Show slices in no order that may meet anyway.")
@click.option(
    "--order-likely",
    "likely",
    type=click.FloatRange(0.01, 1),
    metavar="P",
    help="Order slices that meet with this chance or more, by --collisions: 0.3, say.",
)
@click.option(
    "--owners",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Take the owners of tasks that name none from FILE, as CODEOWNERS has them.",
)
@click.option("--explain", metavar="SLICE", help="Show every reason why SLICE waits.")
@click.option("--diff", is_flag=True, help="Show what would change of the plan applied.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "mermaid", "dot", "svg", "html"]),
    help="What to print of the plan.  [default: by the ending of -o FILE, else text]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the plan to FILE instead of printing it.",
)
@click.option(
    "--write-lock",
    "lock_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what a clean clone judges branches by; commit it as gitslices.lock.",
)
@lock_option
@common_options
def command(
    *,
    file: str | None,
    applies: bool,
    ready: bool,
    allow_dirty: bool,
    sparse: bool,
    jobs: int | None,
    code_workspace: str | None,
    record: bool,
    share: str | None,
    dry_run: bool,
    base: str | None,
    target: str | None,
    order: Order,
    new_paths: NewPaths,
    unborn: NewPaths | None,
    workers: int | None,
    check: bool,
    strict: bool,
    advice: bool | None,
    contention: bool,
    collisions: bool,
    likely: float | None,
    owners: Path | None,
    explain: str | None,
    diff: bool,
    format_: Format | None,
    output: Path | None,
    lock_file: Path | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Plan the task graph in FILE and show waves, and why each slice waits.

    FILE is JSON, YAML or TOML, `-` standard input; a relative path starts from the current
    directory, also with -C. Without it, the first of gitslices.toml, gitslices.yaml, gitslices.json
    and task_graph.json at the repository's root.

    Nothing is changed unless --apply is given; then every slice gets a branch and a linked
    worktree. Doing it again changes nothing.
    """
    from gitslices.cli.graphs import load_source
    from gitslices.cli.share import (
        plan_shared,
        preview_shared,
        refuse_dry_run,
        share_planned,
        tell_shared,
    )  # fmt: skip
    from gitslices.ops.plan import PlanRequest, add_addresses

    refuse_dry_run(share=share, dry_run=dry_run)
    format_ = format_ or find_format(output)
    _refuse_options_without_apply(
        applies=applies, ready=ready, allow_dirty=allow_dirty, sparse=sparse, jobs=jobs,
        workspace=code_workspace is not None, record=record, share=share is not None,
    )  # fmt: skip
    _refuse_together(apply=applies, explain=explain, diff=diff)
    _refuse_together(explain=explain, check=check)
    _refuse_together(contention=contention, apply=applies, explain=explain, diff=diff)
    _refuse_together(collisions=collisions, apply=applies, explain=explain, diff=diff)
    _refuse_together(explain=explain, diff=diff, output=output)
    # Beside -o there are two answers: the document, and the file.
    _refuse_together(json=as_json, format=format_ not in {"text", "json"} and output is None)
    workspace = open_here(directory, lock_timeout=lock_timeout)
    scoped = load_source(file, workspace.repo.worktree or directory)
    recorded = _find_recorded(file, scoped) if record else None
    request = PlanRequest(
        scoped=scoped,
        base=base,
        target=target,
        order=order,
        new_paths=unborn or new_paths,
        workers=workers,
        strict=strict,
    )
    request, told = adjust(workspace, request, owners, likely)
    if explain is not None:
        return _explain(workspace, request, explain)
    if diff:
        return _compare(workspace, request, check=check)
    made = plan_shared(workspace, request, share)
    made = structs.replace(made, warnings=(*made.warnings, *told))
    if share is not None and dry_run:
        return preview_shared(workspace, request, made, share)
    wrote = "" if output is None else write_drawn(made, format_, output)
    if lock_file is not None:
        write_lock(made, lock_file)
    code = 1 if check and made.overlap_serializations else 0
    shown = add_addresses(workspace, made)
    if contention:
        return measure(workspace, shown)
    if not applies:
        advised = find_advice(workspace, request.scoped, made, wanted=advice, meetings=collisions)
        return Outcome(
            document=shown if advised is None else {**to_builtins(shown), "advice": advised},
            text=lambda: wrote or draw_advised(shown, advised, format_),
            exit_code=code,
        )
    # Planning alone does not wait for what makes worktrees.
    from gitslices.ops.apply import ApplyRequest

    options = ApplyRequest(
        graph=request.scoped.graph,
        plan=made,
        ready_only=ready,
        allow_dirty=allow_dirty,
        sparse=sparse,
        jobs=jobs or os.cpu_count() or 1,
    )
    code_path = _name_code_workspace(workspace, made, code_workspace)
    report, setup = _apply(workspace, options, quiet=as_json)
    document = {**to_builtins(shown), "applied": report, "setup": setup}
    if share is not None:
        document["shared"] = share_planned(workspace, made, share)
    if code_path is not None:
        from gitslices.ops.code_workspace import write_code_workspace

        write_code_workspace(workspace, made, code_path)
        document["code_workspace"] = str(code_path)
    if recorded is not None:
        from gitslices.cli.exchange import record_into

        record_into(workspace, recorded, made.goal_id)
        document["recorded"] = str(recorded)
    return Outcome(
        document=document,
        text=lambda: (
            (wrote or _format_applied(made, report, setup, format_))
            + _tell_written(code_path)
            + _tell_written(recorded)
            + tell_shared(document.get("shared"))
        ),
        exit_code=code,
    )


def _name_code_workspace(workspace: "Workspace", plan: Plan, given: str | None) -> Path | None:
    """Where to write the workspace file, if anywhere; refused before anything is made."""
    if given is None:
        return None
    from gitslices.cli.options import make_absolute
    from gitslices.ops.code_workspace import ENDING, load_code_workspace, name_code_workspace

    # The next word may be the graph, and meant so.
    if given and not given.endswith(ENDING):
        raise click.UsageError(f"--workspace takes a file that ends in {ENDING}, not {given!r}")
    path = make_absolute(Path(given)) if given else name_code_workspace(workspace, plan)
    load_code_workspace(path)
    return path


def _find_recorded(file: str | None, scoped: "ScopedGraph") -> Path:
    """The graph file that is written into, which is to be JSON; refused before anything is made."""
    if file == "-" or scoped.source.form != "JSON":
        raise click.UsageError("--record writes into a JSON graph file, and this is none")
    return get_cwd() / (scoped.source.name if file is None else file)


def _tell_written(path: Path | None) -> str:
    from gitslices.output.words import escape

    return f"wrote {escape(str(path))}\n" if path is not None else ""


def _refuse_options_without_apply(*, applies: bool, **given: object) -> None:
    for name, value in given.items():
        if value and not applies:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --apply")


def _refuse_together(**given: object) -> None:
    names = [f"--{name}" for name, value in given.items() if value]
    if len(names) > 1:
        raise click.UsageError(f"{' and '.join(names)} exclude each other")


def _explain(workspace: "Workspace", request: "PlanRequest", slice_id: str) -> Outcome:
    from gitslices.ops.plan import ExplainRequest, explain
    from gitslices.output.text.plan import format_explanation

    explanation = explain(workspace, ExplainRequest(plan=request, slice_id=slice_id))
    return Outcome(document=explanation, text=lambda: format_explanation(explanation))


def _compare(workspace: "Workspace", request: "PlanRequest", *, check: bool) -> Outcome:
    from gitslices.ops.apply import ApplyRequest, find_refusals
    from gitslices.ops.plan import diff, plan
    from gitslices.output.text.plan import format_changes

    wanted = ApplyRequest(graph=request.scoped.graph, plan=plan(workspace, request))
    refused = find_refusals(workspace, wanted)
    changes = structs.replace(diff(workspace, request), refused=refused)
    return Outcome(
        document=changes,
        text=lambda: format_changes(changes),
        exit_code=1 if check and not changes.is_empty else 0,
    )


def _apply(
    workspace: "Workspace", request: "ApplyRequest", *, quiet: bool
) -> tuple["ApplyReport", "SetupReport"]:
    from gitslices.cli.trust import ask
    from gitslices.ops.apply import apply
    from gitslices.repo_commands.setup import SetupRequest, refuse, set_up

    with show_progress(quiet=quiet) as on_progress:
        report = apply(workspace, request, on_progress)
    return report, set_up(
        workspace,
        SetupRequest(goal_id=request.plan.goal_id, jobs=request.jobs),
        refuse if quiet or not can_ask() else ask,
    )


def _format_applied(
    plan: Plan, report: "ApplyReport", setup: "SetupReport", format_: Format
) -> str:
    text = draw(plan, format_)
    if format_ != "text":
        return text
    from gitslices.output.text.plan import format_applied

    return f"{text}\n{format_applied(plan, report, setup)}"
