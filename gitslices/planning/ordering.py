"""Which of two conflicting slices goes first: by id, or so that all of them finish sooner."""

from collections.abc import Collection, Sequence
from heapq import heapify, heappop, heappush, nlargest
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from gitslices.core.model import Cost, Order
from gitslices.planning.schedule import (
    Network,
    Workload,
    explain_wait,
    find_positions,
    find_successors,
    iterate_bits,
    make_timetable,
    simulate,
)

_BASE_STEPS = 80_000
_STEPS_PER_SLICE = 60
_MOST_STEPS = 300_000
_MOST_ROUNDS = 500
"""What a search may spend. A step, one look at whether a slice may start, is near a microsecond."""

_PAIRS_PER_STEP = 5
"""One schedule takes a step for each slice and, measured, one for every five conflicting pairs."""

_CLIQUES = 8
"""How many of the slices with most conflicts the lower bound looks at."""

_STEPS_WITHOUT = 40_000
_MOST_ROUNDS_WITHOUT = 60
"""What a search with fewer conflicts may spend: in large graphs, nothing."""


class _Candidate(Struct, frozen=True):
    """An order, and the time in which it finishes."""

    order: Sequence[int]
    makespan: Cost


def order_by_id(workload: Workload) -> tuple[int, ...]:
    """Of the slices that are ready always take the first by its id (Kahn, 1962)."""
    rank = find_positions(workload.by_id or range(len(workload.costs)))
    network = _make_network(workload)
    # One at a time is under way, so that of all conflicts only those with started slices bind.
    before = [
        (*network.predecessors[slice_], *iterate_bits(network.blockers[slice_] & network.busy))
        for slice_ in range(len(workload.costs))
    ]
    successors = find_successors(before)
    waiting = list(map(len, before))
    ready = [(rank[slice_], slice_) for slice_, number in enumerate(waiting) if not number]
    heapify(ready)
    order: list[int] = []
    while ready:
        order.append(heappop(ready)[1])
        for later in successors[order[-1]]:
            waiting[later] -= 1
            if not waiting[later]:
                heappush(ready, (rank[later], later))
    return tuple(order)


def order_by_critical_path(workload: Workload, workers: int | None = None) -> tuple[int, ...]:
    """Let all slices finish soon, and never later than by id.

    This is list scheduling by the longest remaining path, improved by forward and backward passes
    (Li and Willis, 1992) and by shaken priorities, for a number of steps that depends on the
    workload alone. What counts is the critical path or, with `workers`, their timetable.
    """
    by_id = _rate(workload, order_by_id(workload), workers)
    return tuple(_search(workload, by_id, _count_rounds(workload), workers).order)


def bound_makespan(workload: Workload) -> Cost:
    """A time that no order can beat, though there may be none that is as good."""
    return _relax(workload, order_by_id(workload), None)[0]


def cost_without(
    workload: Workload,
    conflicts: tuple[int, ...],
    order: Sequence[int],
    kind: Order,
    *,
    cost: Cost | None = None,
    workers: int | None = None,
) -> Cost:
    """Find what the critical path would cost with only these `conflicts`.

    With `workers` it is the time in which they finish.

    `order` is the one of `kind` that was found for all conflicts; `cost` is what it costs with
    these, if that is known. The slices are ordered anew with a part of the effort, so the answer
    never exceeds the cost of that order.
    """
    less = replace(workload, conflicts=conflicts)
    known = _rate(less, order, workers) if cost is None else _Candidate(order, cost)
    # Several of these are asked for after one plan, so each gets a part of a plan's effort.
    rounds = min(_STEPS_WITHOUT // _count_steps(less), _MOST_ROUNDS_WITHOUT)
    if kind == "id" or not rounds:
        return known.makespan
    return _search(less, known, rounds, workers).makespan


def find_started_conflicts(
    workload: Workload, running: Collection[int]
) -> tuple[tuple[int, int], ...]:
    """Find the conflicting pairs that are under way at once, though no dependency orders them."""
    mask = sum(1 << slice_ for slice_ in running)
    return tuple(
        (first, second)
        for second in sorted(running)
        for first in sorted(iterate_bits(workload.conflicts[second] & mask))
        if first < second
        and first not in explain_wait(second, workload.dependencies)
        and second not in explain_wait(first, workload.dependencies)
    )


def _rate(workload: Workload, order: Sequence[int], workers: int | None) -> _Candidate:
    return _Candidate(order, simulate(workload, order, workers).makespan)


def _count_rounds(workload: Workload) -> int:
    """How many times the budget allows a forward and a backward pass, at least once."""
    # In steps, not in seconds: a slow or busy machine has to find the same order.
    budget = min(_BASE_STEPS + _STEPS_PER_SLICE * len(workload.costs), _MOST_STEPS)
    return min(max(budget // _count_steps(workload), 1), _MOST_ROUNDS)


def _count_steps(workload: Workload) -> int:
    """How many steps a forward and a backward pass take."""
    pairs = sum(mask.bit_count() for mask in workload.conflicts) // 2
    return 2 * (len(workload.costs) + pairs // _PAIRS_PER_STEP) + 1


def _search(workload: Workload, best: _Candidate, rounds: int, workers: int | None) -> _Candidate:
    """Look for an order better than `best`, as long as there is room above the lower bound.

    Each round schedules forward, then backward with the last to finish first, which says how long
    the way from each slice to the end has become: the priorities of the next round. Where that
    helps no more, the best priorities so far are shaken.
    """
    costs = workload.costs
    forward, backward = _make_network(workload), _make_reverse_network(workload)
    bound, priority = _relax(workload, best.order, workers)
    random = Random(len(costs))  # noqa: S311 - no secret: the same workload, the same order
    base, lowest = priority, float("inf")
    # An order that meets the lower bound is the best there is: then not even one round is run.
    for _ in range(rounds if best.makespan > bound else 0):
        ahead = make_timetable(forward, costs, priority, workers)
        if ahead.makespan < best.makespan:
            best = _Candidate(ahead.sequence, ahead.makespan)
        if best.makespan <= bound:
            break
        back = make_timetable(backward, costs, _sort_latest_first(ahead.finish), workers)
        if back.makespan < best.makespan and not workload.started:
            mirrored = _rate(workload, back.sequence[::-1], workers)
            best = min(best, mirrored, key=lambda candidate: candidate.makespan)
        makespan = min(ahead.makespan, back.makespan)
        priority = _sort_latest_first(back.finish)
        # A tie moves the base along as well, or the search would shake the same priorities again
        # and again where many orders take equally long.
        if makespan <= lowest:
            base = priority
        if makespan >= lowest:
            priority = _shake(base, random)
        lowest = min(lowest, makespan)
    return best


def _relax(workload: Workload, order: Sequence[int], workers: int | None) -> tuple[Cost, list[int]]:
    """Without conflicts: a time that no order can beat, and the slices by longest remaining path.

    Slices that all conflict with each other run one by one, after the way to the first and before
    the way from the last of them. `order` is any that the dependencies allow.
    """
    count, costs = len(workload.costs), workload.costs
    heads = _measure_longest(workload.dependencies, costs, order)
    tails = _measure_longest(find_successors(workload.dependencies), costs, order[::-1])
    finish = [tail + cost for tail, cost in zip(tails, costs, strict=True)]
    # However they are ordered, workers cannot share out more evenly than all at work all the time.
    bounds = [max(finish, default=0), sum(costs) / (workers or count or 1)]
    degrees = [mask.bit_count() for mask in workload.conflicts]
    for most in nlargest(_CLIQUES, range(count), key=degrees.__getitem__):
        clique = _grow_clique(most, workload.conflicts)
        way = min(heads[slice_] for slice_ in clique) + min(tails[slice_] for slice_ in clique)
        bounds.append(way + sum(costs[slice_] for slice_ in clique))
    return max(bounds), _sort_latest_first(finish)


def _measure_longest(
    predecessors: Sequence[Sequence[int]], costs: Sequence[Cost], order: Sequence[int]
) -> list[Cost]:
    """For each slice the cost of the longest way to it, itself left out."""
    start: list[Cost] = [0] * len(order)
    for slice_ in order:
        start[slice_] = max([start[one] + costs[one] for one in predecessors[slice_]], default=0)
    return start


def _grow_clique(first: int, conflicts: Sequence[int]) -> list[int]:
    """Slices that all conflict with each other, greedily those that share most with `first`."""
    around = common = conflicts[first]
    clique = [first]
    shared = {slice_: (conflicts[slice_] & around).bit_count() for slice_ in iterate_bits(around)}
    for slice_ in sorted(shared, key=lambda slice_: (-shared[slice_], slice_)):
        if common >> slice_ & 1:
            clique.append(slice_)
            common &= conflicts[slice_]
    return clique


def _sort_latest_first(times: Sequence[Cost]) -> list[int]:
    return sorted(range(len(times)), key=times.__getitem__, reverse=True)


def _shake(priority: Sequence[int], random: Random) -> list[int]:
    """Move slices from their places by a random reach, most often a small one."""
    reach = len(priority) / 2 * random.random() ** 2
    moved = [place + reach * (2 * random.random() - 1) for place in range(len(priority))]
    return [slice_ for _, slice_ in sorted(zip(moved, priority, strict=True))]


def _make_network(workload: Workload) -> Network:
    """Conflicts are free to be ordered, but for those of started slices, which count as busy."""
    return Network(
        predecessors=workload.dependencies,
        successors=find_successors(workload.dependencies),
        blockers=_hold_started(workload),
        busy=sum(1 << slice_ for slice_ in workload.started),
    )


def _make_reverse_network(workload: Workload) -> Network:
    """Time turned round. What has started is not held here: only the forward pass must obey."""
    return Network(
        predecessors=find_successors(workload.dependencies),
        successors=workload.dependencies,
        blockers=workload.conflicts,
    )


def _hold_started(workload: Workload) -> Sequence[int]:
    """Find the conflicts that hold each slice back while started slices count as busy.

    A started slice waits for those before it in `started`, any other for all of them. But none
    waits for a slice that must come after it, as can be when a dependency was added after the
    start. A slice is settled when nothing before it is outside that order.
    """
    blockers = list(workload.conflicts)
    placed = settled = 0
    for slice_ in workload.started:
        behind = blockers[slice_] & ~placed
        blockers[slice_] &= placed
        awaited = blockers[slice_]
        for earlier in workload.dependencies[slice_]:
            awaited |= 1 << earlier
        if not awaited & ~settled:
            settled |= 1 << slice_
        else:
            for earlier in iterate_bits(
                behind & _find_ancestors(slice_, workload, blockers, placed)
            ):
                blockers[earlier] &= ~(1 << slice_)
        placed |= 1 << slice_
    return blockers


def _find_ancestors(slice_: int, workload: Workload, blockers: Sequence[int], placed: int) -> int:
    """All that comes before `slice_` by dependencies and by what `placed` slices block."""
    found = 0
    pending = [slice_]
    while pending:
        later = pending.pop()
        for earlier in (*workload.dependencies[later], *iterate_bits(blockers[later] & placed)):
            if not found >> earlier & 1:
                found |= 1 << earlier
                pending.append(earlier)
    return found
