"""The slices of a graph in their order, before they are written down as a plan."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from gitslices.core.model import PlanSettings, RepoTree, SliceId, Task, TaskGraph, Underway
from gitslices.core.naming import natural_key
from gitslices.planning.ordering import order_by_critical_path, order_by_id
from gitslices.planning.policy import contract_dependencies, find_skipped
from gitslices.planning.schedule import Workload, find_critical_path, find_waves, reduce_edges
from gitslices.scopes.language.entries import Access, parse_scope
from gitslices.scopes.overlap.scope_map import ScopeMap


class Outline(Struct, frozen=True, kw_only=True):
    """Slices placed in an order; all by number, numbers in the natural order of the ids.

    `order` lists the slices, `edges` the predecessors of each, `forced` those of them that no
    dependency asked for, `waves` the wave of each.
    """

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


def make_outline(graph: TaskGraph, tree: RepoTree, settings: PlanSettings) -> Outline:
    """Put the slices of `graph` in an order; the graph has been validated."""
    tasks = _choose_tasks(graph)
    accesses = tuple(
        Access(read=parse_scope(task.read_set), write=parse_scope(task.write_set)) for task in tasks
    )
    shared = parse_scope(graph.shared) if graph.shared else None
    scopes = ScopeMap(tree, accesses, settings.unborn, shared)
    workload = _make_workload(graph, tasks, scopes.conflicts, settings.underway)
    if settings.order == "id":
        order = order_by_id(workload)
    else:
        order = order_by_critical_path(workload, settings.workers)
    edges = reduce_edges(workload, order)
    path, cost = find_critical_path(edges, workload.costs, order)
    return Outline(
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


def _choose_tasks(graph: TaskGraph) -> tuple[Task, ...]:
    left_out = {one.task_id for one in find_skipped(graph.tasks)}
    chosen = (task for task in graph.tasks if task.id not in left_out)
    return tuple(sorted(chosen, key=lambda task: natural_key(task.id)))


def _make_workload(
    graph: TaskGraph, tasks: Sequence[Task], conflicts: tuple[int, ...], underway: Underway
) -> Workload:
    numbers: Mapping[str, int] = {task.id: number for number, task in enumerate(tasks)}
    waits = contract_dependencies(graph.tasks, frozenset(task.id for task in tasks))
    return Workload(
        costs=tuple(task.estimate for task in tasks),
        dependencies=tuple(
            tuple(sorted(numbers[needed] for needed in waits[task.id])) for task in tasks
        ),
        conflicts=conflicts,
        started=tuple(
            numbers[id_] for id_ in (*underway.finished, *underway.started) if id_ in numbers
        ),
    )
