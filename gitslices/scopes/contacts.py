"""Which pieces meet in tracked and expected paths, from one sweep over their spans."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

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


def _list_segments(pieces: Sequence[Piece]) -> Iterator[tuple[list[Span], tuple[Piece, ...]]]:
    digests = [_digest(piece.number) for piece in pieces]
    segments: dict[int, tuple[list[Span], tuple[Piece, ...]]] = {}
    covering: dict[int, Piece] = {}
    key = last = 0
    for position, numbers in _list_changes(pieces):
        if covering:
            if key not in segments:
                segments[key] = ([], tuple(covering.values()))
            segments[key][0].append((last, position))
        for number in numbers:
            key ^= digests[number]
            if covering.pop(number, None) is None:
                covering[number] = pieces[number]
        last = position
    yield from segments.values()


def _list_changes(pieces: Sequence[Piece]) -> list[tuple[int, list[int]]]:
    changes: dict[int, list[int]] = {}
    for piece in pieces:
        for span in piece.contested:
            for position in span:
                changes.setdefault(position, []).append(piece.number)
    return sorted(changes.items())


def _digest(number: int) -> int:
    """Give a number whose sums without carry tell sets of pieces apart."""
    return int.from_bytes(blake2b(number.to_bytes(8), digest_size=16).digest())
