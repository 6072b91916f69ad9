"""Slices to be ordered, made in a test or for a measurement, and the best that can be had."""

from collections.abc import Mapping, Sequence
from random import Random

from gitslices.planning.ordering import order_by_critical_path
from gitslices.planning.schedule import Workload, iterate_bits, simulate


def make_workload(
    count: int,
    *,
    costs: Sequence[int | float] = (),
    dependencies: Mapping[int, tuple[int, ...]] | None = None,
    conflicts: Sequence[tuple[int, int]] = (),
) -> Workload:
    masks = [0] * count
    for one, other in conflicts:
        masks[one] |= 1 << other
        masks[other] |= 1 << one
    return Workload(
        costs=tuple(costs) or (1,) * count,
        dependencies=tuple((dependencies or {}).get(slice_, ()) for slice_ in range(count)),
        conflicts=tuple(masks),
    )


def make_hot_workload(count: int, seed: int) -> Workload:
    """Slices that write two files of many and two of the few that many slices write."""
    random = Random(seed)
    hot = range(count, count + 3 + count // 10)
    files = [
        {random.randrange(count), random.randrange(count), random.choice(hot), random.choice(hot)}
        for _ in range(count)
    ]
    return make_workload(
        count,
        costs=[random.randint(1, 8) for _ in range(count)],
        dependencies={
            slice_: tuple(e for e in range(slice_) if random.random() < 1.5 / count)
            for slice_ in range(count)
        },
        conflicts=[(i, e) for i in range(count) for e in range(i) if files[i] & files[e]],
    )


def find_optimum(workload: Workload) -> float | None:
    """The shortest time there is, by constraint programming; None where that takes too long.

    Raises ImportError without ortools.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    costs = [int(cost) for cost in workload.costs]
    horizon = int(simulate(workload, order_by_critical_path(workload)).makespan)
    starts = [model.new_int_var(0, horizon, "") for _ in costs]
    ends = [start + cost for start, cost in zip(starts, costs, strict=True)]
    spans = [
        model.new_interval_var(start, cost, end, "")
        for start, cost, end in zip(starts, costs, ends, strict=True)
    ]
    for slice_, dependencies in enumerate(workload.dependencies):
        for earlier in dependencies:
            model.add(ends[earlier] <= starts[slice_])
        for other in iterate_bits(workload.conflicts[slice_] >> slice_):
            model.add_no_overlap([spans[slice_], spans[slice_ + other]])
    makespan = model.new_int_var(0, horizon, "")
    model.add_max_equality(makespan, ends)
    model.minimize(makespan)
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = 10
    return solver.objective_value if solver.solve(model) == cp_model.OPTIMAL else None
