"""All the slices of a graph at once: which of them overlap, where, and how much each one covers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from posixpath import commonpath

from gitslices.core.model import NewPaths, Overlap, OverlapKind, RepoPath, RepoTree
from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.entries import Access, Entry, Scope
from gitslices.scopes.overlap.compare import Comparison, Segment
from gitslices.scopes.overlap.path_product import find_shortest, rank_path
from gitslices.scopes.overlap.pieces import (
    Cuttings,
    Piece,
    Pieces,
    cut_scopes,
    may_touch,
    narrow_cuttings,
    near_readers,
    near_writers,
    settle_shared,
)
from gitslices.scopes.tracked.resolved import Ground, remark_on
from gitslices.scopes.tracked.spans import NO_SPANS, Spans, have_common, list_common, unite_spans

KINDS: tuple[OverlapKind, ...] = ("write_write", "write_read", "read_write")

Pair = tuple[Piece, Piece]
Compared = Callable[[Piece, Piece], Iterable[Pair]]
"""Of two pieces the pairs of pieces to look for a new path in."""


class ExampleFinder:
    """Finds examples among pieces that have met; none is looked for in what is `shared`."""

    def __init__(self, ground: Ground, cuttings: Cuttings, shared: Sequence[Atom]) -> None:
        self._ground = ground
        self._cuttings = cuttings
        self._shared = shared

    def find(self, later: int, earlier: int, list_compared: Compared) -> Overlap | None:
        """Find a path that two slices share, tracked if there is one, else the shortest example."""
        for kind, pairs in zip(KINDS, self._list_met(later, earlier), strict=True):
            if not pairs:
                continue
            found = self._find_tracked(pairs) or self._find_new(pairs, list_compared)
            if found:
                return Overlap(kind=kind, path=found[0], exists=found[1])
        return None

    def _list_met(self, later: int, earlier: int) -> Iterator[list[Pair]]:
        """Give for each kind the pairs of pieces that may have a path in common."""
        writes, reads = self._cuttings.writes, self._cuttings.reads
        ones, others = near_writers(writes[later], earlier), near_writers(writes[earlier], later)
        yield list(product(ones, others))
        ones, others = near_readers(writes[later], earlier), near_writers(reads[earlier], later)
        yield list(product(ones, others))
        ones, others = near_writers(reads[later], earlier), near_readers(writes[earlier], later)
        yield list(product(ones, others))

    def _find_tracked(self, pairs: Iterable[Pair]) -> tuple[RepoPath, bool] | None:
        paths = self._ground.paths
        firsts = (next(filter(paths.is_tracked, _list_positions(*pair)), None) for pair in pairs)
        found = [position for position in firsts if position is not None]
        return (RepoPath(paths.spellings[min(found)]), True) if found else None

    def _find_new(
        self, pairs: Sequence[Pair], list_compared: Compared
    ) -> tuple[RepoPath, bool] | None:
        named = (
            self._ground.paths.spellings[position]
            for pair in pairs
            for position in _list_positions(*pair)
        )
        made = (
            find_shortest(*compared, self._ground.tree, self._shared)
            for pair in pairs
            for compared in list_compared(*pair)
        )
        examples = [*named, *(path for path in made if path is not None)]
        return (RepoPath(min(examples, key=rank_path)), False) if examples else None


def _list_positions(one: Piece, other: Piece) -> Iterator[int]:
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
        self._unborn = new_paths
        self._accesses = accesses
        self._shared = shared or Scope()
        naming = (scope for access in accesses for scope in (access.read, access.write))
        self._ground = Ground(tree, naming if new_paths != "none" else ())
        places = settle_shared(self._shared, self._ground)
        self._cuttings = cut_scopes(accesses, self._ground, places)
        self._comparison = Comparison(self._cuttings, self._ground.tree, new_paths, places)
        self._examples = ExampleFinder(self._ground, self._cuttings, places.atoms)
        self._remarks: dict[Entry, str | None] = {}
        self.conflicts = self._comparison.conflicts
        self.contested = self._comparison.contested

    def count_files(self, index: int) -> tuple[int, int]:
        """Count the tracked files that a slice may read, and those that it may write."""
        cuttings = self._cuttings
        return self._count(cuttings.reads[index]), self._count(cuttings.writes[index])

    def _count(self, pieces: Pieces) -> int:
        if len(pieces) < 2:
            return sum(piece.files for piece in pieces)
        *others, longest = sorted(pieces, key=lambda piece: len(piece.spans))
        total, counted = longest.files, NO_SPANS
        for piece in others:
            total += piece.files - self._count_common(piece.spans, counted)
            counted = unite_spans((counted, piece.spans))
        return total - self._count_common(longest.spans, counted)

    def _count_common(self, one: Spans, other: Spans) -> int:
        doubled = tuple(list_common(one, other))
        return self._ground.paths.count_tracked(doubled) if doubled else 0

    def find_remarks(self, index: int) -> tuple[str, ...]:
        """Say which entries of a slice match nothing, or something else than they seem to."""
        access = self._accesses[index]
        return tuple(
            f"{name}: {remark}"
            for name, scope in (("read_set", access.read), ("write_set", access.write))
            for entry in scope.entries
            if (remark := self._remark_on(entry))
        )

    def _remark_on(self, entry: Entry) -> str | None:
        if entry not in self._remarks:
            files = self._ground.count_files(entry)
            self._remarks[entry] = remark_on(entry, self._ground.tree, files)
        return self._remarks[entry]

    def find_overlap(self, later: int, earlier: int) -> Overlap | None:
        """Find a path that two slices share, tracked if there is one, else the shortest example."""
        if not self.conflicts[later] >> earlier & 1:
            return None
        return self._examples.find(later, earlier, self._comparison.list_compared)

    @cached_property
    def open_overlaps(self) -> tuple[int, ...]:
        """Give for each slice those it overlaps with beyond its conflicts, in paths to be made."""
        everything = zip(self._comparison.meet_open(), self.conflicts, strict=True)
        return tuple(mask & ~known for mask, known in everything)

    def find_open_overlaps(self, index: int) -> tuple[tuple[int, Overlap], ...]:
        """List the slices that a slice overlaps with beyond its conflicts, each with a path."""
        found = (
            (other, self._examples.find(index, other, lambda one, two: ((one, two),)))
            for other in list_bits(self.open_overlaps[index])
        )
        return tuple((other, overlap) for other, overlap in found if overlap)

    def name_place(self, segment: Segment) -> RepoPath:
        """Name what a segment covers: its path or, with a slash, the directory around its paths."""
        spellings = self._ground.paths.spellings
        first, last = segment.spans[0][0], segment.spans[-1][1] - 1
        if first == last:
            return RepoPath(spellings[first])
        return RepoPath(commonpath((spellings[first], spellings[last])) + "/")

    def list_paths(self, segment: Segment) -> tuple[RepoPath, ...]:
        """Give the tracked paths of a segment."""
        return tuple(
            RepoPath(self._ground.paths.spellings[position])
            for start, stop in segment.spans
            for position in range(start, stop)
            if self._ground.paths.is_tracked(position)
        )

    def find_conflicts_without(self, place: RepoPath) -> tuple[int, ...]:
        """Give the conflicts there would be if a place of `name_place` were shared, too."""
        entry = Entry(place, place.rstrip("/"), excluded=False, is_pattern=False)
        touching = self._collect_touching(entry)
        places = settle_shared(Scope((*self._shared.entries, entry)), self._ground)
        slices = tuple(list_bits(touching))
        cuttings = narrow_cuttings(self._cuttings, slices, places)
        without = Comparison(cuttings, self._ground.tree, self._unborn, places)
        conflicts = list(self.conflicts)
        for index in slices:
            conflicts[index] = conflicts[index] & ~touching | without.conflicts[index]
        return tuple(conflicts)

    def _collect_touching(self, entry: Entry) -> int:
        """Give the slices that could overlap inside an entry."""
        touching = 0
        is_compared = self._comparison.is_compared
        for atom in self._ground.list_atoms(entry):
            inside = Piece(-1, atom, (), atom.is_floating)
            spans = self._ground.resolve(atom)
            may_grow = self._ground.tree.can_grow(atom)
            for piece in self._cuttings.pieces:
                if have_common(piece.contested, spans) or (
                    may_grow and is_compared(piece, inside) and may_touch(piece.atom, atom)
                ):
                    touching |= piece.readers | piece.writers
        return touching

    def list_shared_writers(self) -> tuple[tuple[Entry, int], ...]:
        """Give for each entry of `shared` the slices that may write inside it."""
        return tuple(
            (entry, self._collect_writers(self._ground.list_atoms(entry)))
            for entry in self._shared.included
        )

    def _collect_writers(self, atoms: Iterable[Atom]) -> int:
        writers = 0
        for atom in atoms:
            entry = Piece(-1, atom, (), atom.is_floating)
            entry.spans = self._ground.resolve(atom)
            self._comparison.split(entry)
            for piece in self._cuttings.pieces:
                if piece.writers and self._share_path(piece, entry):
                    writers |= piece.writers
        return writers

    def _share_path(self, piece: Piece, entry: Piece) -> bool:
        if have_common(piece.spans, entry.spans):
            return True
        # Two floating patterns meet somewhere in any case: that is no news of a shared file.
        if self._unborn == "none" or (
            self._unborn == "anchored" and (piece.is_floating or entry.is_floating)
        ):
            return False
        pairs = self._comparison.list_compared(piece, entry)
        return any(find_shortest(*pair, self._ground.tree, ()) is not None for pair in pairs)


def list_bits(mask: int) -> Iterator[int]:
    """Give the indexes of the bits that are set, smallest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
