"""From graph, tree and settings to a plan: the same input gives the same bytes."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from msgspec import Struct

from gitslices.model import (
    Base,
    Plan,
    PlanSettings,
    RepoTree,
    Serialization,
    SharedOverlap,
    Slice,
    SliceId,
    Task,
    TaskGraph,
)
from gitslices.naming import (
    make_branch_name,
    make_graph_digest,
    make_worktree_name,
    natural_key,
    show_path,
)
from gitslices.ordering import order_by_critical_path, order_by_id
from gitslices.policy import (
    contract_dependencies,
    find_skipped,
    make_gates,
    make_review_needs,
)
from gitslices.schedule import Workload, find_critical_path, find_waves, iterate_bits, reduce_edges
from gitslices.scopes import Access, ScopeMap, parse_scope


class Outline(Struct, frozen=True, kw_only=True):
    """Slices placed in an order; all by number, numbers in the natural order of the ids.

    `order` lists the slices, `edges` the predecessors of each, `waves` the wave of each.
    """

    tasks: tuple[Task, ...]
    workload: Workload
    order: tuple[int, ...]
    edges: tuple[tuple[int, ...], ...]
    waves: tuple[int, ...]
    critical_path: tuple[int, ...]
    critical_path_cost: int | float


def make_plan(graph: TaskGraph, tree: RepoTree, settings: PlanSettings) -> Plan:
    """The plan of `graph` on `tree`; `graph` has been validated."""
    skipped = find_skipped(graph.tasks)
    left_out = {one.task_id for one in skipped}
    tasks = tuple(
        sorted(
            (task for task in graph.tasks if task.id not in left_out),
            key=lambda task: natural_key(task.id),
        )
    )
    accesses = [
        Access(read=parse_scope(task.read_set), write=parse_scope(task.write_set)) for task in tasks
    ]
    shared = parse_scope(graph.shared) if graph.shared else None
    scopes = ScopeMap(tree, accesses, settings.unborn, shared)
    outline = _make_outline(graph, tasks, scopes, settings)
    return Plan(
        goal_id=graph.goal_id,
        graph_digest=make_graph_digest(graph),
        base=Base(ref=settings.base_ref, commit=tree.commit),
        target=settings.target,
        order=settings.order,
        unborn=settings.unborn,
        slices=tuple(
            _make_slice(number, outline, accesses, scopes, graph.goal_id, settings)
            for number in outline.order
        ),
        overlap_serializations=tuple(_find_serializations(outline, scopes)),
        shared_overlaps=tuple(_find_shared_overlaps(tasks, scopes)),
        open_overlaps=scopes.open_overlaps,
        skipped=skipped,
        waves=_group_waves(outline),
        critical_path=tuple(_id(tasks[number]) for number in outline.critical_path),
        critical_path_cost=outline.critical_path_cost,
        bottlenecks=(),
        warnings=tuple(_find_warnings(tasks, scopes)),
    )


def _make_outline(
    graph: TaskGraph, tasks: Sequence[Task], scopes: ScopeMap, settings: PlanSettings
) -> Outline:
    numbers = {task.id: number for number, task in enumerate(tasks)}
    waits = contract_dependencies(graph.tasks, frozenset(numbers))
    workload = Workload(
        costs=tuple(task.estimate for task in tasks),
        dependencies=tuple(
            tuple(sorted(numbers[needed] for needed in waits[task.id])) for task in tasks
        ),
        conflicts=scopes.conflicts,
    )
    arrange = order_by_id if settings.order == "id" else order_by_critical_path
    order = arrange(workload)
    edges = reduce_edges(workload, order)
    path, cost = find_critical_path(edges, workload.costs, order)
    return Outline(
        tasks=tuple(tasks),
        workload=workload,
        order=order,
        edges=edges,
        waves=find_waves(edges, order),
        critical_path=path,
        critical_path_cost=cost,
    )


def _make_slice(
    number: int,
    outline: Outline,
    accesses: Sequence[Access],
    scopes: ScopeMap,
    goal_id: str,
    settings: PlanSettings,
) -> Slice:
    task = outline.tasks[number]
    worktree_name = make_worktree_name(goal_id, task.id)
    read_files, write_files = scopes.count_files(number)
    return Slice(
        slice_id=_id(task),
        task_id=task.id,
        title=task.title,
        owner_role=task.owner_role,
        read_scope=accesses[number].read.texts,
        write_scope=accesses[number].write.texts,
        read_files=read_files,
        write_files=write_files,
        dependencies=tuple(_id(outline.tasks[one]) for one in sorted(outline.edges[number])),
        wave=outline.waves[number],
        estimate=task.estimate,
        branch_name=make_branch_name(goal_id, task.id, settings.prefix),
        worktree_name=worktree_name,
        worktree_path=str(PurePosixPath(settings.worktree_root) / worktree_name),
        risk=task.risk,
        gates=make_gates(task),
        review_needs=make_review_needs(task),
    )


def _find_serializations(outline: Outline, scopes: ScopeMap) -> Iterable[Serialization]:
    declared = outline.workload.dependencies
    for later in outline.order:
        for earlier in sorted(set(outline.edges[later]) - set(declared[later])):
            overlap = scopes.find_overlap(later, earlier)
            assert overlap is not None, "an order that nobody asked for comes from an overlap"  # noqa: S101
            yield Serialization(
                blocked_slice_id=_id(outline.tasks[later]),
                serializes_after=_id(outline.tasks[earlier]),
                kind=overlap.kind,
                path=show_path(overlap.path),
                exists=overlap.exists,
            )


def _find_shared_overlaps(tasks: Sequence[Task], scopes: ScopeMap) -> Iterable[SharedOverlap]:
    for entry, mask in scopes.list_shared_writers():
        writers = sorted(iterate_bits(mask))
        if len(writers) > 1:
            ids = tuple(_id(tasks[number]) for number in writers)
            yield SharedOverlap(entry=entry.text, slice_ids=ids)


def _find_warnings(tasks: Sequence[Task], scopes: ScopeMap) -> Iterable[str]:
    for number, task in enumerate(tasks):
        for remark in scopes.find_remarks(number):
            yield f"{task.id}: {remark}"


def _group_waves(outline: Outline) -> tuple[tuple[SliceId, ...], ...]:
    waves: dict[int, list[SliceId]] = {}
    for number in range(len(outline.tasks)):
        waves.setdefault(outline.waves[number], []).append(_id(outline.tasks[number]))
    return tuple(tuple(waves[wave]) for wave in sorted(waves))


def _id(task: Task) -> SliceId:
    return SliceId(task.id)
