"""Make the repository match a plan: branches and worktrees for its slices."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct, structs

from gitslices.core.errors import DiskError, Problem, RefusedError
from gitslices.core.model import Plan, SliceId, TaskGraph
from gitslices.ops.forward import forward_slices
from gitslices.ops.provision import Order, order_slices, provision, raise_failures
from gitslices.planning.diff import Retarget
from gitslices.provisioning.adopt import find_unrecorded
from gitslices.provisioning.preflight import decide
from gitslices.provisioning.wanted import OnProgress, Wanted
from gitslices.remote.agreement import agreed
from gitslices.rules.reconcile import Action, Reconciliation, find_started_overlaps
from gitslices.slices.goals import refuse_closed
from gitslices.slices.scopes import rescope
from gitslices.slices.settings import find_settings_remarks
from gitslices.slices.target import find_retarget
from gitslices.state.store import Goal, Store, open_store
from gitslices.workspace import Workspace


class ApplyRequest(Struct, frozen=True, kw_only=True):
    """A plan and the graph it was made from; `jobs` worktrees are filled at a time.

    `sparse` gives new worktrees only the files that their slices read, write or have besides.
    """

    graph: TaskGraph
    plan: Plan
    ready_only: bool = False
    allow_dirty: bool = False
    sparse: bool = False
    jobs: int = 1


class ApplyReport(Struct, frozen=True, kw_only=True):
    """What an apply did, by slice id; `gone` are slices that the plan no longer has.

    `dropped` are those that were removed unmerged: they are made again once they are opened again.
    `retargeted` is None while the goal is merged into the same branch as before.
    """

    created: tuple[SliceId, ...]
    restored: tuple[SliceId, ...]
    rescoped: tuple[SliceId, ...]
    kept: tuple[SliceId, ...]
    gone: tuple[SliceId, ...]
    warnings: tuple[str, ...]
    retargeted: Retarget | None = None
    dropped: tuple[SliceId, ...] = ()


class _PlanOrder(Order, frozen=True, kw_only=True):
    """What makes the repository match a plan, and how that differs from the one before."""

    steps: Reconciliation
    gone: tuple[SliceId, ...]
    dropped: tuple[SliceId, ...]
    retargeted: Retarget | None


@agreed
def apply(workspace: Workspace, request: ApplyRequest, on_progress: OnProgress) -> ApplyReport:
    """Provision the slices of `request.plan`; a second run changes nothing.

    Raises `RefusedError` with every offender before the first change; `MachineError` when a slice
    could not be finished: it is undone then, and the finished ones stay.
    """
    with workspace.open_store() as store:
        choose = partial(_order_plan, workspace, store, request)
        made = provision(workspace, store, choose, jobs=request.jobs, on_progress=on_progress)
        warnings = (*find_settings_remarks(workspace), *made.warnings)
        if made.order.retargeted:
            # What nobody has begun would land the former target's commits in the new one.
            goal = _make_goal(workspace, request)
            warnings += forward_slices(workspace, store, goal).warnings
    # Last: what did get made is in order, and brought forward, by now.
    raise_failures(made.failures, len(made.order.steps.steps))
    return _report(made.order, warnings)


def find_refusals(workspace: Workspace, request: ApplyRequest) -> tuple[Problem, ...]:
    """What `apply` would refuse now; nothing is changed."""
    plan = request.plan
    wanted = Wanted(
        goal_id=plan.goal_id, slices=plan.slices, base=plan.base.commit, target=plan.target
    )
    with _open_any_store(workspace) as store:
        before = store.read_goal(plan.goal_id)
        known = {one.slice_id: one for one in store.read_slices(plan.goal_id)}
        known |= {one.slice_id: one for one in find_unrecorded(workspace, store, wanted, known)}
        try:
            if before is not None:
                refuse_closed(before)
            decide(
                workspace, store, wanted, known,
                ready_only=request.ready_only, allow_dirty=request.allow_dirty,
                problems=find_started_overlaps(plan),
            )  # fmt: skip
        except (RefusedError, DiskError) as error:
            return error.problems or (Problem(plan.goal_id, error.message, error.hint),)
    return ()


@contextmanager
def _open_any_store(workspace: Workspace) -> Iterator[Store]:
    """The store, or an empty one elsewhere: who only asks must not make it."""
    if workspace.has_store():
        with workspace.open_store() as store:
            yield store
        return
    with TemporaryDirectory() as folder, open_store(Path(folder), timeout=1) as store:
        yield store


def _order_plan(
    workspace: Workspace, store: Store, request: ApplyRequest, operation: str
) -> _PlanOrder:
    plan = request.plan
    before = store.read_goal(plan.goal_id)
    if before is not None:
        refuse_closed(before)
    retargeted = find_retarget(workspace, store, before.plan if before else None, plan)
    order = order_slices(
        workspace,
        store,
        Wanted(goal_id=plan.goal_id, slices=plan.slices, base=plan.base.commit, target=plan.target),
        operation,
        ready_only=request.ready_only,
        allow_dirty=request.allow_dirty,
        sparse=request.sparse,
        problems=find_started_overlaps(plan),
    )
    rescoped = (
        rescope(order.known[slice_.slice_id], slice_) for slice_ in order.steps.select("rescope")
    )
    return _PlanOrder(
        goal_id=plan.goal_id,
        slice_ids=order.slice_ids,
        intent=structs.replace(
            order.intent, goal=_make_goal(workspace, request), rescoped=tuple(rescoped)
        ),
        remarks=order.remarks,
        steps=order.steps,
        gone=tuple(id_ for id_ in order.known if id_ not in order.slice_ids),
        dropped=tuple(id_ for id_, one in order.known.items() if one.status == "dropped"),
        retargeted=retargeted,
    )


def _make_goal(workspace: Workspace, request: ApplyRequest) -> Goal:
    plan = request.plan
    return Goal(goal_id=plan.goal_id, graph=request.graph, plan=plan, applied_at=workspace.now())


def _report(order: _PlanOrder, warnings: tuple[str, ...]) -> ApplyReport:
    def list_ids(action: Action) -> tuple[SliceId, ...]:
        return tuple(slice_.slice_id for slice_ in order.steps.select(action))

    return ApplyReport(
        created=list_ids("create"),
        restored=list_ids("restore"),
        rescoped=list_ids("rescope"),
        kept=tuple(id_ for id_ in list_ids("keep") if id_ not in order.dropped),
        gone=order.gone,
        warnings=warnings,
        retargeted=order.retargeted,
        dropped=order.dropped,
    )
