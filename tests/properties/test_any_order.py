"""Any order: its edges, waves, path and timetable, held against every pair; and how good it is."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gitslices.planning.ordering import (
    bound_makespan,
    cost_without,
    order_by_critical_path,
    order_by_id,
)
from gitslices.planning.schedule import (
    Workload,
    find_critical_path,
    find_waves,
    iterate_bits,
    reduce_edges,
    simulate,
)
from tests.support.workloads import close, find_pairs, make_workload, ordered_workloads

WORKERS = (None, 1, 2, 3)


@st.composite
def started_workloads(draw: st.DrawFn) -> Workload:
    workload, order = draw(ordered_workloads())
    started = draw(st.lists(st.sampled_from(order), unique=True)) if order else []
    return replace(workload, started=tuple(started))


def measure(workload: Workload, order: tuple[int, ...], workers: int | None = None) -> float:
    return simulate(workload, order, workers).makespan


def reduce_naively(workload: Workload, order: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    before = close(find_pairs(workload, order), order)
    return tuple(
        tuple(sorted(e for e in before[i] if not any(e in before[b] for b in before[i])))
        for i in range(len(order))
    )


@given(ordered_workloads())
def test_is_the_transitive_reduction(case: tuple[Workload, tuple[int, ...]]) -> None:
    workload, order = case
    assert reduce_edges(workload, order) == reduce_naively(workload, order)


@given(ordered_workloads())
def test_says_what_the_pairs_say_with_no_more_edges(case: tuple[Workload, tuple[int, ...]]) -> None:
    workload, order = case
    edges = reduce_edges(workload, order)
    pairs = {(earlier, later) for later, some in enumerate(edges) for earlier in some}
    assert close(pairs, order) == close(find_pairs(workload, order), order)
    assert len(pairs) <= len(find_pairs(workload, order))


@given(ordered_workloads())
def test_path_and_waves_agree_with_all_ways(case: tuple[Workload, tuple[int, ...]]) -> None:
    workload, order = case
    before = close(find_pairs(workload, order), order)
    edges = reduce_edges(workload, order)
    waves = find_waves(edges, order)
    assert all(waves[e] < waves[i] for i in order for e in before[i])
    assert all(w == 0 or w - 1 in {waves[e] for e in edges[i]} for i, w in enumerate(waves))
    path, cost = find_critical_path(edges, workload.costs, order)
    assert all(earlier in edges[later] for earlier, later in pairwise(path))
    assert cost == simulate(workload, order).makespan


@given(ordered_workloads(), st.sampled_from((None, 1, 2, 3)))
def test_the_order_is_kept_and_no_worker_does_two_things(
    case: tuple[Workload, tuple[int, ...]], workers: int | None
) -> None:
    workload, order = case
    timetable = simulate(workload, order, workers)
    assert sorted(timetable.sequence) == list(range(len(order)))
    for earlier, later in find_pairs(workload, order):
        assert timetable.finish[earlier] <= timetable.start[later]
    for now in timetable.start:
        spans = zip(timetable.start, timetable.finish, strict=True)
        assert sum(start <= now < finish for start, finish in spans) <= (workers or len(order))


@pytest.mark.parametrize("seed", range(3))
def test_is_the_transitive_reduction_of_hundreds_too(seed: int) -> None:
    random = Random(seed)
    count = 400
    order = random.sample(range(count), count)
    pairs = [random.sample(range(count), 2) for _ in range(1_500)]
    dependencies = {order[place]: (order[random.randrange(place)],) for place in range(1, count, 3)}
    workload = make_workload(
        count, dependencies=dependencies, conflicts=[(one, other) for one, other in pairs]
    )
    assert reduce_edges(workload, order) == reduce_naively(workload, order)


@given(started_workloads(), st.sampled_from(WORKERS))
def test_dependencies_come_before_what_needs_them(workload: Workload, workers: int | None) -> None:
    for order in (order_by_id(workload), order_by_critical_path(workload, workers)):
        assert sorted(order) == list(range(len(workload.costs)))
        for place, slice_ in enumerate(order):
            assert set(workload.dependencies[slice_]) <= set(order[:place])


@given(started_workloads(), st.sampled_from(WORKERS))
def test_the_critical_path_is_never_worse_than_by_id(
    workload: Workload, workers: int | None
) -> None:
    order = order_by_critical_path(workload, workers)
    by_id = measure(workload, order_by_id(workload), workers)
    assert measure(workload, order, workers) <= by_id


@given(ordered_workloads())
def test_none_beats_the_bound(case: tuple[Workload, tuple[int, ...]]) -> None:
    workload, order = case
    but_for_rounding = bound_makespan(workload) * (1 - 1e-9)
    for one in (order, order_by_critical_path(workload)):
        assert measure(workload, one) >= but_for_rounding


@given(started_workloads())
def test_started_slices_go_first_where_no_dependency_forbids(workload: Workload) -> None:
    rank = {slice_: place for place, slice_ in enumerate(workload.started)}
    forced = {
        (first, other)
        for first in workload.started
        for other in iterate_bits(workload.conflicts[first])
        if rank[first] < rank.get(other, len(rank))
    }
    declared = {(e, i) for i, some in enumerate(workload.dependencies) for e in some}
    for order in (order_by_id(workload), order_by_critical_path(workload)):
        place = {slice_: number for number, slice_ in enumerate(order)}
        broken = {(first, other) for first, other in forced if place[first] > place[other]}
        # Each broken one would close a circle with the others and the dependencies.
        before = close(declared | (forced - broken), order)
        assert all(other in before[first] for first, other in broken)


@given(ordered_workloads(), st.integers(0, 8))
def test_never_exceeds_the_cost_with_all_conflicts(
    case: tuple[Workload, tuple[int, ...]], freed: int
) -> None:
    workload, order = case
    less = tuple(
        0 if slice_ == freed else mask & ~(1 << freed)
        for slice_, mask in enumerate(workload.conflicts)
    )
    cost = cost_without(workload, less, order, "critical-path")
    assert cost <= cost_without(workload, less, order, "id") <= measure(workload, order)
