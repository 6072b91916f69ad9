"""Work whole goals: workers that claim, run a command, finish and merge until all is merged."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed

from msgspec import Struct

from gitslices.core.errors import (
    Problem,
)
from gitslices.core.model import SliceId
from gitslices.ops.crew import Crew, GoalRun, OnStep, RunRequest, RunStep
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.ready import ready
from gitslices.ops.runs import open_run
from gitslices.ops.work import (
    refuse_missing_program,
)
from gitslices.repo_commands.gates import list_texts, load_gates, refuse_untrusted
from gitslices.slices.goals import Served, choose_goals, refuse_closed, serve_goals
from gitslices.state.store import Goal
from gitslices.system.shell import open_shell
from gitslices.workspace import Workspace


class RunReport(Struct, frozen=True, kw_only=True):
    """What a run did; `failed` says why slices were given up, `left` what the others wait for.

    `empty` are those of `merged` whose command committed nothing. `cost` and `tokens` are what the
    commands have reported.
    """

    goal_id: str
    merged: tuple[SliceId, ...]
    empty: tuple[SliceId, ...] = ()
    failed: tuple[Problem, ...]
    left: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()
    cost: float = 0
    tokens: int = 0


def run(workspace: Workspace, request: RunRequest, on_step: OnStep) -> RunReport:
    """The same for the only goal that is meant."""
    (report,) = run_goals(workspace, request, on_step).reports
    return report


def run_goals(workspace: Workspace, request: RunRequest, on_step: OnStep) -> Served[RunReport]:
    """Claim, run, finish and merge, `request.jobs` slices at a time, until nothing more can be.

    Of all goals that are meant the most urgent slice is next. What is done already is merged first.
    An exception, Ctrl-C among them, ends every command and gives the slices back with their work,
    to be gone on with by the next run. Raises `UntrustedError` where gates have not been approved,
    `InputError` for a program that no slice would find; where there are several goals, that keeps
    nobody from the others. `on_step` is called in several threads.
    """
    with workspace.open_store() as store:
        goals = {goal.goal_id: goal for goal in choose_goals(workspace, store, request.goal_id)}
    begun = serve_goals(tuple(goals), lambda goal_id: _begin(workspace, request, goals[goal_id]))
    work = sum(len(one.goal.plan.slices) for one in begun.reports)
    # The shell inside: it ends the commands, for which the pool would else wait as long as they
    # like.
    size = max(1, min(request.jobs, work))
    with (
        open_run(workspace, request) as seen,
        ThreadPoolExecutor(max_workers=size) as pool,
        open_shell() as shell,
    ):

        def tell(step: RunStep) -> None:
            seen.note(step)
            on_step(step)

        crew = Crew(workspace, request, begun.reports, shell, tell, seen.is_stopping)
        workers = [pool.submit(crew.work) for _ in range(size)]
        try:
            for worker in as_completed(workers):
                worker.result()
        except BaseException:
            # Before the commands are ended: a worker whose command is gone would claim the next
            # slice.
            crew.stop()
            raise
    runs = {one.goal.goal_id: one for one in begun.reports}
    refused = {one.goal_id: one.error for one in begun.failures}

    def report(goal_id: str) -> RunReport:
        if goal_id in refused:
            raise refused[goal_id]
        return _report(workspace, runs[goal_id], crew.halted)

    return serve_goals(tuple(goals), report)


def _begin(workspace: Workspace, request: RunRequest, goal: Goal) -> GoalRun:
    """Refuse what stands in the way of a goal, and merge what is done."""
    refuse_closed(goal)
    gates = load_gates(workspace, goal.plan.target)
    refuse_untrusted(workspace, list(list_texts(gates).values()))
    refuse_missing_program(workspace, goal, request.command[0])
    merged = merge(workspace, MergeRequest(slice_ids=None, goal_id=goal.goal_id)).merged
    return GoalRun(workspace, goal, [one.slice_id for one in merged])


def _report(workspace: Workspace, one: GoalRun, halted: str) -> RunReport:
    if one.lost is not None:
        raise one.lost
    return RunReport(
        goal_id=one.goal.goal_id,
        merged=tuple(one.merged),
        empty=tuple(one.empty),
        failed=tuple(one.failed.values()),
        left=_find_left(workspace, one.goal, one.failed, halted),
        warnings=tuple(dict.fromkeys(one.warnings)),
        cost=one.cost,
        tokens=one.tokens,
    )


def _find_left(
    workspace: Workspace, goal: Goal, failed: Mapping[SliceId, Problem], halted: str
) -> tuple[Problem, ...]:
    report = ready(workspace, goal.goal_id)
    reasons = {one.slice_id: one.reason for one in report.waiting}
    reasons |= dict.fromkeys(
        (one.slice_id for one in report.ready), f"ready, but not begun{halted and ': '}{halted}"
    )
    return tuple(Problem(id_, why) for id_, why in reasons.items() if id_ not in failed)
