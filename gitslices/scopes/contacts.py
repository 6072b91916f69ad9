"""Which pieces meet in tracked and expected paths, from one sweep over their spans."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

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
    for spans, covering in _list_segments(pieces):
        readers, writers = unite(covering)
        segment = Segment(spans=tuple(spans), readers=readers, writers=writers)
        if segment.is_contested:
            contested.append(segment)
            for piece in covering:
                piece.meet(readers, writers)
    return tuple(contested)


def _list_segments(pieces: Sequence[Piece]) -> Iterable[tuple[list[Span], tuple[Piece, ...]]]:
    digests = list(islice(_list_digests(), len(pieces)))
    segments: dict[int, tuple[list[Span], tuple[Piece, ...]]] = {}
    covering: dict[int, Piece] = {}
    key = last = 0
    for change in _list_changes(pieces):
        position, number = divmod(change, len(pieces))
        if position != last and covering:
            if key not in segments:
                segments[key] = ([], tuple(covering.values()))
            segments[key][0].append((last, position))
        last = position
        key ^= digests[number]
        if covering.pop(number, None) is None:
            covering[number] = pieces[number]
    return segments.values()


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


def _list_digests() -> Iterator[int]:
    """Give numbers whose sums without carry tell sets of pieces apart (Lehmer's generator)."""
    digest = 1
    while True:
        digest = digest * 0x2545F4914F6CDD1D2545F4914F6CDD1D % ((1 << 127) - 1)
        yield digest
