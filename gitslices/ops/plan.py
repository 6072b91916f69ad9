"""A plan from a task graph, what it changes of the one applied, and why one of its slices waits."""

import shlex
from collections.abc import Collection

from msgspec import Struct, structs

from gitslices.core.errors import InputError, UnknownSliceError
from gitslices.core.model import (
    GONE,
    BranchName,
    NewPaths,
    Order,
    Plan,
    PlanSettings,
    RepoTree,
    Requirement,
    SliceId,
    Underway,
)
from gitslices.core.naming import natural_key
from gitslices.git.read import (
    HEADS,
    REMOTES,
    find_target_tip,
    find_tip,
    read_base,
    read_head_branch,
)
from gitslices.git.remotes import find_remote_branch, list_remotes
from gitslices.graph.scopes import ScopedGraph
from gitslices.planning.diff import PlanChanges, find_changes, find_predecessors
from gitslices.planning.explanation import Explanation, explain_slice
from gitslices.planning.outline import make_outline
from gitslices.planning.planner import make_plan
from gitslices.planning.policy import find_skipped
from gitslices.planning.unmatched import refuse_unmatched
from gitslices.slices.looks import look_at_each
from gitslices.slices.lookup import find_near
from gitslices.slices.settings import read_settings
from gitslices.slices.snapshot import Snapshot
from gitslices.slices.target import find_retarget, read_target
from gitslices.state.publications import read_publications
from gitslices.workspace import Workspace


class PlanRequest(Struct, frozen=True, kw_only=True):
    """`base` is any revision, `target` a branch, be it a remote's; `plan` chooses where it is None.

    `strict` refuses entries that match nothing; `reviews` come beside those of the settings.
    """

    scoped: ScopedGraph
    base: str | None = None
    target: str | None = None
    order: Order = "critical-path"
    new_paths: NewPaths = "anchored"
    workers: int | None = None
    strict: bool = False
    reviews: tuple[Requirement, ...] = ()


def add_addresses(workspace: Workspace, plan: Plan) -> Plan:
    """The plan with the places where its slices are reviewed, for people and programs to see.

    What is applied goes without: it says what is wanted, and not how far that is.
    """
    if not workspace.has_store():
        return plan
    with workspace.open_store() as store:
        known = read_publications(store, plan.goal_id)
    slices = (
        structs.replace(one, pr_url=known[one.slice_id].url) if one.slice_id in known else one
        for one in plan.slices
    )
    return structs.replace(plan, slices=tuple(slices)) if known else plan


class PlanInputs(Struct, frozen=True, kw_only=True):
    """All that a plan is made of besides its graph, and the plan of the same goal before it."""

    tree: RepoTree
    settings: PlanSettings
    applied: Plan | None


def plan(workspace: Workspace, request: PlanRequest) -> Plan:
    """The plan of `request.scoped`; changes nothing.

    Raises `InputError` for a base or target that does not exist, or does no more, `NoCommitError`
    in an empty repository, `GraphError` for what `strict` refuses.
    """
    inputs = _read_inputs(workspace, request)
    return make_plan(request.scoped, inputs.tree, inputs.settings)


def _read_inputs(workspace: Workspace, request: PlanRequest) -> PlanInputs:
    """What `plan` looks at, and the errors it raises."""
    goal = workspace.find_goal(request.scoped.graph.goal_id)
    applied = goal.plan if goal else None
    target = _choose_target(workspace, request, applied)
    base_ref = target if request.base is None else request.base
    commit = read_base(workspace.repo, base_ref)
    asked = read_settings(workspace, target)
    settings = PlanSettings(
        base_ref=base_ref,
        target=target,
        worktree_root=str(workspace.worktree_root),
        prefix=workspace.prefix,
        order=request.order,
        new_paths=request.new_paths,
        workers=request.workers,
        underway=read_underway(workspace, applied) if applied else Underway(),
        names=_read_names(workspace),
        gates=asked.gate_requirements,
        reviews=(*asked.review_requirements, *request.reviews),
        start=asked.plan.start or "merged",
    )
    tree = workspace.read_tree(commit)
    if request.strict:
        refuse_unmatched(request.scoped, tree)
    return PlanInputs(tree=tree, settings=settings, applied=applied)


def find_base_ref(workspace: Workspace, request: PlanRequest) -> str:
    """By which name `plan` finds the commit that slices start from."""
    if request.base is not None:
        return request.base
    goal = workspace.find_goal(request.scoped.graph.goal_id)
    return _choose_target(workspace, request, goal.plan if goal else None)


def _read_names(workspace: Workspace) -> dict[tuple[str, str], tuple[str, str]]:
    # To open a store makes one: who only plans must leave nothing behind.
    if not workspace.has_store():
        return {}
    with workspace.open_store() as store:
        return dict(store.read_names())


def _choose_target(workspace: Workspace, request: PlanRequest, applied: Plan | None) -> BranchName:
    if request.target is not None:
        return _find_named_target(workspace, request.target)
    if applied is None:
        return _find_current_branch(workspace)
    read_target(workspace.repo, applied.target)
    return applied.target


def _find_named_target(workspace: Workspace, named: str) -> BranchName:
    """The local branch `named`, or the remote's that is called so here: `origin/main`."""
    name = BranchName(named.removeprefix(REMOTES).removeprefix(HEADS))
    if find_target_tip(workspace.repo, name) is None:
        hint = "see: git branch --all"
        remote = name.partition("/")[0]
        if remote in list_remotes(workspace.config):
            hint = f"if the remote has it, fetch it first: git fetch {shlex.quote(remote)}"
        raise InputError(f"there is no branch {name!r} to merge into", hint=hint)
    there = find_remote_branch(workspace.repo, workspace.config, name)
    if there is None:
        return name
    if there.branch == "HEAD":
        raise InputError(f"{name!r} is no branch", hint="name the branch that it stands for")
    # git itself would take one for the other, in every command that somebody types.
    if find_tip(workspace.repo, name) is not None:
        raise InputError(
            f"{name!r} is a local branch, too, so that nobody knows which is meant",
            hint=f"give the local one another name: git branch -m {shlex.quote(name)} NAME",
        )
    return name


def _find_current_branch(workspace: Workspace) -> BranchName:
    """The branch at hand or, from within a slice's worktree, that of the main worktree."""
    repo = workspace.repo
    branch = read_head_branch(repo, repo.git_dir)
    # Slices merged into a slice's branch would land nowhere; whoever plans from within one means
    # the project's.
    if branch is not None and branch.startswith(f"{workspace.prefix}/"):
        branch = read_head_branch(repo, repo.common_dir)
    if branch is None:
        raise InputError(
            "HEAD is detached, so there is no branch to merge into",
            hint="name one with --target BRANCH",
        )
    return branch


def read_underway(workspace: Workspace, applied: Plan) -> Underway:
    """What a new plan of the same goal must leave where it is."""
    with workspace.open_store() as store:
        snapshot = Snapshot(workspace, store, applied)
        kept = [one for one in snapshot.records.values() if one.status not in GONE]
        progress = look_at_each(snapshot, snapshot.progress_of, kept)
    removed = {id_ for id_, one in snapshot.records.items() if one.status == "removed"}
    finished = removed | {id_ for id_, one in progress.items() if one == "landed"}
    started = {id_ for id_, one in progress.items() if one == "started"}
    return Underway(
        finished=_sort_as_applied(finished, applied),
        started=_sort_as_applied(started, applied),
        ordered=_list_ordered(started, applied),
        allowed={
            one.slice_id: one.allowed_scope
            for one in kept
            if one.allowed_scope and one.slice_id not in finished
        },
    )


def _sort_as_applied(ids: Collection[SliceId], applied: Plan) -> tuple[SliceId, ...]:
    place = {slice_.slice_id: number for number, slice_ in enumerate(applied.slices)}
    return tuple(sorted(ids, key=lambda id_: (place.get(id_, len(place)), natural_key(id_))))


def _list_ordered(started: set[SliceId], applied: Plan) -> frozenset[tuple[SliceId, SliceId]]:
    numbers = {slice_.slice_id: number for number, slice_ in enumerate(applied.slices)}
    known = [id_ for id_ in started if id_ in numbers]
    before = find_predecessors(applied, numbers) if known else {}
    return frozenset(
        (earlier, later)
        for later in known
        for earlier in known
        if before[later] >> numbers[earlier] & 1
    )


def diff(workspace: Workspace, request: PlanRequest) -> PlanChanges:
    """Compare the plan that `plan` would make with the one applied; changes nothing.

    Raises what `plan` raises.
    """
    inputs = _read_inputs(workspace, request)
    planned = make_plan(request.scoped, inputs.tree, inputs.settings)
    if inputs.applied is None:
        return find_changes(None, planned)
    with workspace.open_store() as store:
        retargeted = find_retarget(workspace, store, inputs.applied, planned)
    return find_changes(inputs.applied, planned, retargeted)


class ExplainRequest(Struct, frozen=True, kw_only=True):
    """A slice of the plan that `plan` would make."""

    plan: PlanRequest
    slice_id: str


def explain(workspace: Workspace, request: ExplainRequest) -> Explanation:
    """Every reason why a slice waits; changes nothing.

    Raises `UnknownSliceError` where the graph has no such task, or the task is no slice; else what
    `plan` raises.
    """
    _require_slice(request.plan.scoped, request.slice_id)
    inputs = _read_inputs(workspace, request.plan)
    outline = make_outline(request.plan.scoped, inputs.tree, inputs.settings)
    return explain_slice(outline, SliceId(request.slice_id))


def _require_slice(scoped: ScopedGraph, id_: str) -> None:
    ids = [task.id for task in scoped.graph.tasks]
    if id_ not in ids:
        near = find_near(id_, ids)
        raise UnknownSliceError(
            f"the graph has no task {id_!r}", hint=near or "see: gitslices plan"
        )
    for skipped in find_skipped(scoped):
        if skipped.task_id == id_:
            raise UnknownSliceError(f"task {id_!r} is no slice: {skipped.reason}")
