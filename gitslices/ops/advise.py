"""What the history advises about a plan that has been made."""

from collections.abc import Iterator
from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from gitslices.core.model import Plan, RepoTree, SliceId
from gitslices.core.naming import show_path
from gitslices.graph.scopes import ScopedGraph
from gitslices.history.names import PathNames
from gitslices.ops.plan import PlanRequest
from gitslices.ops.plan import plan as make_plan
from gitslices.ops.suggest import make_text
from gitslices.planning.advice import (
    MEETING,
    Footprint,
    FreeOffer,
    LikelyMeeting,
    MissingFile,
    find_meetings,
    find_missing,
    offer_free,
)
from gitslices.planning.diff import find_predecessors
from gitslices.scopes.language.matcher import compile_scope
from gitslices.scopes.tracked.resolved import ResolvedTree
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.history_cache import HISTORY_NAME
from gitslices.state.mining import MinedHistory
from gitslices.workspace import Workspace

_MOST_MEANT: Final = 12
"""A scope of more files means none of them in particular."""


class Advice(Struct, frozen=True, kw_only=True):
    """What the plan may have overlooked; `meetings` only where they were asked for."""

    history: MinedHistory
    missing: tuple[MissingFile, ...]
    offers: tuple[FreeOffer, ...]
    meetings: tuple[LikelyMeeting, ...] | UnsetType = UNSET


def is_mined(workspace: Workspace) -> bool:
    """Whether the history has been mined before; who only plans leaves nothing behind."""
    return (workspace.repo.common_dir / FOLDER_NAME / HISTORY_NAME).exists()


def advise(
    workspace: Workspace,
    scoped: ScopedGraph,
    plan: Plan,
    *,
    meetings: bool,
    least: float = MEETING,
) -> Advice:
    """Hold the scopes of a plan, made of `scoped`, against the history; changes nothing."""
    tree = workspace.read_tree(plan.base.commit)
    footprints = list(_list_footprints(workspace, scoped, plan, tree))
    unordered = scoped.unordered
    free = compile_scope(unordered, workspace.folding) if unordered.entries else None
    names = PathNames(tree.paths)
    with workspace.open_past() as (past, history):
        return Advice(
            history=history,
            missing=tuple(find_missing(past, names, footprints)),
            offers=tuple(offer_free(tree.paths, footprints, free)),
            meetings=tuple(
                find_meetings(past, names, footprints, free, _list_ordered(plan), least=least)
            )
            if meetings
            else UNSET,
        )


def order_likely(
    workspace: Workspace, request: PlanRequest, least: float
) -> tuple[PlanRequest, tuple[str, ...]]:
    """`request` with an order for slices in none that meet with a chance of `least` or more.

    They go as the plan has them already, so that no circle comes of it; what is under way waits for
    nobody. Each order is told in words, for the plan's warnings.
    """
    made = make_plan(workspace, request)
    scoped, places = request.scoped, {one.slice_id: at for at, one in enumerate(made.slices)}
    started = set(made.progress.under_way) if made.progress else set()
    waits: dict[str, list[str]] = {}
    told = []
    for one in advise(workspace, scoped, made, meetings=True, least=least).meetings or ():
        earlier, later = sorted(one.slice_ids, key=places.__getitem__)
        if later not in started:
            waits.setdefault(made.slices[places[later]].task_id, []).append(
                made.slices[places[earlier]].task_id
            )
            told.append(
                f"{later}: it waits for {earlier}, for they may meet ({one.percent} %):"
                f" {', '.join(map(show_path, one.paths))}"
            )
    tasks = tuple(
        structs.replace(task, dependencies=(*task.dependencies, *waits.get(task.id, ())))
        for task in scoped.graph.tasks
    )
    graph = structs.replace(scoped.graph, tasks=tasks)
    return structs.replace(request, scoped=structs.replace(scoped, graph=graph)), tuple(told)


def _list_footprints(
    workspace: Workspace, scoped: ScopedGraph, plan: Plan, tree: RepoTree
) -> Iterator[Footprint]:
    finished = set(plan.progress.merged) if plan.progress else set()
    planned = {slice_.task_id for slice_ in plan.slices if slice_.slice_id not in finished}
    pairs = [
        (task, access)
        for task, access in zip(scoped.graph.tasks, scoped.accesses, strict=True)
        if task.id in planned
    ]
    resolved = ResolvedTree(tree, [access.write for _, access in pairs])
    for task, access in pairs:
        files = resolved.list_files(access.write)
        yield Footprint(
            slice_id=SliceId(task.id),
            text=make_text(task),
            files=tuple(files) if len(files) <= _MOST_MEANT else (),
            writes=compile_scope(access.write, workspace.folding),
        )


def _list_ordered(plan: Plan) -> Iterator[tuple[SliceId, SliceId]]:
    """Each pair of slices of which one waits for the other."""
    numbers = {slice_.slice_id: number for number, slice_ in enumerate(plan.slices)}
    before = find_predecessors(plan, numbers)
    for later in numbers:
        for earlier in numbers:
            if before[later] >> numbers[earlier] & 1:
                yield earlier, later
