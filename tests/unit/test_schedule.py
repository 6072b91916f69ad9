"""What an order means: edges, waves, critical path and timetable, on plain values."""

from itertools import pairwise

from gitslices.planning.schedule import (
    Workload,
    explain_wait,
    find_critical_path,
    find_waves,
    reduce_edges,
    simulate,
)
from tests.support.workloads import make_workload


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


class TestExplainWait:
    def test_each_ancestor_is_reached_through_the_nearest_way(self) -> None:
        edges = ((), (0,), (1,), (0,), (2, 3))
        assert explain_wait(4, edges) == {2: 4, 3: 4, 1: 2, 0: 3}

    def test_a_slice_of_the_first_wave_waits_for_nothing(self) -> None:
        assert explain_wait(0, ((), (0,))) == {}
