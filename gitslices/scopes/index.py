"""All the slices of a graph at once: which of them overlap, where, and how much each one covers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from posixpath import commonpath

from msgspec import Struct

from gitslices.model import Overlap, OverlapKind, RepoPath, RepoTree, Unborn
from gitslices.scopes.atoms import Atom, make_atoms, settle_submodules
from gitslices.scopes.contacts import Segment, meet_in_paths
from gitslices.scopes.decider import Decider
from gitslices.scopes.entries import Entry, Scope
from gitslices.scopes.files import PartMaker
from gitslices.scopes.pieces import Piece, list_reaching, may_touch, near_readers, near_writers
from gitslices.scopes.remarks import remark_on
from gitslices.scopes.resolve import PathIndex
from gitslices.scopes.spans import Spans, list_common, subtract_spans, unite_spans
from gitslices.scopes.tree import TrackedTree
from gitslices.scopes.unborn import Meetings
from gitslices.scopes.witness import find_shortest, rank_path

KINDS: tuple[OverlapKind, ...] = ("write_write", "write_read", "read_write")

Pieces = tuple[Piece, ...]
Compared = Callable[[Piece, Piece], Iterable[tuple[Piece, Piece]]]
"""Of two pieces the pairs of pieces to look for a new path in."""


class Access(Struct, frozen=True, kw_only=True):
    """What one slice may read and write."""

    read: Scope
    write: Scope


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
        unborn: Unborn = "anchored",
        shared: Scope | None = None,
        *,
        within: "ScopeMap | None" = None,
    ) -> None:
        """Compare `accesses`; `within` is a map of the same tree with at least these paths."""
        self._source = tree
        self._tree: TrackedTree = within._tree if within else TrackedTree(tree)
        self._unborn = unborn
        self._accesses = accesses
        self._shared = shared or Scope()
        self._atoms: dict[tuple[str, bool], tuple[Atom, ...]] = within._atoms if within else {}
        self._remarks: dict[Entry, str | None] = {}
        self._spans: dict[Atom, Spans] = within._spans if within else {}
        self._pieces: dict[tuple[Atom, tuple[Atom, ...]], Piece] = {}
        self._reads = [self._cut(access.read) for access in accesses]
        self._writes = [self._cut(access.write) for access in accesses]
        self._count_slices()
        self._paths: PathIndex = within._paths if within else self._index_paths()
        self._resolve_pieces()
        self._part_maker = PartMaker(self._tree)
        for piece in self._pieces.values() if unborn == "anchored" else ():
            piece.parts = self._part_maker.split(piece)
        self.contested = meet_in_paths(tuple(self._pieces.values()))
        if unborn != "none" and not self._is_decided_by_paths:
            self._meet_anchored()
        if unborn == "all":
            self._meetings.meet_floating()
        self.conflicts = self._read_conflicts()

    def count_files(self, index: int) -> tuple[int, int]:
        """Count the tracked files that a slice may read, and those that it may write."""
        return self._count(self._reads[index]), self._count(self._writes[index])

    def count_entry_files(self, entry: Entry) -> int:
        """Count the tracked files that one entry matches, whatever is excluded again."""
        spans = [self._resolve(atom) for atom in self._list_atoms(entry)]
        return self._paths.count_tracked(unite_spans(spans))

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
            files = self.count_entry_files(entry)
            self._remarks[entry] = remark_on(entry, self._tree, files)
        return self._remarks[entry]

    def find_overlap(self, later: int, earlier: int) -> Overlap | None:
        """Find a path that two slices share, tracked if there is one, else the shortest example."""
        if not self.conflicts[later] >> earlier & 1:
            return None
        return self._find_overlap(later, earlier, self._list_compared)

    @cached_property
    def open_overlaps(self) -> tuple[int, ...]:
        """Give for each slice those it overlaps with beyond its conflicts, in paths to be made."""
        if self._unborn == "none" or self._has_parts:
            self._meetings.meet_anchored()
        if self._unborn == "none" or (self._unborn == "anchored" and not self._is_decided_by_paths):
            self._meetings.meet_floating()
        everything = zip(self._read_conflicts(), self.conflicts, strict=True)
        return tuple(mask & ~known for mask, known in everything)

    def find_open_overlaps(self, index: int) -> tuple[tuple[int, Overlap], ...]:
        """List the slices that a slice overlaps with beyond its conflicts, each with a path."""
        found = (
            (other, self._find_overlap(index, other, lambda one, two: ((one, two),)))
            for other in list_bits(self.open_overlaps[index])
        )
        return tuple((other, overlap) for other, overlap in found if overlap)

    def list_shared_writers(self) -> tuple[tuple[Entry, int], ...]:
        """Give for each entry of `shared` the slices that may write inside it."""
        return tuple(
            (entry, self._collect_writers(self._list_atoms(entry)))
            for entry in self._shared.included
        )

    def name_place(self, segment: Segment) -> RepoPath:
        """Name what a segment covers: its path or, with a slash, the directory around its paths."""
        first, last = segment.spans[0][0], segment.spans[-1][1] - 1
        path = self._paths.spellings[first]
        if first == last:
            return RepoPath(path)
        return RepoPath(commonpath((path, self._paths.spellings[last])) + "/")

    def find_conflicts_without(self, place: RepoPath) -> tuple[int, ...]:
        """Give the conflicts there would be if a place of `name_place` were shared, too."""
        entry = Entry(place, place.rstrip("/"), excluded=False, is_pattern=False)
        touching = self._collect_touching(entry)
        nothing = Access(read=Scope(), write=Scope())
        without = ScopeMap(
            self._source,
            [access if touching >> index & 1 else nothing
             for index, access in enumerate(self._accesses)],
            self._unborn,
            Scope((*self._shared.entries, entry)),
            within=self,
        )  # fmt: skip
        return tuple(
            mask & ~touching | less if touching >> index & 1 else mask
            for index, (mask, less) in enumerate(
                zip(self.conflicts, without.conflicts, strict=True)
            )
        )

    def _collect_touching(self, entry: Entry) -> int:
        """Give the slices that could overlap inside an entry."""
        touching = 0
        for atom in self._list_atoms(entry):
            inside = Piece(-1, atom, (), atom.is_floating)
            inside.contested = self._resolve(atom)
            may_grow = self._tree.can_grow(atom)
            for piece in self._pieces.values():
                if any(True for _ in list_common(piece.contested, inside.contested)) or (
                    may_grow and self._is_compared(piece, inside) and may_touch(piece.atom, atom)
                ):
                    touching |= piece.readers | piece.writers
        return touching

    def list_paths(self, segment: Segment) -> tuple[RepoPath, ...]:
        """Give the tracked paths of a segment."""
        return tuple(
            RepoPath(self._paths.spellings[position])
            for start, stop in segment.spans
            for position in range(start, stop)
            if self._paths.is_tracked(position)
        )

    def _cut(self, scope: Scope) -> Pieces:
        if not scope.entries:
            return ()
        excluded = [
            atom
            for entry in scope.excluded
            for atom in make_atoms(entry, self._tree.folding)
            if settle_submodules(atom, self._tree.submodules) is atom
        ]
        atoms = (atom for entry in scope.included for atom in self._list_atoms(entry))
        return tuple(self._add_piece(atom, excluded) for atom in dict.fromkeys(atoms))

    def _list_atoms(self, entry: Entry) -> tuple[Atom, ...]:
        key = (entry.path, entry.is_pattern)
        atoms = self._atoms.get(key)
        if atoms is None:
            made = make_atoms(entry, self._tree.folding)
            atoms = tuple(settle_submodules(atom, self._tree.submodules) for atom in made)
            self._atoms[key] = atoms
        return atoms

    def _add_piece(self, atom: Atom, excluded: Sequence[Atom]) -> Piece:
        key = (atom, list_reaching(atom, excluded) if excluded else ())
        piece = self._pieces.get(key)
        if piece is None:
            piece = self._pieces[key] = Piece(len(self._pieces), *key, atom.is_floating)
        return piece

    def _count_slices(self) -> None:
        for index, (reads, writes) in enumerate(zip(self._reads, self._writes, strict=True)):
            for piece in reads:
                piece.readers |= 1 << index
            for piece in writes:
                piece.writers |= 1 << index

    def _index_paths(self) -> PathIndex:
        return PathIndex(self._tree, self._name_expected() if self._unborn != "none" else {})

    def _name_expected(self) -> dict[str, str]:
        """Give the paths that literal entries and the twins of patterns name."""
        expected: dict[str, str] = {}
        for access in self._accesses:
            for entry in (*access.read.included, *access.write.included):
                for atom in self._list_atoms(entry):
                    if not atom.tail and not atom.directory_only:
                        expected.setdefault(atom.head, entry.path.strip("/"))
        return expected

    def _resolve(self, atom: Atom) -> Spans:
        spans = self._spans.get(atom)
        if spans is None:
            spans = self._spans[atom] = self._paths.resolve(atom)
        return spans

    def _unite(self, atoms: Iterable[Atom]) -> Spans:
        return unite_spans([self._resolve(atom) for atom in atoms])

    def _resolve_pieces(self) -> None:
        shared = subtract_spans(
            self._unite(self._shared_atoms), self._unite(self._shared_exclusions)
        )
        for piece in self._pieces.values():
            removed = self._unite(piece.excluded)
            piece.spans = subtract_spans(self._resolve(piece.atom), removed)
            piece.files = self._paths.count_tracked(piece.spans)
            piece.contested = subtract_spans(piece.spans, shared)

    @cached_property
    def _shared_atoms(self) -> tuple[Atom, ...]:
        return tuple(atom for entry in self._shared.included for atom in self._list_atoms(entry))

    @cached_property
    def _shared_exclusions(self) -> tuple[Atom, ...]:
        return tuple(atom for entry in self._shared.excluded for atom in self._list_atoms(entry))

    @cached_property
    def _shared_for_good(self) -> tuple[Atom, ...]:
        """Give the shared atoms from which nothing is excluded: at worst too few."""
        return tuple(
            atom for atom in self._shared_atoms if not list_reaching(atom, self._shared_exclusions)
        )

    @cached_property
    def _is_decided_by_paths(self) -> bool:
        """Tell whether literals alone are compared: the paths they name decide everything."""
        return not self._shared.entries and not any(
            piece.atom.tail or piece.excluded for piece in self._pieces.values()
        )

    @cached_property
    def _decider(self) -> Decider:
        pieces = [one for piece in self._pieces.values() for one in (piece, *piece.parts)]
        return Decider(pieces, self._tree, self._shared_for_good)

    @cached_property
    def _meetings(self) -> Meetings:
        return Meetings(tuple(self._pieces.values()), self._decider)

    @cached_property
    def _has_parts(self) -> bool:
        return any(piece.parts for piece in self._pieces.values())

    def _meet_anchored(self) -> None:
        if not self._has_parts:
            self._meetings.meet_anchored()
            return
        pieces = [part for piece in self._pieces.values() for part in piece.parts or (piece,)]
        Meetings(tuple(dict.fromkeys(pieces)), self._decider).meet_anchored()
        for piece in self._pieces.values():
            for part in piece.parts:
                piece.meet(part.near_readers, part.near_writers)

    def _read_conflicts(self) -> tuple[int, ...]:
        conflicts = []
        for index, (reads, writes) in enumerate(zip(self._reads, self._writes, strict=True)):
            mask = 0
            for piece in reads:
                mask |= piece.near_writers
            for piece in writes:
                mask |= piece.near_writers | piece.near_readers
            conflicts.append(mask & ~(1 << index))
        return tuple(conflicts)

    def _count(self, pieces: Pieces) -> int:
        if len(pieces) < 2:
            return sum(piece.files for piece in pieces)
        *others, longest = sorted(pieces, key=lambda piece: len(piece.spans))
        rest = unite_spans([piece.spans for piece in others])
        doubled = tuple(list_common(longest.spans, rest))
        count = self._paths.count_tracked
        return longest.files + count(rest) - count(doubled)

    def _collect_writers(self, atoms: Iterable[Atom]) -> int:
        writers = 0
        for atom in atoms:
            entry = Piece(-1, atom, (), atom.is_floating)
            entry.contested = entry.spans = self._resolve(atom)
            entry.parts = self._part_maker.split(entry) if self._unborn == "anchored" else ()
            for piece in self._pieces.values():
                if piece.writers and self._share_path(piece, entry):
                    writers |= piece.writers
        return writers

    def _share_path(self, piece: Piece, entry: Piece) -> bool:
        if next(list_common(piece.spans, entry.spans), None):
            return True
        # Two floating patterns meet somewhere in any case: that is no news of a shared file.
        if self._unborn == "none" or (
            self._unborn == "anchored" and (piece.is_floating or entry.is_floating)
        ):
            return False
        pairs = self._list_compared(piece, entry)
        return any(find_shortest(*pair, self._tree, ()) is not None for pair in pairs)

    def _list_compared(self, one: Piece, other: Piece) -> Iterable[tuple[Piece, Piece]]:
        """Give the pairs, of two pieces or of their parts, that meet in new paths if they do."""
        if not self._is_compared(one, other):
            return ()
        return product(one.parts or (one,), other.parts or (other,))

    def _is_compared(self, one: Piece, other: Piece) -> bool:
        """Tell whether the setting has two pieces compared in paths that do not exist."""
        if self._unborn != "anchored":
            return self._unborn == "all"
        if one.is_floating == other.is_floating:
            return True
        return any(not (piece.atom.head or piece.atom.tail) for piece in (one, other))

    def _find_overlap(self, later: int, earlier: int, list_compared: Compared) -> Overlap | None:
        writes, reads = self._writes[later], self._reads[later]
        their_writes, their_reads = self._writes[earlier], self._reads[earlier]
        accesses = (
            (near_writers(writes, earlier), near_writers(their_writes, later)),
            (near_readers(writes, earlier), near_writers(their_reads, later)),
            (near_writers(reads, earlier), near_readers(their_writes, later)),
        )
        for kind, (ones, others) in zip(KINDS, accesses, strict=True):
            pairs = [(one, other) for one in ones for other in others]
            found = self._find_tracked(pairs) or self._find_example(pairs, list_compared)
            if found:
                return Overlap(kind=kind, path=found[0], exists=found[1])
        return None

    def _find_tracked(self, pairs: Iterable[tuple[Piece, Piece]]) -> tuple[RepoPath, bool] | None:
        firsts = (
            next(filter(self._paths.is_tracked, self._list_positions(*pair)), None)
            for pair in pairs
        )
        found = [position for position in firsts if position is not None]
        return (RepoPath(self._paths.spellings[min(found)]), True) if found else None

    def _list_positions(self, one: Piece, other: Piece) -> Iterator[int]:
        for start, stop in list_common(one.contested, other.contested):
            yield from range(start, stop)

    def _find_example(
        self, pairs: Sequence[tuple[Piece, Piece]], list_compared: Compared
    ) -> tuple[RepoPath, bool] | None:
        named = (
            self._paths.spellings[position]
            for pair in pairs
            for position in self._list_positions(*pair)
        )
        made = (
            find_shortest(*compared, self._tree, self._shared_for_good)
            for pair in pairs
            for compared in list_compared(*pair)
        )
        examples = [*named, *(path for path in made if path is not None)]
        return (RepoPath(min(examples, key=rank_path)), False) if examples else None


def list_bits(mask: int) -> Iterator[int]:
    """Give the indexes of the bits that are set, smallest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
