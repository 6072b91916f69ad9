"""The orders that are chosen: valid, never worse than by id, close to the best there is."""

import pytest
from msgspec.structs import replace

from gitslices.planning.ordering import (
    cost_without,
    find_started_conflicts,
    order_by_critical_path,
    order_by_id,
)
from gitslices.planning.schedule import Workload, simulate
from tests.support.workloads import find_optimum, make_hot_workload, make_workload


def measure(workload: Workload, order: tuple[int, ...], workers: int | None = None) -> float:
    return simulate(workload, order, workers).makespan


class TestOrderById:
    def test_of_the_ready_slices_the_smallest_goes_first(self) -> None:
        assert order_by_id(make_workload(4, dependencies={0: (3,), 1: (0,)})) == (2, 3, 0, 1)

    def test_conflicts_do_not_change_it(self) -> None:
        assert order_by_id(make_workload(3, conflicts=[(0, 1), (1, 2)])) == (0, 1, 2)

    def test_no_slices_have_an_empty_order(self) -> None:
        assert order_by_id(make_workload(0)) == ()


class TestOrderByCriticalPath:
    def test_the_slice_that_most_work_waits_for_goes_first(self) -> None:
        workload = make_workload(
            4, costs=(5, 1, 4, 4), dependencies={2: (1,), 3: (2,)}, conflicts=[(0, 1)]
        )
        order = order_by_critical_path(workload)
        assert order.index(1) < order.index(0)
        assert measure(workload, order) == 9

    def test_what_id_does_as_well_stays_by_id(self) -> None:
        workload = make_workload(3, costs=(1, 2, 3), conflicts=[(0, 1), (1, 2), (0, 2)])
        assert order_by_critical_path(workload) == (0, 1, 2)

    def test_two_slices_that_conflict_with_a_third_run_at_once(self) -> None:
        workload = make_workload(3, conflicts=[(0, 1), (1, 2)])
        assert measure(workload, order_by_critical_path(workload)) == 2

    def test_waiting_on_purpose_is_found(self) -> None:
        # Slice 0 may start at once, but would hold up 2, which becomes ready a moment later.
        workload = make_workload(
            4, costs=(9, 1, 1, 9), dependencies={2: (1,), 3: (2,)}, conflicts=[(0, 2)]
        )
        assert measure(workload, order_by_critical_path(workload)) == 11

    def test_with_one_worker_all_orders_cost_the_same_so_id_stays(self) -> None:
        workload = make_workload(4, costs=(5, 1, 4, 4), dependencies={2: (1,)}, conflicts=[(0, 1)])
        assert order_by_critical_path(workload, 1) == order_by_id(workload)

    def test_with_two_workers_their_timetable_counts(self) -> None:
        workload = make_workload(3, costs=(1, 1, 2))
        assert order_by_critical_path(workload, 2)[0] == 2

    def test_no_slices_have_an_empty_order(self) -> None:
        assert order_by_critical_path(make_workload(0), 2) == ()

    def test_hot_files_cost_a_third_less_than_by_id(self) -> None:
        ratios = []
        for seed in range(5):
            workload = make_hot_workload(120, seed)
            by_id = measure(workload, order_by_id(workload))
            ratios.append(measure(workload, order_by_critical_path(workload)) / by_id)
        assert sum(ratios) / len(ratios) <= 0.65


class TestStarted:
    def test_a_started_slice_keeps_its_place(self) -> None:
        workload = replace(make_workload(3, conflicts=[(0, 2), (1, 2)]), started=(2,))
        assert order_by_id(workload) == (2, 0, 1)

    def test_even_where_another_order_would_finish_sooner(self) -> None:
        workload = make_workload(3, costs=(5, 1, 9), dependencies={2: (1,)}, conflicts=[(0, 1)])
        assert measure(workload, order_by_critical_path(workload)) == 10
        assert order_by_critical_path(replace(workload, started=(0,))) == (0, 1, 2)

    def test_started_slices_keep_their_order_among_themselves(self) -> None:
        workload = replace(make_workload(3, conflicts=[(0, 1), (1, 2)]), started=(2, 1))
        assert order_by_id(workload) == (2, 1, 0)

    def test_a_dependency_added_after_the_start_still_holds(self) -> None:
        workload = make_workload(3, dependencies={0: (1,), 1: (2,)}, conflicts=[(0, 2)])
        assert order_by_id(replace(workload, started=(0,))) == (2, 1, 0)

    def test_two_started_slices_held_by_each_others_dependencies_are_ordered_all_the_same(
        self,
    ) -> None:
        workload = make_workload(4, dependencies={0: (2,), 1: (3,)}, conflicts=[(2, 1), (3, 0)])
        assert order_by_id(replace(workload, started=(0, 1))) == (2, 0, 3, 1)

    def test_running_slices_in_conflict_are_found(self) -> None:
        workload = make_workload(4, conflicts=[(0, 1), (1, 2), (2, 3), (0, 3)])
        assert find_started_conflicts(workload, {0, 1, 3}) == ((0, 1), (0, 3))

    def test_running_slices_ordered_by_dependencies_are_no_conflict(self) -> None:
        workload = make_workload(3, dependencies={0: (2,), 2: (1,)}, conflicts=[(0, 1)])
        assert find_started_conflicts(workload, {0, 1}) == ()

    def test_finished_slices_are_no_conflict(self) -> None:
        workload = replace(make_workload(2, conflicts=[(0, 1)]), started=(0, 1))
        assert find_started_conflicts(workload, {1}) == ()


class TestCostWithout:
    def test_by_id_the_order_stays_and_the_wait_goes(self) -> None:
        workload = make_workload(3, costs=(1, 2, 4), conflicts=[(0, 1), (1, 2)])
        less = make_workload(3, conflicts=[(0, 1)]).conflicts
        assert cost_without(workload, less, (0, 1, 2), "id") == 4

    def test_the_rest_is_ordered_anew(self) -> None:
        workload = make_workload(
            4, costs=(6, 1, 6, 1), dependencies={2: (1,)}, conflicts=[(0, 1), (0, 3), (1, 3)]
        )
        less = make_workload(4, conflicts=[(0, 1)]).conflicts
        assert cost_without(workload, less, (0, 1, 2, 3), "id") == 13
        assert cost_without(workload, less, (0, 1, 2, 3), "critical-path") == 7


def test_small_graphs_come_within_three_percent_of_the_optimum() -> None:
    pytest.importorskip("ortools", reason="ortools is not installed")
    ratios = []
    for seed in range(20):
        workload = make_hot_workload(20 + seed % 6, seed)
        best = find_optimum(workload)
        if best is not None:
            ratios.append(measure(workload, order_by_critical_path(workload)) / best)
    assert len(ratios) > 15
    assert sum(ratios) / len(ratios) <= 1.03
    assert max(ratios) <= 1.25
