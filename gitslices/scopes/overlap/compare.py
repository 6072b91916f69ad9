"""Which slices overlap, in paths that exist, are named or are yet to be created."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import product

from msgspec import Struct

from gitslices.core.model import NewPaths
from gitslices.scopes.overlap.future import Meetings
from gitslices.scopes.overlap.future_kinds import Decider
from gitslices.scopes.overlap.pieces import Cuttings, PartMaker, Piece, SharedPlaces, unite
from gitslices.scopes.tracked.spans import Span, Spans
from gitslices.scopes.tracked.tree import TrackedTree


class Segment(Struct, frozen=True, kw_only=True):
    """Positions that the same pieces cover, and the slices (bit masks) that read or write them."""

    spans: Spans
    readers: int
    writers: int

    @property
    def is_contested(self) -> bool:
        """Tell whether two slices touch the positions, and one of them writes."""
        touching = self.readers | self.writers
        return self.writers != 0 and touching & (touching - 1) != 0


def meet_in_paths(pieces: Sequence[Piece]) -> tuple[Segment, ...]:
    """Note in the pieces which slices they meet, and give the segments that slices contest."""
    contested = []
    for numbers, spans in _list_segments(pieces).items():
        covering = [pieces[number] for number in numbers]
        readers, writers = unite(covering)
        segment = Segment(spans=tuple(spans), readers=readers, writers=writers)
        if segment.is_contested:
            contested.append(segment)
            for piece in covering:
                piece.meet(readers, writers)
    return tuple(contested)


def _list_segments(pieces: Sequence[Piece]) -> dict[frozenset[int], list[Span]]:
    """Give for each set of pieces (by number) that cover some position all such positions."""
    segments: dict[frozenset[int], list[Span]] = {}
    covering: set[int] = set()
    last = 0
    for change in _list_changes(pieces):
        position, number = divmod(change, len(pieces))
        if position != last and covering:
            segments.setdefault(frozenset(covering), []).append((last, position))
        last = position
        covering ^= {number}
    return segments


def _list_changes(pieces: Sequence[Piece]) -> list[int]:
    """Give every position where a piece begins or ends: the position times all, plus the piece."""
    total = len(pieces)
    changes = [
        position * total + piece.number
        for piece in pieces
        for span in piece.contested
        for position in span
    ]
    changes.sort()
    return changes


class Comparison:
    """The pieces of all slices, compared as far as `new_paths` says.

    `conflicts` holds for each slice the ones it overlaps with; `contested` the tracked and named
    paths where that is so, grouped by the slices that touch them.
    """

    def __init__(
        self, cuttings: Cuttings, tree: TrackedTree, new_paths: NewPaths, shared: SharedPlaces
    ) -> None:
        self._cuttings = cuttings
        self._tree = tree
        self._unborn = new_paths
        self._shared = shared
        self._part_maker = PartMaker(tree)
        for piece in cuttings.pieces:
            self.split(piece)
        self.contested = meet_in_paths(cuttings.pieces)
        if new_paths != "none" and not self._is_decided_by_paths:
            self._meet_anchored()
        if new_paths == "all":
            self._meetings.meet_floating()
        self.conflicts = self._read_conflicts()

    def split(self, piece: Piece) -> None:
        """Give a piece its parts, if the setting has them compared in its stead."""
        if self._unborn == "anchored":
            piece.parts = self._part_maker.split(piece)

    def meet_open(self) -> tuple[int, ...]:
        """Note what the setting leaves open, too; give for each slice all that it overlaps with."""
        if self._is_decided_by_paths and self._unborn != "none":
            return self.conflicts
        if self._unborn == "none" or self._has_parts:
            self._meetings.meet_anchored()
        if self._unborn == "none" or (self._unborn == "anchored" and not self._is_decided_by_paths):
            self._meetings.meet_floating()
        return self._read_conflicts()

    def is_compared(self, one: Piece, other: Piece) -> bool:
        """Tell whether the setting has two pieces compared in paths that do not exist."""
        if self._unborn != "anchored":
            return self._unborn == "all"
        if one.is_floating == other.is_floating:
            return True
        return any(not (piece.atom.head or piece.atom.tail) for piece in (one, other))

    def list_compared(self, one: Piece, other: Piece) -> Iterable[tuple[Piece, Piece]]:
        """Give the pairs, of two pieces or of their parts, that meet in new paths if they do."""
        if not self.is_compared(one, other):
            return ()
        return product(one.parts or (one,), other.parts or (other,))

    @cached_property
    def _is_decided_by_paths(self) -> bool:
        """Tell whether literals alone are compared: the paths they name decide everything."""
        return not self._shared.is_given and not any(
            piece.atom.tail or piece.excluded for piece in self._cuttings.pieces
        )

    @cached_property
    def _decider(self) -> Decider:
        pieces = [one for piece in self._cuttings.pieces for one in (piece, *piece.parts)]
        return Decider(pieces, self._tree, self._shared.atoms)

    @cached_property
    def _meetings(self) -> Meetings:
        return Meetings(self._cuttings.pieces, self._decider)

    @cached_property
    def _has_parts(self) -> bool:
        return any(piece.parts for piece in self._cuttings.pieces)

    def _meet_anchored(self) -> None:
        if not self._has_parts:
            self._meetings.meet_anchored()
            return
        pieces = [part for piece in self._cuttings.pieces for part in piece.parts or (piece,)]
        Meetings(tuple(dict.fromkeys(pieces)), self._decider).meet_anchored()
        for piece in self._cuttings.pieces:
            for part in piece.parts:
                piece.meet(part.near_readers, part.near_writers)

    def _read_conflicts(self) -> tuple[int, ...]:
        conflicts = []
        both = zip(self._cuttings.reads, self._cuttings.writes, strict=True)
        for index, (reads, writes) in enumerate(both):
            mask = 0
            for piece in reads:
                mask |= piece.near_writers
            for piece in writes:
                mask |= piece.near_writers | piece.near_readers
            conflicts.append(mask & ~(1 << index) if mask else 0)
        return tuple(conflicts)
