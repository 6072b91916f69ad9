"""Which pieces meet in tracked and expected paths, from one sweep over their spans."""

from collections.abc import Sequence

from msgspec import Struct

from gitslices.scopes.pieces import Piece, unite
from gitslices.scopes.spans import Span, Spans


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
