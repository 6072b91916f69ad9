"""The slices of a graph in their order, before they are written down as a plan."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from gitslices.core.model import (
    Oid,
    PlanSettings,
    RepoTree,
    Skipped,
    SliceId,
    Task,
    TaskGraph,
    Underway,
)
from gitslices.core.naming import natural_key
from gitslices.graph.scopes import ScopedGraph
from gitslices.planning.ordering import order_by_critical_path, order_by_id
from gitslices.planning.policy import contract_dependencies, find_skipped
from gitslices.planning.schedule import Workload, find_critical_path, find_waves, reduce_edges
from gitslices.scopes.language.entries import Access, parse_scope
from gitslices.scopes.overlap.scope_map import ScopeMap


class Outline(Struct, frozen=True, kw_only=True):
    """Slices placed in an order; all by number, numbers in the natural order of the ids.

    `graph`, `settings` and `commit` are what it was made from, `skipped` the tasks left out.
    `order` lists the slices, `edges` the predecessors of each, `forced` those of them that no
    dependency asked for, `waves` the wave of each.
    """

    graph: TaskGraph
    settings: PlanSettings
    commit: Oid
    skipped: tuple[Skipped, ...]
    tasks: tuple[Task, ...]
    accesses: tuple[Access, ...]
    scopes: ScopeMap
    workload: Workload
    order: tuple[int, ...]
    edges: tuple[tuple[int, ...], ...]
    forced: tuple[tuple[int, ...], ...]
    waves: tuple[int, ...]
    critical_path: tuple[int, ...]
    critical_path_cost: int | float

    def name(self, number: int) -> SliceId:
        """The id of a slice."""
        return SliceId(self.tasks[number].id)


def make_outline(scoped: ScopedGraph, tree: RepoTree, settings: PlanSettings) -> Outline:
    """The slices of a graph in an order; the graph has been validated."""
    graph, skipped = scoped.graph, find_skipped(scoped)
    tasks, accesses = _choose_tasks(scoped, skipped)
    held = _add_allowed(tasks, accesses, settings.underway)
    scopes = ScopeMap(tree, held, settings.new_paths, scoped.unordered)
    workload = _make_workload(graph, tasks, scopes.conflicts, settings.underway)
    if settings.order == "id":
        order = order_by_id(workload)
    else:
        order = order_by_critical_path(workload, settings.workers)
    edges = reduce_edges(workload, order)
    path, cost = find_critical_path(edges, workload.costs, order)
    return Outline(
        graph=graph,
        settings=settings,
        commit=tree.commit,
        skipped=skipped,
        tasks=tasks,
        accesses=accesses,
        scopes=scopes,
        workload=workload,
        order=order,
        edges=edges,
        forced=tuple(
            tuple(one for one in earlier if one not in declared)
            for earlier, declared in zip(edges, workload.dependencies, strict=True)
        ),
        waves=find_waves(edges, order),
        critical_path=path,
        critical_path_cost=cost,
    )


def _choose_tasks(
    scoped: ScopedGraph, skipped: Sequence[Skipped]
) -> tuple[tuple[Task, ...], tuple[Access, ...]]:
    left_out = {one.task_id for one in skipped}
    both = zip(scoped.graph.tasks, scoped.accesses, strict=True)
    chosen = [(task, access) for task, access in both if task.id not in left_out]
    # Everything from here on breaks ties by number: without this the order of a file's tasks would
    # change the plan.
    chosen.sort(key=lambda pair: natural_key(pair[0].id))
    return tuple(task for task, _ in chosen), tuple(access for _, access in chosen)


def _add_allowed(
    tasks: Sequence[Task], accesses: tuple[Access, ...], underway: Underway
) -> tuple[Access, ...]:
    """What slices may write now: what was allowed to them since the plan was applied, too."""
    if not underway.allowed:
        return accesses
    return tuple(
        structs.replace(access, write=parse_scope((*access.write.texts, *more)))
        if (more := underway.allowed.get(SliceId(task.id)))
        else access
        for task, access in zip(tasks, accesses, strict=True)
    )


def _make_workload(
    graph: TaskGraph, tasks: Sequence[Task], conflicts: tuple[int, ...], underway: Underway
) -> Workload:
    numbers: Mapping[str, int] = {task.id: number for number, task in enumerate(tasks)}
    waits = contract_dependencies(graph.tasks, frozenset(task.id for task in tasks))
    return Workload(
        # What is merged costs nothing any more: schedules and critical path are of what is left.
        costs=tuple(
            0 if SliceId(task.id) in underway.finished else task.estimate for task in tasks
        ),
        dependencies=tuple(
            tuple(sorted(numbers[needed] for needed in waits[task.id])) for task in tasks
        ),
        conflicts=conflicts,
        by_id=tuple(numbers[id_] for id_ in waits if id_ in numbers),
        # The finished ones come first: nothing that is yet to be done may be put before them.
        started=tuple(
            numbers[id_] for id_ in (*underway.finished, *underway.started) if id_ in numbers
        ),
    )
