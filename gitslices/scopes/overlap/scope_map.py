"""All the slices of a graph at once: which of them overlap, where, and how much each one covers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from posixpath import commonpath

from gitslices.core.lazy import lazy_property
from gitslices.core.model import NewPaths, Overlap, OverlapKind, RepoPath, RepoTree
from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.entries import Access, Entry, Scope
from gitslices.scopes.overlap.compare import Comparison, Segment
from gitslices.scopes.overlap.path_product import (
    UNKNOWN,
    PathFinder,
    find_witness,
    guess_witness,
    rank_path,
)
from gitslices.scopes.overlap.regions import (
    Partition,
    Region,
    Regions,
    may_touch,
    narrow_partition,
    near_readers,
    near_writers,
    partition_scopes,
    resolve_shared,
)
from gitslices.scopes.tracked.remarks import Remarks
from gitslices.scopes.tracked.resolved import ResolvedTree
from gitslices.scopes.tracked.spans import NO_SPANS, Spans, have_common, list_common, unite_spans

_KINDS: tuple[OverlapKind, ...] = ("write_write", "write_read", "read_write")

_Pair = tuple[Region, Region]
_Compared = Callable[[Region, Region], Iterable[_Pair]]
"""Of two regions the pairs of regions to look for a new path in."""


class _WitnessFinder:
    """Finds witnesses for regions that have met; none is looked for in what is `shared`."""

    def __init__(
        self, resolved: ResolvedTree, partition: Partition, shared: Sequence[Atom]
    ) -> None:
        self._resolved = resolved
        self._partition = partition
        self._shared = shared
        # What comparing has used up leaves no pair without a witness that is quickly found.
        self._finder = PathFinder(resolved.tree)

    def find(self, later: int, earlier: int, list_compared: _Compared) -> Overlap:
        """A path that two slices share, tracked if there is one, else the shortest one.

        It is uncertain where it would take too many steps to find one.
        """
        guesses: list[tuple[OverlapKind, _Pair]] = []
        for kind, pairs in zip(_KINDS, self._list_met(later, earlier), strict=True):
            path = self._find_tracked(pairs)
            if path is not None:
                return Overlap(kind=kind, path=path, exists=True)
            # A path that exists says more to whoever reads the plan than one that could be made,
            # and costs no search: all pairs of a kind are asked for one first.
            compared = [each for pair in pairs for each in list_compared(*pair)]
            path = self._find_new(pairs, compared)
            if path is not None:
                return Overlap(kind=kind, path=path, exists=False)
            guesses.extend((kind, each) for each in compared)
        kind, pair = guesses[0]
        path = RepoPath(guess_witness(*pair, self._finder))
        return Overlap(kind=kind, path=path, exists=False, is_certain=False)

    def _list_met(self, later: int, earlier: int) -> Iterator[list[_Pair]]:
        """For each kind the pairs of regions that may have a path in common."""
        writes, reads = self._partition.writes, self._partition.reads
        ones, others = near_writers(writes[later], earlier), near_writers(writes[earlier], later)
        yield list(product(ones, others))
        ones, others = near_readers(writes[later], earlier), near_writers(reads[earlier], later)
        yield list(product(ones, others))
        ones, others = near_writers(reads[later], earlier), near_readers(writes[earlier], later)
        yield list(product(ones, others))

    def _find_tracked(self, pairs: Iterable[_Pair]) -> RepoPath | None:
        paths = self._resolved.paths
        firsts = (next(filter(paths.is_tracked, _list_positions(*pair)), None) for pair in pairs)
        found = [position for position in firsts if position is not None]
        return RepoPath(paths.spellings[min(found)]) if found else None

    def _find_new(self, pairs: Sequence[_Pair], compared: Sequence[_Pair]) -> RepoPath | None:
        named = (
            self._resolved.paths.spellings[position]
            for pair in pairs
            for position in _list_positions(*pair)
        )
        made = (
            find_witness(*pair, self._finder, self._resolved.tree, self._shared)
            for pair in compared
        )
        witnesses = [*named, *(path for path in made if path is not None and path != UNKNOWN)]
        return RepoPath(min(witnesses, key=rank_path)) if witnesses else None

    def share_path(self, one: Region, other: Region) -> bool:
        """Whether two regions share a path that could be created, shared or not."""
        return find_witness(one, other, self._finder, self._resolved.tree, ()) is not None


def _list_positions(one: Region, other: Region) -> Iterator[int]:
    for start, stop in list_common(one.contested, other.contested):
        yield from range(start, stop)


class ScopeMap:
    """The scopes of all slices, resolved against one tree and compared with each other.

    A slice is known by its index in `accesses`; a set of slices is a bit mask. What lies in
    `shared` makes no two slices overlap.

    `conflicts` holds for each slice the ones it overlaps with; `contested` the tracked and named
    paths where that is so, grouped by the slices that touch them.
    """

    conflicts: tuple[int, ...]
    contested: tuple[Segment, ...]

    def __init__(
        self,
        tree: RepoTree,
        accesses: Sequence[Access],
        new_paths: NewPaths = "anchored",
        shared: Scope | None = None,
    ) -> None:
        self._new_paths = new_paths
        self._tree = tree
        self._accesses = accesses
        self._shared = shared or Scope()
        naming = (scope for access in accesses for scope in (access.read, access.write))
        self._resolved = ResolvedTree(tree, naming if new_paths != "none" else ())
        shared_paths = resolve_shared(self._shared, self._resolved)
        self._partition = partition_scopes(accesses, self._resolved, shared_paths)
        self._comparison = Comparison(self._partition, self._resolved.tree, new_paths, shared_paths)
        self._witnesses = _WitnessFinder(self._resolved, self._partition, shared_paths.atoms)
        self._remarks = Remarks(self._resolved)
        # Kept before `open_overlaps` is asked for: that lets regions meet in what the setting
        # leaves open, and cannot be told apart afterwards.
        self.conflicts = self._comparison.conflicts
        self.contested = self._comparison.contested

    def count_files(self, index: int) -> tuple[int, int]:
        """Count the tracked files that a slice may read, and those that it may write."""
        partition = self._partition
        return self._count(partition.reads[index]), self._count(partition.writes[index])

    def _count(self, regions: Regions) -> int:
        if len(regions) < 2:
            return sum(region.files for region in regions)
        # Uniting costs a sort of all spans. The region with most of them is only counted against
        # the others, so a slice with one large pattern and some literals pays for the literals.
        *others, longest = sorted(regions, key=lambda region: len(region.spans))
        total, counted = longest.files, NO_SPANS
        for region in others:
            total += region.files - self._count_common(region.spans, counted)
            counted = unite_spans((counted, region.spans))
        return total - self._count_common(longest.spans, counted)

    def _count_common(self, one: Spans, other: Spans) -> int:
        doubled = tuple(list_common(one, other))
        return self._resolved.paths.count_tracked(doubled) if doubled else 0

    def find_remarks(self, index: int) -> tuple[str, ...]:
        """Say which entries of a slice match nothing, or something else than they seem to."""
        access = self._accesses[index]
        return tuple(
            f"{name}: {remark}"
            for name, scope in (
                ("read_set", access.read),
                ("write_set", access.write),
                ("checkout_set", access.checkout),
            )
            for entry in scope.entries
            if (remark := self._remarks.find(entry))
        )

    def find_overlap(self, later: int, earlier: int) -> Overlap | None:
        """A path that two slices share, None where they do not overlap."""
        overlaps = self.conflicts[later] >> earlier & 1
        return self.get_overlap(later, earlier) if overlaps else None

    def get_overlap(self, later: int, earlier: int) -> Overlap:
        """The path that shows best why two slices overlap, which they do."""
        return self._witnesses.find(later, earlier, self._comparison.list_compared)

    @lazy_property
    def open_overlaps(self) -> tuple[int, ...]:
        """For each slice those it overlaps with beyond its conflicts, in paths to be made."""
        everything = (
            self._everything.conflicts if self._everything else self._comparison.meet_open()
        )
        return tuple(mask & ~known for mask, known in zip(everything, self.conflicts, strict=True))

    @lazy_property
    def _everything(self) -> "ScopeMap | None":
        """Where no new path is looked at, and so none is named: the map that looks at them all."""
        if self._new_paths != "none":
            return None
        return ScopeMap(self._tree, self._accesses, "all", self._shared)

    def find_open_overlaps(self, index: int) -> tuple[tuple[int, Overlap], ...]:
        """List the slices that a slice overlaps with beyond its conflicts, each with a path."""
        others = _list_bits(self.open_overlaps[index])
        if self._everything:
            return tuple((other, self._everything.get_overlap(index, other)) for other in others)
        return tuple(
            (other, self._witnesses.find(index, other, lambda one, two: ((one, two),)))
            for other in others
        )

    def name_segment(self, segment: Segment) -> RepoPath:
        """Name what a segment covers: its path or, with a slash, the directory around its paths."""
        spellings = self._resolved.paths.spellings
        first, last = segment.spans[0][0], segment.spans[-1][1] - 1
        if first == last:
            return RepoPath(spellings[first])
        return RepoPath(commonpath((spellings[first], spellings[last])) + "/")

    def list_paths(self, segment: Segment) -> tuple[RepoPath, ...]:
        """The tracked paths of a segment."""
        return tuple(
            RepoPath(self._resolved.paths.spellings[position])
            for start, stop in segment.spans
            for position in range(start, stop)
            if self._resolved.paths.is_tracked(position)
        )

    def find_conflicts_without_reads(self) -> tuple[int, ...]:
        """The conflicts there would be if no slice read anything."""
        writing = [Access(read=Scope(), write=access.write) for access in self._accesses]
        return ScopeMap(self._tree, writing, self._new_paths, self._shared).conflicts

    def find_conflicts_without(self, place: RepoPath) -> tuple[int, ...]:
        """The conflicts there would be if a place of `name_segment` were shared, too."""
        entry = Entry(place, place.rstrip("/"), excluded=False, is_pattern=False)
        return self.find_conflicts_without_entry(entry)

    def find_conflicts_without_entry(self, entry: Entry) -> tuple[int, ...]:
        """The conflicts there would be if what an entry stands for were shared, too."""
        # Sharing a place can only end overlaps between slices that both reach into it. All other
        # pairs keep what they have, which spares a comparison of the whole graph for each place
        # tried.
        touching = self._collect_touching(entry)
        shared_paths = resolve_shared(Scope((*self._shared.entries, entry)), self._resolved)
        slices = tuple(_list_bits(touching))
        partition = narrow_partition(self._partition, slices, shared_paths)
        without = Comparison(partition, self._resolved.tree, self._new_paths, shared_paths)
        conflicts = list(self.conflicts)
        for index in slices:
            conflicts[index] = conflicts[index] & ~touching | without.conflicts[index]
        return tuple(conflicts)

    def _collect_touching(self, entry: Entry) -> int:
        """The slices that could overlap inside an entry."""
        touching = 0
        is_compared = self._comparison.is_compared
        for atom in self._resolved.list_atoms(entry):
            inside = Region(-1, atom, (), atom.is_unanchored)
            spans = self._resolved.resolve(atom)
            may_grow = self._resolved.tree.can_grow(atom)
            for region in self._partition.regions:
                if have_common(region.contested, spans) or (
                    may_grow and is_compared(region, inside) and may_touch(region.atom, atom)
                ):
                    touching |= region.readers | region.writers
        return touching

    def list_shared_writers(self) -> tuple[tuple[Entry, int], ...]:
        """For each entry of `shared` the slices that may write inside it."""
        return tuple(
            (entry, self._collect_writers(self._resolved.list_atoms(entry)))
            for entry in self._shared.included
        )

    def _collect_writers(self, atoms: Iterable[Atom]) -> int:
        writers = 0
        for atom in atoms:
            entry = Region(-1, atom, (), atom.is_unanchored)
            entry.spans = self._resolved.resolve(atom)
            self._comparison.split(entry)
            for region in self._partition.regions:
                if region.writers and self._share_path(region, entry):
                    writers |= region.writers
        return writers

    def _share_path(self, region: Region, entry: Region) -> bool:
        if have_common(region.spans, entry.spans):
            return True
        # Two unanchored patterns meet somewhere in any case: that is no news of a shared file.
        if self._new_paths == "none" or (
            self._new_paths == "anchored" and (region.is_unanchored or entry.is_unanchored)
        ):
            return False
        pairs = self._comparison.list_compared(region, entry)
        return any(self._witnesses.share_path(*pair) for pair in pairs)


def _list_bits(mask: int) -> Iterator[int]:
    """The indexes of the bits that are set, smallest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
