"""What an order means: edges, waves, critical path and timetable, on plain values."""

import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gitslices
from gitslices.planning.schedule import (
    Workload,
    explain_wait,
    find_critical_path,
    find_waves,
    iterate_bits,
    reduce_edges,
    simulate,
)
from tests.support.workloads import make_workload

Edges = tuple[tuple[int, ...], ...]


def find_pairs(workload: Workload, order: Sequence[int]) -> set[tuple[int, int]]:
    """Every pair (earlier, later) that a dependency or a conflict orders, one by one."""
    pairs = {(d, i) for i, earlier in enumerate(workload.dependencies) for d in earlier}
    for place, later in enumerate(order):
        pairs |= {(e, later) for e in order[:place] if workload.conflicts[later] >> e & 1}
    return pairs


def close(pairs: set[tuple[int, int]], order: Sequence[int]) -> dict[int, set[int]]:
    """All that comes before each slice."""
    before: dict[int, set[int]] = {}
    for slice_ in order:
        direct = {earlier for earlier, later in pairs if later == slice_}
        before[slice_] = direct.union(*(before[earlier] for earlier in direct))
    return before


def reduce_naively(workload: Workload, order: Sequence[int]) -> Edges:
    before = close(find_pairs(workload, order), order)
    return tuple(
        tuple(sorted(e for e in before[i] if not any(e in before[b] for b in before[i])))
        for i in range(len(order))
    )


@st.composite
def ordered_workloads(draw: st.DrawFn) -> tuple[Workload, tuple[int, ...]]:
    """Up to nine slices with a topological order."""
    count = draw(st.integers(0, 9))
    order = tuple(draw(st.permutations(range(count))))
    conflicts = [0] * count
    dependencies: list[tuple[int, ...]] = [()] * count
    for place, slice_ in enumerate(order):
        some = st.integers(0, (1 << place) - 1)
        needed, other = draw(some) & draw(some), draw(some)
        dependencies[slice_] = tuple(order[bit] for bit in iterate_bits(needed))
        for bit in iterate_bits(other):
            conflicts[slice_] |= 1 << order[bit]
            conflicts[order[bit]] |= 1 << slice_
    cost = st.sampled_from((1, 2, 3, 5, 8, 0.1, 0.25, 1.5, 1e9))
    workload = Workload(
        costs=tuple(draw(cost) for _ in range(count)),
        dependencies=tuple(dependencies),
        conflicts=tuple(conflicts),
    )
    return workload, order


class TestReduceEdges:
    def test_six_slices_in_conflict_need_five_edges(self) -> None:
        everyone = [(one, other) for one in range(6) for other in range(one)]
        edges = reduce_edges(make_workload(6, conflicts=everyone), range(6))
        assert edges == ((), (0,), (1,), (2,), (3,), (4,))

    def test_the_earlier_in_the_order_goes_first(self) -> None:
        edges = reduce_edges(make_workload(3, conflicts=[(0, 1), (1, 2)]), (1, 2, 0))
        assert edges == ((1,), (), (1,))

    def test_a_declared_dependency_that_is_reached_anyway_is_left_out(self) -> None:
        workload = make_workload(3, dependencies={1: (0,), 2: (0, 1)})
        assert reduce_edges(workload, range(3)) == ((), (0,), (1,))

    def test_a_conflict_that_a_dependency_orders_adds_nothing(self) -> None:
        workload = make_workload(3, dependencies={1: (0,), 2: (1,)}, conflicts=[(0, 2), (0, 1)])
        assert reduce_edges(workload, range(3)) == ((), (0,), (1,))

    def test_a_dependency_named_twice_counts_once(self) -> None:
        workload = make_workload(2, dependencies={1: (0, 0)})
        assert reduce_edges(workload, range(2)) == ((), (0,))

    def test_several_predecessors_come_by_ascending_index(self) -> None:
        workload = make_workload(4, dependencies={3: (2, 0, 1)})
        assert reduce_edges(workload, (2, 0, 1, 3))[3] == (0, 1, 2)

    def test_no_slices_have_no_edges(self) -> None:
        assert reduce_edges(make_workload(0), ()) == ()

    @given(ordered_workloads())
    def test_is_the_transitive_reduction(self, case: tuple[Workload, tuple[int, ...]]) -> None:
        workload, order = case
        assert reduce_edges(workload, order) == reduce_naively(workload, order)

    @given(ordered_workloads())
    def test_says_what_the_pairs_say_with_no_more_edges(
        self, case: tuple[Workload, tuple[int, ...]]
    ) -> None:
        workload, order = case
        edges = reduce_edges(workload, order)
        pairs = {(earlier, later) for later, some in enumerate(edges) for earlier in some}
        assert close(pairs, order) == close(find_pairs(workload, order), order)
        assert len(pairs) <= len(find_pairs(workload, order))

    def test_many_slices_in_conflict_make_one_chain(self) -> None:
        count = 1_000
        everyone = (1 << count) - 1
        workload = Workload(
            costs=(1,) * count,
            dependencies=((),) * count,
            conflicts=tuple(everyone ^ 1 << slice_ for slice_ in range(count)),
        )
        order = tuple(reversed(range(count)))
        edges = reduce_edges(workload, order)
        assert all(edges[later] == (earlier,) for earlier, later in pairwise(order))

    @pytest.mark.parametrize("seed", range(3))
    def test_is_the_transitive_reduction_of_hundreds_too(self, seed: int) -> None:
        random = Random(seed)
        count = 400
        order = random.sample(range(count), count)
        pairs = [random.sample(range(count), 2) for _ in range(1_500)]
        dependencies = {
            order[place]: (order[random.randrange(place)],) for place in range(1, count, 3)
        }
        workload = make_workload(
            count, dependencies=dependencies, conflicts=[(one, other) for one, other in pairs]
        )
        assert reduce_edges(workload, order) == reduce_naively(workload, order)

    def test_dependencies_across_a_long_order_are_reduced(self) -> None:
        count = 40_000
        workload = make_workload(
            count,
            dependencies={i: (i - 2, i - 20, i - 30_000) for i in range(30_000, count)}
            | {i: (i - 2,) for i in range(2, 30_000)},
        )
        edges = reduce_edges(workload, range(count))
        assert all(edges[slice_] == (slice_ - 2,) for slice_ in range(2, 30_000))
        assert {i for i in range(30_000, count) if edges[i] != (i - 2,)} == set()


class TestWavesAndCriticalPath:
    def test_a_wave_is_the_length_of_the_longest_way(self) -> None:
        assert find_waves(((), (0,), (1,), (0, 2), ()), range(5)) == (0, 1, 2, 3, 0)

    def test_the_critical_path_is_the_costliest_not_the_longest(self) -> None:
        assert find_critical_path(((), (0,), (1,), ()), (1, 1, 1, 5), range(4)) == ((3,), 5)

    def test_equal_paths_are_told_apart_by_smaller_indices(self) -> None:
        edges = ((), (), (0, 1), (0, 1))
        assert find_critical_path(edges, (2, 2, 1, 1), (1, 0, 3, 2)) == ((0, 2), 3)

    def test_whole_costs_add_up_to_a_whole_number(self) -> None:
        path, cost = find_critical_path(((), (0,)), (2, 3), range(2))
        assert (path, cost, type(cost)) == ((0, 1), 5, int)

    def test_broken_costs_add_up_as_floats(self) -> None:
        assert find_critical_path(((), (0,)), (0.5, 3), range(2)) == ((0, 1), 3.5)

    def test_no_slices_cost_nothing(self) -> None:
        assert find_critical_path((), (), ()) == ((), 0)
        assert find_waves((), ()) == ()

    @given(ordered_workloads())
    def test_path_and_waves_agree_with_all_ways(
        self, case: tuple[Workload, tuple[int, ...]]
    ) -> None:
        workload, order = case
        before = close(find_pairs(workload, order), order)
        edges = reduce_edges(workload, order)
        waves = find_waves(edges, order)
        assert all(waves[e] < waves[i] for i in order for e in before[i])
        assert all(w == 0 or w - 1 in {waves[e] for e in edges[i]} for i, w in enumerate(waves))
        path, cost = find_critical_path(edges, workload.costs, order)
        assert all(earlier in edges[later] for earlier, later in pairwise(path))
        assert cost == simulate(workload, order).makespan


class TestSimulate:
    def test_one_worker_takes_the_sum_of_the_costs(self) -> None:
        timetable = simulate(make_workload(3, costs=(2, 3, 4)), range(3), 1)
        assert (timetable.start, timetable.makespan) == ((0, 2, 5), 9)

    def test_a_free_worker_takes_the_earliest_slice_that_may_start(self) -> None:
        workload = make_workload(4, costs=(4, 1, 1, 1), conflicts=[(0, 1)])
        assert simulate(workload, range(4), 2).start == (0, 4, 0, 1)

    def test_without_workers_only_dependencies_and_conflicts_hold_slices_back(self) -> None:
        workload = make_workload(4, costs=(2, 3, 4, 1), dependencies={3: (1,)}, conflicts=[(0, 1)])
        timetable = simulate(workload, range(4))
        assert timetable.start == (0, 2, 0, 5)
        assert timetable.finish == (2, 5, 4, 6)

    def test_a_later_slice_does_not_overtake_one_it_conflicts_with(self) -> None:
        workload = make_workload(3, costs=(3, 1, 1), dependencies={1: (0,)}, conflicts=[(1, 2)])
        assert simulate(workload, range(3)).start == (0, 3, 4)

    def test_no_slices_take_no_time(self) -> None:
        assert simulate(make_workload(0), (), 2).makespan == 0

    @given(ordered_workloads(), st.sampled_from((None, 1, 2, 3)))
    def test_the_order_is_kept_and_no_worker_does_two_things(
        self, case: tuple[Workload, tuple[int, ...]], workers: int | None
    ) -> None:
        workload, order = case
        timetable = simulate(workload, order, workers)
        assert sorted(timetable.sequence) == list(range(len(order)))
        for earlier, later in find_pairs(workload, order):
            assert timetable.finish[earlier] <= timetable.start[later]
        for now in timetable.start:
            spans = zip(timetable.start, timetable.finish, strict=True)
            assert sum(start <= now < finish for start, finish in spans) <= (workers or len(order))


class TestExplainWait:
    def test_each_ancestor_is_reached_through_the_nearest_way(self) -> None:
        edges = ((), (0,), (1,), (0,), (2, 3))
        assert explain_wait(4, edges) == {2: 4, 3: 4, 1: 2, 0: 3}

    def test_a_slice_of_the_first_wave_waits_for_nothing(self) -> None:
        assert explain_wait(0, ((), (0,))) == {}


CHAIN = """
import resource
from gitslices.planning.ordering import order_by_critical_path
from gitslices.planning.schedule import Workload, find_critical_path, find_waves, reduce_edges

count = 100_000
resource.setrlimit(resource.RLIMIT_AS, (320 << 20, 320 << 20))
workload = Workload(
    costs=(1,) * count,
    dependencies=((),) + tuple((slice_,) for slice_ in range(count - 1)),
    conflicts=(0,) * count,
)
order = order_by_critical_path(workload)
edges = reduce_edges(workload, order)
assert order == tuple(range(count)) and edges == workload.dependencies
print(find_waves(edges, order)[-1], find_critical_path(edges, workload.costs, order)[1])
"""


def test_a_chain_of_100_000_slices_needs_little_memory() -> None:
    root = Path(gitslices.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", CHAIN], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("99999 100000\n", "")
