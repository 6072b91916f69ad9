"""Work a whole goal: a command for each slice that is ready, until everything is merged."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed

from msgspec import Struct

from gitslices.errors import Problem
from gitslices.model import SliceId
from gitslices.ops.crew import Crew, OnStep, RunRequest
from gitslices.ops.gate_runs import list_texts, load_gates, refuse_untrusted
from gitslices.ops.goals import choose_goal
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.program import refuse_missing_program
from gitslices.ops.ready import ready
from gitslices.shell import open_shell
from gitslices.state.store import Goal
from gitslices.workspace import Workspace


class RunReport(Struct, frozen=True, kw_only=True):
    """What a run did; `failed` says why slices were given up, `left` what the others wait for."""

    goal_id: str
    merged: tuple[SliceId, ...]
    failed: tuple[Problem, ...]
    left: tuple[Problem, ...]


def run(workspace: Workspace, request: RunRequest, on_step: OnStep) -> RunReport:
    """Claim, run, finish and merge, `request.jobs` slices at a time, until nothing more can be.

    What is done already is merged first. An exception, Ctrl-C among them, ends every command and
    gives the slices back with their work, to be gone on with by the next run. Raises
    `UntrustedError` where gates have not been approved, `InputError` for a program that no slice
    would find. `on_step` is called in several threads.
    """
    with workspace.open_store() as store:
        goal = choose_goal(store, request.goal_id)
    refuse_untrusted(workspace, list(list_texts(load_gates(workspace, goal.plan.target)).values()))
    refuse_missing_program(workspace, goal, request.command[0])
    merged = merge(workspace, MergeRequest(slice_ids=None, goal_id=goal.goal_id)).merged
    jobs = max(1, min(request.jobs, len(goal.plan.slices)))
    with ThreadPoolExecutor(max_workers=jobs) as pool, open_shell() as shell:
        crew = Crew(workspace, request, goal, shell, on_step)
        workers = [pool.submit(crew.work) for _ in range(jobs)]
        try:
            for worker in as_completed(workers):
                worker.result()
        except BaseException:
            crew.stop()
            raise
    return RunReport(
        goal_id=goal.goal_id,
        merged=(*(one.slice_id for one in merged), *crew.merged),
        failed=tuple(crew.failed.values()),
        left=_find_left(workspace, goal, crew.failed),
    )


def _find_left(
    workspace: Workspace, goal: Goal, failed: Mapping[SliceId, Problem]
) -> tuple[Problem, ...]:
    report = ready(workspace, goal.goal_id)
    reasons = {one.slice_id: one.reason for one in report.waiting}
    reasons |= dict.fromkeys((one.slice_id for one in report.ready), "ready, but not begun")
    return tuple(Problem(id_, why) for id_, why in reasons.items() if id_ not in failed)
