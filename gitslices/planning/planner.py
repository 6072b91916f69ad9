"""From graph, tree and settings to a plan: the same input gives the same bytes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from posixpath import join
from typing import Final

from msgspec import UNSET, structs

from gitslices.core.model import (
    AtRisk,
    Base,
    Cost,
    EarlyStarts,
    Overlap,
    Plan,
    PlanProgress,
    PlanSettings,
    RepoTree,
    Schedule,
    Serialization,
    SharedOverlap,
    Shift,
    Slice,
    SliceId,
    StartedOverlap,
    Underway,
)
from gitslices.core.naming import (
    TaskName,
    make_branch_name,
    make_graph_digest,
    make_task_names,
    make_worktree_name,
    show_path,
)
from gitslices.graph.scopes import ScopedGraph
from gitslices.planning.bottlenecks import find_bottlenecks
from gitslices.planning.ordering import find_started_conflicts
from gitslices.planning.outline import Outline, make_outline
from gitslices.planning.policy import find_assumed_owner, make_gates, make_review_needs
from gitslices.planning.schedule import (
    count_unordered,
    find_critical_path,
    iterate_bits,
    simulate,
)
from gitslices.rules.requirements import find_required
from gitslices.scopes.language.entries import parse_scope

_NAMED: Final = 5
"""How many slices are named whose change would move others."""

_Forced = Mapping[tuple[int, int], Overlap]


def make_plan(scoped: ScopedGraph, tree: RepoTree, settings: PlanSettings) -> Plan:
    """The plan of a graph on `tree`; the graph has been validated."""
    return write_plan(make_outline(scoped, tree, settings))


def write_plan(outline: Outline) -> Plan:
    """The plan that an outline comes to."""
    graph, settings, forced = outline.graph, outline.settings, _find_forced(outline)
    assumed_owner = find_assumed_owner(graph)
    return Plan(
        goal_id=graph.goal_id,
        graph_digest=make_graph_digest(graph),
        base=Base(ref=settings.base_ref, commit=outline.commit),
        target=settings.target,
        order=settings.order,
        unborn=settings.new_paths,
        slices=tuple(_make_slices(outline, assumed_owner)),
        overlap_serializations=tuple(_make_serializations(outline, forced)),
        shared_overlaps=tuple(_find_free_overlaps(outline, graph.shared)),
        open_overlaps=_count_open_overlaps(outline),
        skipped=outline.skipped,
        waves=_group_waves(outline),
        critical_path=tuple(
            id_
            for id_ in map(outline.name, outline.critical_path)
            if id_ not in settings.underway.finished
        ),
        critical_path_cost=outline.critical_path_cost,
        bottlenecks=find_bottlenecks(outline),
        warnings=tuple(_find_warnings(outline, forced)),
        started_overlaps=tuple(_find_started_overlaps(outline, settings.underway)),
        progress=_find_progress(outline, settings.underway) or UNSET,
        schedule=UNSET if settings.workers is None else _make_schedule(outline, settings.workers),
        assumed_owner=assumed_owner or UNSET,
        relaxed_overlaps=tuple(_find_free_overlaps(outline, graph.relaxed))
        if graph.relaxed
        else UNSET,
        early_starts=_find_early_starts(outline) or UNSET,
    )


def _make_slices(outline: Outline, owner: str | None) -> Iterator[Slice]:
    graph, settings, tasks = outline.graph, outline.settings, outline.tasks
    names = make_task_names(graph.goal_id, [task.id for task in graph.tasks], settings.names)
    writes = (access.write for access in outline.accesses)
    asked = list(zip((task.risk for task in tasks), writes, strict=True))
    gates = find_required(settings.gates, asked)
    reviews = find_required(settings.reviews, asked)
    for number in outline.order:
        planned = _make_slice(number, outline, names[tasks[number].id], owner)
        yield structs.replace(
            planned,
            gates=tuple(dict.fromkeys((*planned.gates, *gates[number]))),
            review_needs=tuple(sorted({*planned.review_needs, *reviews[number]})),
        )


def _make_slice(number: int, outline: Outline, name: TaskName, owner: str | None) -> Slice:
    task, access = outline.tasks[number], outline.accesses[number]
    settings, worktree_name = outline.settings, make_worktree_name(name)
    read_files, write_files = outline.scopes.count_files(number)
    return Slice(
        slice_id=outline.name(number),
        task_id=task.id,
        title=task.title,
        owner_role=task.owner_role or owner,
        read_scope=access.read.texts,
        write_scope=access.write.texts,
        read_files=read_files,
        write_files=write_files,
        dependencies=tuple(map(outline.name, sorted(outline.edges[number]))),
        wave=outline.waves[number],
        estimate=task.estimate,
        branch_name=make_branch_name(name, settings.prefix),
        worktree_name=worktree_name,
        worktree_path=join(settings.worktree_root, worktree_name),
        risk=task.risk,
        gates=make_gates(task),
        review_needs=make_review_needs(task),
        checkout_scope=access.checkout.texts,
    )


def _find_forced(outline: Outline) -> _Forced:
    """The overlaps behind the order that no dependency asked for, by the later and the earlier."""
    return {
        (later, earlier): outline.scopes.get_overlap(later, earlier)
        for later in outline.order
        for earlier in outline.forced[later]
    }


def _make_serializations(outline: Outline, forced: _Forced) -> Iterable[Serialization]:
    for (later, earlier), overlap in forced.items():
        yield Serialization(
            blocked_slice_id=outline.name(later),
            serializes_after=outline.name(earlier),
            kind=overlap.kind,
            path=show_path(overlap.path),
            exists=overlap.exists,
        )


def _find_free_overlaps(outline: Outline, texts: Sequence[str]) -> Iterable[SharedOverlap]:
    """The overlaps that order nobody, by those of the entries that the graph lists in `texts`."""
    wanted = {entry.text for entry in parse_scope(texts).entries}
    for entry, mask in outline.scopes.list_shared_writers():
        if entry.text not in wanted:
            continue
        writers = sorted(iterate_bits(mask))
        if len(writers) > 1:
            yield SharedOverlap(entry=entry.text, slice_ids=tuple(map(outline.name, writers)))


def _count_open_overlaps(outline: Outline) -> int:
    return count_unordered(outline.scopes.open_overlaps, outline.edges, outline.order)


def _find_progress(outline: Outline, underway: Underway) -> PlanProgress | None:
    """How far the slices are; None before the first of them was begun."""
    ids = [outline.name(number) for number in outline.order]
    merged = tuple(id_ for id_ in ids if id_ in underway.finished)
    begun = tuple(id_ for id_ in ids if id_ in underway.started)
    if not (merged or begun):
        return None
    return PlanProgress(
        merged=merged,
        under_way=begun,
        left=tuple(id_ for id_ in ids if id_ not in {*merged, *begun}),
        allowed={id_: underway.allowed[id_] for id_ in ids if id_ in underway.allowed},
    )


def _find_started_overlaps(outline: Outline, underway: Underway) -> Iterable[StartedOverlap]:
    numbers = {outline.name(number): number for number in range(len(outline.tasks))}
    running = [numbers[id_] for id_ in underway.started if id_ in numbers]
    for first, second in find_started_conflicts(outline.workload, running):
        ids = outline.name(first), outline.name(second)
        overlap = outline.scopes.find_overlap(second, first)
        # What the applied plan has put in an order may overlap: one of the two waits for the other.
        if overlap is not None and not {ids, ids[::-1]} & underway.ordered:
            yield StartedOverlap(
                slice_ids=ids,
                kind=overlap.kind,
                path=show_path(overlap.path),
                exists=overlap.exists,
            )


def _find_warnings(outline: Outline, forced: _Forced) -> Iterable[str]:
    for number, task in enumerate(outline.tasks):
        for remark in outline.scopes.find_remarks(number):
            yield f"{task.id}: {remark}"
    for (later, earlier), overlap in forced.items():
        if not overlap.is_certain:
            yield (
                f"{outline.name(later)}: it waits for {outline.name(earlier)}: their patterns are"
                " too wild to compare, and fewer wildcards may let them go side by side"
            )


def _group_waves(outline: Outline) -> tuple[tuple[SliceId, ...], ...]:
    waves: dict[int, list[SliceId]] = {}
    for number, wave in enumerate(outline.waves):
        waves.setdefault(wave, []).append(outline.name(number))
    return tuple(tuple(waves[wave]) for wave in sorted(waves))


def _find_early_starts(outline: Outline) -> EarlyStarts | None:
    """What early starts gain and risk for what is left; None where the settings ask for none."""
    start, finished = outline.settings.start, outline.settings.underway.finished
    if start == "merged":
        return None
    left = [number for number in outline.order if outline.name(number) not in finished]
    depths: dict[int, int] = {}
    before: dict[int, int] = {}
    for number in left:
        needed = [one for one in outline.edges[number] if one in depths]
        depths[number] = 1 + max((depths[one] for one in needed), default=0)
        before[number] = reduce(or_, (before[one] | 1 << one for one in needed), 0)
    review = _find_usual_cost(outline, left)
    costs = [cost + review if cost else cost for cost in outline.workload.costs]
    followers = Counter(one for mask in before.values() for one in iterate_bits(mask))
    return EarlyStarts(
        start=start,
        slices=tuple(outline.name(number) for number in left if before[number]),
        rounds=max(depths.values(), default=0),
        at_risk=tuple(
            AtRisk(slice_id=outline.name(number), followers=followers[number])
            for number in sorted(filter(followers.get, left), key=lambda one: -followers[one])
        )[:_NAMED],
        review=review,
        makespan=outline.critical_path_cost + review,
        makespan_waiting=find_critical_path(outline.edges, costs, outline.order)[1],
    )


def _find_usual_cost(outline: Outline, numbers: Sequence[int]) -> Cost:
    """The cost of the middle one of them: a review is taken to last as long."""
    costs = sorted(outline.workload.costs[number] for number in numbers)
    return costs[len(costs) // 2] if costs else 0


def _make_schedule(outline: Outline, workers: int) -> Schedule:
    times = simulate(outline.workload, outline.order, workers)
    return Schedule(
        workers=workers,
        makespan=times.makespan,
        slices=tuple(
            Shift(
                slice_id=outline.name(number),
                start=times.start[number],
                finish=times.finish[number],
            )
            for number in times.sequence
            if outline.name(number) not in outline.settings.underway.finished
        ),
    )
