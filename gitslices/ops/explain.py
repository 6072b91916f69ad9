"""Explain why one slice of a plan waits."""

from msgspec import Struct

from gitslices.errors import UnknownSliceError
from gitslices.explanation import Explanation, explain_slice
from gitslices.model import SliceId
from gitslices.ops.goals import find_near
from gitslices.ops.plan import PlanRequest, read_inputs
from gitslices.outline import make_outline
from gitslices.policy import find_skip_reason
from gitslices.workspace import Workspace


class ExplainRequest(Struct, frozen=True, kw_only=True):
    """A slice of the plan that `plan` would make."""

    plan: PlanRequest
    slice_id: str


def explain(workspace: Workspace, request: ExplainRequest) -> Explanation:
    """Every reason why a slice waits; changes nothing.

    Raises `UnknownSliceError` where the graph has no such task, or the task is no slice; else what
    `plan` raises.
    """
    graph, id_ = request.plan.graph, request.slice_id
    task = next((task for task in graph.tasks if task.id == id_), None)
    if task is None:
        near = find_near(id_, [one.id for one in graph.tasks])
        raise UnknownSliceError(
            f"the graph has no task {id_!r}", hint=near or "see: gitslices plan"
        )
    if reason := find_skip_reason(task):
        raise UnknownSliceError(f"task {id_!r} is no slice: {reason}")
    inputs = read_inputs(workspace, request.plan)
    outline = make_outline(graph, inputs.tree, inputs.settings)
    return explain_slice(outline, graph.goal_id, SliceId(id_))
