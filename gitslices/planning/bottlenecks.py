"""What holds a plan back: the paths, entries and reads whose overlaps make it longer."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal

from msgspec import structs

from gitslices.core.model import (
    Bottleneck,
    RepoPath,
)
from gitslices.planning.ordering import cost_without
from gitslices.planning.outline import Outline
from gitslices.planning.schedule import iterate_bits, measure_ways, simulate
from gitslices.scopes.language.entries import Entry
from gitslices.scopes.overlap.compare import Segment

_CANDIDATES: Final = 5
"""How many paths are tried: each costs an ordering of all slices."""

_ENTRIES: Final = 2
"""The same for entries of scopes."""

_NEAR: Final = 0.9
"""From which part of the critical path's cost on a way counts as nearly as long."""

_Pairs = dict[int, int]
"""The slices (a bit mask) that each slice waits for because of an overlap."""


def find_bottlenecks(outline: Outline) -> tuple[Bottleneck, ...]:
    """The few paths whose overlaps cost most, best first.

    What counts is the critical path or, where the settings name `workers`, when they have finished.
    """
    path, workers = outline.critical_path, outline.settings.workers
    # A critical path of declared dependencies alone gets no shorter by sharing a file.
    if not any(set(outline.forced[slice_]) & set(path) for slice_ in path):
        return ()
    cost = (
        outline.critical_path_cost
        if workers is None
        else simulate(outline.workload, outline.order, workers).makespan
    )
    places = _choose_candidates(outline)
    found = [
        *(
            _try_without(outline, outline.scopes.find_conflicts_without(place), place)
            for place in places
        ),
        *(
            _try_without(
                outline, outline.scopes.find_conflicts_without_entry(entry), entry.text, "entry"
            )
            for entry in _choose_entries(outline, places)
        ),
        *_try_without_reads(outline),
    ]
    gains = [one for one in found if one.cost_without < cost]
    return tuple(sorted(gains, key=lambda one: (one.cost_without, -one.pairs, one.path)))


def _try_without_reads(outline: Outline) -> Iterator[Bottleneck]:
    """What all reads together cost, where a read has put anybody in an order."""
    if not any(
        outline.scopes.get_overlap(later, earlier).kind != "write_write"
        for later in outline.critical_path
        for earlier in outline.forced[later]
    ):
        return
    conflicts = outline.scopes.find_conflicts_without_reads()
    both = zip(outline.workload.conflicts, conflicts, strict=True)
    pairs = sum((before & ~after).bit_count() for before, after in both) // 2
    yield structs.replace(_try_without(outline, conflicts, "", "reads"), pairs=pairs)


def _choose_entries(outline: Outline, places: Sequence[str]) -> list[Entry]:
    """The entries that most slices on long ways have, less what is tried as a place."""
    slices = {
        one for pair in _find_pressing(outline).items() for one in (pair[0], *iterate_bits(pair[1]))
    }
    counts = Counter(
        entry
        for slice_ in slices
        for scope in (outline.accesses[slice_].read, outline.accesses[slice_].write)
        for entry in set(scope.included)
    )
    known = {place.rstrip("/") for place in places}
    shared = [
        entry
        for entry, number in counts.items()
        if number > 1 and not entry.names_whole_repository and entry.path not in known
    ]
    return sorted(shared, key=lambda entry: (-counts[entry], entry.text))[:_ENTRIES]


def _try_without(
    outline: Outline,
    conflicts: tuple[int, ...],
    path: str,
    kind: Literal["path", "entry", "reads"] = "path",
) -> Bottleneck:
    workers = outline.settings.workers
    freed = [
        earlier
        for later, mask in enumerate(outline.workload.conflicts)
        if mask != conflicts[later]
        for earlier in outline.forced[later]
        if not conflicts[later] >> earlier & 1
    ]
    # Where every step of the critical path is still bound, the order costs what it did.
    steps = pairwise(outline.critical_path)
    is_kept = all(_is_bound(outline, conflicts, *step) for step in steps)
    known = outline.critical_path_cost if is_kept and workers is None else None
    cost = cost_without(
        outline.workload,
        conflicts,
        outline.order,
        outline.settings.order,
        cost=known,
        workers=workers,
    )
    return Bottleneck(path=path, cost_without=cost, pairs=len(freed), kind=kind)


def _is_bound(outline: Outline, conflicts: Sequence[int], earlier: int, later: int) -> bool:
    overlap = conflicts[later] >> earlier & 1 == 1
    return overlap or earlier in outline.workload.dependencies[later]


def _choose_candidates(outline: Outline) -> list[RepoPath]:
    """The places behind most of the forced pairs on ways that are long."""
    pairs = _find_pressing(outline)
    later = sum([1 << slice_ for slice_ in pairs])
    counts: Counter[RepoPath] = Counter()
    for segment in outline.scopes.contested:
        number = _count_justified(segment, pairs, later)
        if number:
            counts[outline.scopes.name_segment(segment)] += number
    # Paths from all over the tree have only the root in common, and to share the root would be to
    # give up every order.
    ranked = sorted(counts, key=lambda place: (-counts[place], place))
    return [place for place in ranked if place != "/"][:_CANDIDATES]


def _find_pressing(outline: Outline) -> _Pairs:
    finish, tail = measure_ways(outline.edges, outline.workload.costs, outline.order)
    long = _NEAR * outline.critical_path_cost
    pressing = {
        later: sum([1 << one for one in outline.forced[later] if finish[one] + tail[later] >= long])
        for later in outline.order
    }
    return {later: earlier_ones for later, earlier_ones in pressing.items() if earlier_ones}


def _count_justified(segment: Segment, pairs: _Pairs, later: int) -> int:
    """Count the pairs that overlap in a segment; `later` are those that wait."""
    touching = segment.readers | segment.writers
    count = 0
    for slice_ in iterate_bits(touching & later):
        against = touching if segment.writers >> slice_ & 1 else segment.writers
        count += (against & pairs[slice_]).bit_count()
    return count
