"""What a new plan would change of the one applied."""

from gitslices.changes import PlanChanges, find_changes
from gitslices.ops.plan import PlanRequest, read_inputs
from gitslices.ops.retarget import find_retarget
from gitslices.planner import make_plan
from gitslices.workspace import Workspace


def diff(workspace: Workspace, request: PlanRequest) -> PlanChanges:
    """Compare the plan that `plan` would make with the one applied; changes nothing.

    Raises what `plan` raises.
    """
    inputs = read_inputs(workspace, request)
    planned = make_plan(request.graph, inputs.tree, inputs.settings)
    if inputs.applied is None:
        return find_changes(None, planned)
    with workspace.open_store() as store:
        retargeted = find_retarget(workspace, store, inputs.applied, planned)
    return find_changes(inputs.applied, planned, retargeted)
