"""Slices to be ordered, made in a test or for a measurement, and the best that can be had."""

from collections.abc import Mapping, Sequence
from random import Random

from hypothesis import strategies as st

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
