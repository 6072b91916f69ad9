"""Work whole goals: workers that claim, run a command, finish and merge until all is merged."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed

from msgspec import Struct

from gitslices.core.errors import (
    Problem,
)
from gitslices.core.model import SliceId
from gitslices.ops.crew import Crew, OnStep, RunRequest, RunStep
from gitslices.ops.goal_run import GoalRun
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
    work = Counter(name for one in begun.reports for name in one.agents.values())
    # The shell inside: it ends the commands, for which the pool would else wait as long as they
    # like.
    crews = {one: min(one.jobs, work[one.name]) for one in request.commands if work[one.name]}
    size = max(1, sum(crews.values()))
    with (
        open_run(workspace, request) as seen,
        ThreadPoolExecutor(max_workers=size) as pool,
        open_shell() as shell,
    ):

        def tell(step: RunStep) -> None:
            seen.note(step)
            on_step(step)

        crew = Crew(workspace, request, begun.reports, shell, tell, seen.is_stopping)
        for agent, number in crews.items():
            crew.hire(agent, number)
        workers = [pool.submit(crew.work, one) for one in crews for _ in range(crews[one])]
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
    for one in request.commands:
        refuse_missing_program(workspace, goal, one.command[0])
    merged = merge(workspace, MergeRequest(slice_ids=None, goal_id=goal.goal_id)).merged
    names = {one.name for one in request.commands}
    return GoalRun(workspace, goal, [one.slice_id for one in merged], names)


def _report(workspace: Workspace, one: GoalRun, halted: str) -> RunReport:
    if one.lost is not None:
        raise one.lost
    return RunReport(
        goal_id=one.goal.goal_id,
        merged=tuple(one.merged),
        empty=tuple(one.empty),
        failed=tuple(one.failed.values()),
        left=_find_left(workspace, one, halted),
        warnings=tuple(dict.fromkeys(one.warnings)),
        cost=one.cost,
        tokens=one.tokens,
    )


def _find_left(workspace: Workspace, one: GoalRun, halted: str) -> tuple[Problem, ...]:
    report = ready(workspace, one.goal.goal_id)
    reasons = {each.slice_id: each.reason for each in report.waiting}
    for each in report.ready:
        why = halted if each.slice_id in one.agents else "no --agent is for it"
        reasons[each.slice_id] = f"ready, but not begun{why and ': '}{why}"
    return tuple(Problem(id_, why) for id_, why in reasons.items() if id_ not in one.failed)
