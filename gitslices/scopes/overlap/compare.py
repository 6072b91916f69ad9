"""Which slices overlap, in paths that exist, are named or are yet to be created."""

from collections.abc import Iterable, Sequence
from itertools import product

from msgspec import Struct

from gitslices.core.lazy import lazy_property
from gitslices.core.model import NewPaths
from gitslices.scopes.language.matcher import covers
from gitslices.scopes.overlap.new_overlaps import NewOverlaps
from gitslices.scopes.overlap.path_product import PathFinder
from gitslices.scopes.overlap.regions import (
    Partition,
    PartMaker,
    Region,
    SharedPaths,
    meet_each_other,
    unite,
)
from gitslices.scopes.overlap.signatures import Decider
from gitslices.scopes.tracked.spans import Span, Spans
from gitslices.scopes.tracked.tree import TrackedTree


class Segment(Struct, frozen=True, kw_only=True):
    """Positions that the same regions cover, and the slices (bit masks) that read or write them."""

    spans: Spans
    readers: int
    writers: int

    @property
    def is_contested(self) -> bool:
        """Whether two slices touch the positions, and one of them writes."""
        touching = self.readers | self.writers
        return self.writers != 0 and touching & (touching - 1) != 0


def _meet_in_paths(regions: Sequence[Region]) -> tuple[Segment, ...]:
    """The segments that slices contest; notes in the regions which slices they meet there."""
    contested = []
    for numbers, spans in _list_segments(regions).items():
        covering = [regions[number] for number in numbers]
        readers, writers = unite(covering)
        segment = Segment(spans=tuple(spans), readers=readers, writers=writers)
        if segment.is_contested:
            contested.append(segment)
            for region in covering:
                region.meet(readers, writers)
    return tuple(contested)


def _list_segments(regions: Sequence[Region]) -> dict[frozenset[int], list[Span]]:
    """For each set of regions (by number) that cover some position all such positions."""
    segments: dict[frozenset[int], list[Span]] = {}
    covering: set[int] = set()
    last = 0
    for change in _list_changes(regions):
        position, number = divmod(change, len(regions))
        if position != last and covering:
            segments.setdefault(frozenset(covering), []).append((last, position))
        last = position
        # A region's spans neither overlap nor touch, so its changes are in turn a begin and an end.
        covering ^= {number}
    return segments


def _list_changes(regions: Sequence[Region]) -> list[int]:
    """Every position where a region begins or ends: the position times all, plus the region."""
    total = len(regions)
    # One integer for each change sorts quicker than the pair of numbers it stands for.
    changes = [
        position * total + region.number
        for region in regions
        for span in region.contested
        for position in span
    ]
    changes.sort()
    return changes


class Comparison:
    """The regions of all slices, compared as far as `new_paths` says.

    `conflicts` holds for each slice the ones it overlaps with; `contested` the tracked and named
    paths where that is so, grouped by the slices that touch them.
    """

    def __init__(
        self, partition: Partition, tree: TrackedTree, new_paths: NewPaths, shared: SharedPaths
    ) -> None:
        self._partition = partition
        self._tree = tree
        self._new_paths = new_paths
        self._shared = shared
        self._part_maker = PartMaker(tree)
        # Parts come first: the decider asks all regions, parts included, when it is first needed.
        for region in partition.regions:
            self.split(region)
        self.contested = _meet_in_paths(partition.regions)
        if new_paths != "none" and not self._is_decided_by_paths:
            self._meet_anchored()
        if new_paths == "all":
            self._new_overlaps.meet_unanchored()
        self.conflicts = self._read_conflicts()

    def split(self, region: Region) -> None:
        """Cut a region into parts, if the setting has them compared in its stead."""
        if self._new_paths == "anchored":
            region.parts = self._part_maker.split(region)

    def meet_open(self) -> tuple[int, ...]:
        """For each slice all that it overlaps with, what the setting leaves open included."""
        if self._is_decided_by_paths:
            return self.conflicts
        if self._new_paths == "anchored":
            if self._has_parts:
                self._new_overlaps.meet_anchored()
            self._new_overlaps.meet_unanchored()
        return self._read_conflicts()

    def is_compared(self, one: Region, other: Region) -> bool:
        """Whether the setting has two regions compared in paths that do not exist."""
        if self._new_paths != "anchored":
            return self._new_paths == "all"
        if one.is_unanchored == other.is_unanchored:
            return True
        # The whole repository holds every directory that an unanchored pattern can be at home in.
        if any(not (region.atom.head or region.atom.tail) for region in (one, other)):
            return True
        return self._replaces(one, other) or self._replaces(other, one)

    def _replaces(self, one: Region, other: Region) -> bool:
        """Whether a region expects a file to go that another one covers, and so may delete."""
        file = self._tree.find_leaving(one.atom.head) if one.atom.tail else None
        return (
            file is not None
            and covers(other.atom, file)
            and not any(covers(atom, file) for atom in other.excluded)
        )

    def list_compared(self, one: Region, other: Region) -> Iterable[tuple[Region, Region]]:
        """The pairs, of two regions or of their parts, that meet in new paths if they do."""
        if not self.is_compared(one, other):
            return ()
        return product(one.parts or (one,), other.parts or (other,))

    @lazy_property
    def _is_decided_by_paths(self) -> bool:
        """Whether literals alone are compared: the paths they name decide everything."""
        return not self._shared.is_given and not any(
            region.atom.tail or region.excluded for region in self._partition.regions
        )

    @lazy_property
    def _decider(self) -> Decider:
        regions = [one for region in self._partition.regions for one in (region, *region.parts)]
        return Decider(regions, self._tree, self._shared.atoms, PathFinder(self._tree))

    @lazy_property
    def _new_overlaps(self) -> NewOverlaps:
        return NewOverlaps(self._partition.regions, self._decider)

    @lazy_property
    def _has_parts(self) -> bool:
        return any(region.parts for region in self._partition.regions)

    def _meet_anchored(self) -> None:
        self._meet_replaced()
        if not self._has_parts:
            self._new_overlaps.meet_anchored()
            return
        regions = [part for region in self._partition.regions for part in region.parts or (region,)]
        NewOverlaps(tuple(dict.fromkeys(regions)), self._decider).meet_anchored()
        for region in self._partition.regions:
            for part in region.parts:
                region.meet(part.near_readers, part.near_writers)

    def _meet_replaced(self) -> None:
        """Note what shares a path beneath a file that one expects to go and the other covers."""
        for region in self._partition.regions:
            head = region.atom.head
            if not region.atom.tail or self._tree.find_leaving(head) is None:
                continue
            for other in self._partition.regions:
                if self._replaces(region, other) and any(
                    self._decider.have_common(head, *self._decider.see_region(two, head), one)
                    for one, two in self.list_compared(region, other)
                ):
                    meet_each_other(region, other)

    def _read_conflicts(self) -> tuple[int, ...]:
        conflicts = []
        both = zip(self._partition.reads, self._partition.writes, strict=True)
        for index, (reads, writes) in enumerate(both):
            mask = 0
            for region in reads:
                mask |= region.near_writers
            for region in writes:
                mask |= region.near_writers | region.near_readers
            # A region that several slices have makes each of them meet itself as well.
            conflicts.append(mask & ~(1 << index) if mask else 0)
        return tuple(conflicts)
