"""The plan of a goal as it is now: where each slice stands, and the critical path of the rest."""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct, structs

from gitslices.core.model import FINISHED, Plan, PlanProgress, SliceId
from gitslices.ops.status import SliceState, StatusReport, status
from gitslices.planning.schedule import find_critical_path
from gitslices.slices.goals import GoalSummary
from gitslices.state.store import Store
from gitslices.workspace import Workspace


class GoalProgress(Struct, frozen=True, kw_only=True):
    """One goal: its plan with what has become of it, and the slices in the order of the plan."""

    goal: GoalSummary
    plan: Plan
    slices: tuple[SliceState, ...]


def read_progress(
    workspace: Workspace, goal_id: str | None, *, quick: bool = False
) -> tuple[GoalProgress, ...]:
    """How far the plan of each goal is that `status` means, in its order; reads only.

    With `quick` no worktree is looked at.
    """
    with workspace.open_store() as store:
        report, plans = _read_together(workspace, store, goal_id, quick=quick)
        return tuple(
            _bring_up_to_date(
                goal,
                plans[goal.goal_id],
                [one for one in report.slices if one.goal_id == goal.goal_id],
                {one.slice_id: one.allowed_scope for one in store.read_slices(goal.goal_id)},
            )
            for goal in report.goals
        )


def _read_together(
    workspace: Workspace, store: Store, goal_id: str | None, *, quick: bool
) -> tuple[StatusReport, dict[str, Plan]]:
    """The status, and the plans that it tells of."""
    while True:
        plans = {goal.goal_id: goal.plan for goal in store.read_goals()}
        report = status(workspace, goal_id, quick=quick)
        shown = {goal.goal_id for goal in report.goals}
        planned = [
            (id_, each.slice_id) for id_ in shown & plans.keys() for each in plans[id_].slices
        ]
        # Another plan may be applied, or a goal be renamed, between the two.
        if shown <= plans.keys() and set(planned) == {
            (one.goal_id, one.slice_id) for one in report.slices
        }:
            return report, plans


def _bring_up_to_date(
    goal: GoalSummary,
    plan: Plan,
    slices: Sequence[SliceState],
    allowed: Mapping[SliceId, tuple[str, ...]],
) -> GoalProgress:
    finished = {one.slice_id for one in slices if one.status in FINISHED}
    begun = {one.slice_id for one in slices if one.holder or one.ahead or one.dirty} - finished
    path, cost = _find_path_left(plan, finished)
    ids = [each.slice_id for each in plan.slices]
    progress = PlanProgress(
        merged=tuple(id_ for id_ in ids if id_ in finished),
        under_way=tuple(id_ for id_ in ids if id_ in begun),
        left=tuple(id_ for id_ in ids if id_ not in finished | begun),
        allowed={id_: allowed[id_] for id_ in ids if allowed.get(id_)},
    )
    # What held the plan back, and who would work when, was said of the whole of it.
    up_to_date = structs.replace(
        plan,
        progress=progress,
        critical_path=path,
        critical_path_cost=cost,
        bottlenecks=(),
        schedule=UNSET,
    )
    return GoalProgress(goal=goal, plan=up_to_date, slices=tuple(slices))


def _find_path_left(plan: Plan, finished: set[SliceId]) -> tuple[tuple[SliceId, ...], int | float]:
    left = [each for each in plan.slices if each.slice_id not in finished]
    number = {each.slice_id: index for index, each in enumerate(left)}
    edges = [[number[id_] for id_ in each.dependencies if id_ in number] for each in left]
    path, cost = find_critical_path(edges, [each.estimate for each in left], range(len(left)))
    return tuple(left[index].slice_id for index in path), cost
