"""What an order of slices means: the fewest edges, the waves, the critical path, the timetable.

Slices are the integers 0 to n - 1, in the natural order of their ids. A set of slices is a bitmask.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

from msgspec import Struct

from gitslices.core.model import Cost

_REACH_BITS = 1 << 29
"""How many bits `reduce_edges` spends on reachability at a time: 64 MiB."""

_BAND = 128
"""How many slices `_thin_conflicts` looks at together."""

_FEW = 64
"""How many slices a queue looks at together; so few are sorted sooner than found in bands."""


class Workload(Struct, frozen=True, kw_only=True):
    """The slices to be ordered.

    `dependencies[i]` holds what was declared, without a cycle, redundant or not. Bit j of
    `conflicts[i]` says that i and j must not be under way at once; the masks are symmetric.
    `by_id` lists all slices as they come by their ids; without it that is 0, 1, 2 and so on.
    `started` lists the slices that are finished or under way, finished ones first, in the order
    in which they took their place: nothing but a dependency is put before them any more.
    """

    costs: tuple[Cost, ...]
    dependencies: tuple[tuple[int, ...], ...]
    conflicts: tuple[int, ...]
    by_id: tuple[int, ...] = ()
    started: tuple[int, ...] = ()


class Network(Struct, frozen=True, kw_only=True):
    """What holds slices back in a list schedule.

    A slice starts when its predecessors have finished and no slice of its `blockers` is busy.
    `busy` names the slices that count as busy before they start.
    """

    predecessors: Sequence[Sequence[int]]
    successors: Sequence[Sequence[int]]
    blockers: Sequence[int]
    busy: int = 0


class _Timetable(Struct, frozen=True, kw_only=True):
    """When each slice starts and finishes; `sequence` is the order in which they start."""

    sequence: tuple[int, ...]
    start: tuple[Cost, ...]
    finish: tuple[Cost, ...]
    makespan: Cost


def iterate_bits(mask: int) -> Iterator[int]:
    """Yield the members of a bitmask, the highest first."""
    while mask:
        highest = mask.bit_length() - 1
        yield highest
        mask ^= 1 << highest


def find_successors(predecessors: Sequence[Sequence[int]]) -> list[list[int]]:
    """Turn the lists of predecessors round."""
    successors: list[list[int]] = [[] for _ in predecessors]
    for later, earlier_ones in enumerate(predecessors):
        for earlier in earlier_ones:
            successors[earlier].append(later)
    return successors


class _Run:
    """A list schedule under way.

    What is `ready`, as far as others must finish first, is kept in bands of the priority, so that
    the first of many is soon found; bands before `_first` hold nothing ready. A slice that is
    blocked is parked with one busy slice that blocks it and looked at again when that one has
    finished. One that starts takes all that it blocks out of the queue at once, so that many
    slices around one file cost no look at each of them whenever one of them ends.
    """

    def __init__(
        self, network: Network, costs: Sequence[Cost], priority: Sequence[int], workers: int
    ) -> None:
        count = len(priority)
        self._network = network
        self._costs = costs
        self._priority = priority
        self._rank = find_positions(priority)
        self._bands = [
            sum([1 << slice_ for slice_ in priority[low : low + _FEW]])
            for low in range(0, count, _FEW)
        ]
        self._first = 0
        self._unfinished = list(map(len, network.predecessors))
        self._ready = sum([1 << slice_ for slice_ in range(count) if not self._unfinished[slice_]])
        self._busy = network.busy
        self._parked: dict[int, int] = {}
        self._free = workers
        self._ends: list[Cost] = []
        self._ending: dict[Cost, list[int]] = {}
        self.now: Cost = 0
        self.sequence: list[int] = []
        self.start: list[Cost] = [0] * count
        self.finish: list[Cost] = [0] * count

    @property
    def is_over(self) -> bool:
        """Whether nothing runs, and nothing waits."""
        return not (self._ready or self._ends)

    def start_ready(self) -> None:
        """Have free workers start what may start, first in priority first."""
        free, ready, busy, now = self._free, self._ready, self._busy, self.now
        blockers = self._network.blockers
        while free and ready:
            for slice_ in self._list_first(ready):
                bit = 1 << slice_
                if not ready & bit:
                    continue
                ready ^= bit
                if blocking := blockers[slice_] & busy:
                    self._park(bit, blocking.bit_length() - 1)
                    continue
                if held := ready & blockers[slice_]:
                    ready ^= held
                    self._park(held, slice_)
                busy |= bit
                self._start(slice_, now)
                free -= 1
                if not free:
                    break
        self._free, self._ready, self._busy = free, ready, busy

    def _start(self, slice_: int, now: Cost) -> None:
        self.sequence.append(slice_)
        self.start[slice_] = now
        self.finish[slice_] = finish = now + self._costs[slice_]
        if finish in self._ending:
            self._ending[finish].append(slice_)
        else:
            self._ending[finish] = [slice_]
            heappush(self._ends, finish)

    def _list_first(self, ready: int) -> Sequence[int]:
        """The first band with something ready in it or, of a few, all that are ready."""
        if ready.bit_count() <= _FEW:
            return sorted(iterate_bits(ready), key=self._rank.__getitem__)
        while not ready & self._bands[self._first]:
            self._first += 1
        low = self._first * _FEW
        return self._priority[low : low + _FEW]

    def _park(self, slices: int, busy: int) -> None:
        self._parked[busy] = self._parked.get(busy, 0) | slices

    def finish_next(self) -> None:
        """Go on to when a slice ends, and end all that do."""
        unfinished, successors, rank = self._unfinished, self._network.successors, self._rank
        ready, ended, lowest = self._ready, 0, len(rank)
        slices = self._ending.pop(heappop(self._ends))
        # Ends of 1 and of 1.0 are one key here; the smallest slice says which of the two is shown.
        self.now = self.finish[min(slices)]
        for slice_ in slices:
            ended |= 1 << slice_
            if held := self._parked.pop(slice_, 0):
                ready |= held
                # What was parked may stand anywhere: to look up each rank costs more than to begin
                # in front.
                lowest = 0
            for later in successors[slice_]:
                unfinished[later] -= 1
                if not unfinished[later]:
                    ready |= 1 << later
                    lowest = min(lowest, rank[later])
        self._free += len(slices)
        self._ready = ready
        self._busy ^= ended
        self._first = min(self._first, lowest // _FEW)


def make_timetable(
    network: Network, costs: Sequence[Cost], priority: Sequence[int], workers: int | None = None
) -> _Timetable:
    """Start every slice as soon as it may; of those that may, the first in `priority` first."""
    run = _Run(network, costs, priority, len(priority) if workers is None else workers)
    while not run.is_over:
        run.start_ready()
        run.finish_next()
    return _Timetable(
        sequence=tuple(run.sequence),
        start=tuple(run.start),
        finish=tuple(run.finish),
        makespan=run.now,
    )


def simulate(workload: Workload, order: Sequence[int], workers: int | None = None) -> _Timetable:
    """Run the slices in `order` by `workers` workers, or by as many as there is work for.

    Of two slices that conflict the earlier in `order` goes first; a free worker takes the earliest
    slice that may start.
    """
    blockers = [0] * len(order)
    placed = 0
    for slice_ in order:
        if workload.conflicts[slice_]:
            blockers[slice_] = workload.conflicts[slice_] & placed
            placed |= 1 << slice_
    network = Network(
        predecessors=workload.dependencies,
        successors=find_successors(workload.dependencies),
        blockers=blockers,
        # All of them count as busy from the start, so a slice waits for an earlier one in `order`
        # even where that has not begun.
        busy=placed,
    )
    return make_timetable(network, workload.costs, order, workers)


def reduce_edges(workload: Workload, order: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """For each slice the fewest predecessors that say what `order` says, by ascending index.

    That is the transitive reduction of the dependencies and of the conflicts, the earlier in
    `order` first: taking predecessors latest first, one that is reached through a later one is
    left out. What each slice reaches is kept for a stretch of positions at a time, the last
    stretch first, so it takes 64 MiB at most, whatever the number of slices and their shape.
    """
    candidates = _find_candidates(workload, order)
    kept: list[list[int]] = [[] for _ in order]
    width = max(1, _REACH_BITS // max(1, len(order)))
    for low in reversed(range(0, len(order), width)):
        reached: list[int] = []
        for place in range(low, len(order)):
            reach = 0
            for earlier in kept[place]:
                reach |= reached[earlier - low]
            while candidates[place] and candidates[place][-1] >= low:
                column = candidates[place].pop() - low
                if not reach >> column & 1:
                    kept[place].append(column + low)
                    reach |= reached[column] | 1 << column
            reached.append(reach)
    edges: list[tuple[int, ...]] = [()] * len(order)
    for place, slice_ in enumerate(order):
        edges[slice_] = tuple(sorted(order[earlier] for earlier in kept[place]))
    return tuple(edges)


def _find_candidates(workload: Workload, order: Sequence[int]) -> list[list[int]]:
    """For each position in `order` positions that it comes after, ascending, perhaps repeated."""
    position = find_positions(order)
    forced = _thin_conflicts(workload.conflicts, order, position)
    return [
        sorted(position[earlier] for earlier in (*workload.dependencies[slice_], *forced[slice_]))
        for slice_ in order
    ]


def _thin_conflicts(
    conflicts: Sequence[int], order: Sequence[int], position: Sequence[int]
) -> list[list[int]]:
    """Reduce the conflicts alone, with no look at most of the pairs.

    The slices that stand before one are searched by bands of neighbours in `order`, the latest
    first; those reached through one that is found drop out of the search at once. It takes about
    as much memory as the conflicts themselves.
    """
    kept: list[list[int]] = [[] for _ in order]
    reached: dict[int, int] = {}
    bands: list[int] = []
    placed = 0
    for slice_ in order:
        if not conflicts[slice_]:
            continue
        left, reach = conflicts[slice_] & placed, 0
        for band in (left,) if left.bit_count() <= _FEW else reversed(bands):
            if not left:
                break
            members = iterate_bits(left & band)
            for earlier in sorted(members, key=position.__getitem__, reverse=True):
                if left >> earlier & 1:
                    kept[slice_].append(earlier)
                    reach |= reached[earlier] | 1 << earlier
                    left &= ~reach
        if len(reached) % _BAND == 0:
            bands.append(0)
        reached[slice_] = reach
        placed |= 1 << slice_
        bands[-1] |= 1 << slice_
    return kept


def find_positions(order: Sequence[int]) -> list[int]:
    """Where in `order` each slice stands."""
    position = [0] * len(order)
    for place, slice_ in enumerate(order):
        position[slice_] = place
    return position


def find_waves(edges: Sequence[Sequence[int]], order: Sequence[int]) -> tuple[int, ...]:
    """For each slice how many others the longest way to it passes: the first wave is 0."""
    waves = [0] * len(order)
    for slice_ in order:
        waves[slice_] = max((waves[earlier] + 1 for earlier in edges[slice_]), default=0)
    return tuple(waves)


def find_critical_path(
    edges: Sequence[Sequence[int]], costs: Sequence[Cost], order: Sequence[int]
) -> tuple[tuple[int, ...], Cost]:
    """Find the costliest way through the slices and its cost; of equal ones the smaller indices."""
    if not order:
        return (), 0
    finish, _ = measure_ways(edges, costs, order)
    path = [min(order, key=lambda slice_: (-finish[slice_], slice_))]
    while earlier_ones := edges[path[-1]]:
        path.append(min(earlier_ones, key=lambda slice_: (-finish[slice_], slice_)))
    return tuple(reversed(path)), finish[path[0]]


def count_unordered(
    pairs: Sequence[int], edges: Sequence[Sequence[int]], order: Sequence[int]
) -> int:
    """Count the pairs (symmetric masks) of which neither slice comes before the other.

    What each slice reaches is kept for some slices at a time, as in `reduce_edges`.
    """
    total = sum(mask.bit_count() for mask in pairs)
    if not total:
        return 0
    ordered, width = 0, max(1, _REACH_BITS // len(order))
    for low in range(0, len(order), width):
        reached = [0] * len(order)
        for slice_ in order:
            for earlier in edges[slice_]:
                reached[slice_] |= reached[earlier]
                if low <= earlier < low + width:
                    reached[slice_] |= 1 << earlier - low
            ordered += (pairs[slice_] >> low & reached[slice_]).bit_count()
    # The masks are symmetric, so each pair is in `total` twice, and under its later slice in
    # `ordered` once.
    return total // 2 - ordered


def measure_ways(
    edges: Sequence[Sequence[int]], costs: Sequence[Cost], order: Sequence[int]
) -> tuple[list[Cost], list[Cost]]:
    """For each slice the cost of the longest way that ends with it, and that begins with it."""
    finish: list[Cost] = [0] * len(order)
    for slice_ in order:
        finish[slice_] = max((finish[earlier] for earlier in edges[slice_]), default=0)
        finish[slice_] += costs[slice_]
    tail: list[Cost] = list(costs)
    for slice_ in reversed(order):
        for earlier in edges[slice_]:
            tail[earlier] = max(tail[earlier], costs[earlier] + tail[slice_])
    return finish, tail


def explain_wait(slice_: int, edges: Sequence[Sequence[int]]) -> dict[int, int]:
    """For each slice that must finish before `slice_`, the one next on a shortest way to it.

    The nearest come first; a direct predecessor maps to `slice_` itself.
    """
    through: dict[int, int] = {}
    # Breadth first, and without recursion: tens of thousands of tasks may wait in one chain.
    pending = deque([slice_])
    while pending:
        later = pending.popleft()
        for earlier in edges[later]:
            if earlier not in through:
                through[earlier] = later
                pending.append(earlier)
    return through
