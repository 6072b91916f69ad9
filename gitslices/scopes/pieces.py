"""What scopes of many slices come down to: distinct pieces, each with the slices that share it."""

from collections.abc import Iterable, Sequence

from gitslices.scopes.atoms import Atom
from gitslices.scopes.residuals import see_from
from gitslices.scopes.spans import NO_SPANS, Spans


class Piece:
    """An atom less the exclusions that reach into it, and the slices (bit masks) with it.

    `spans` are the positions it covers, `files` of them tracked, and in `contested` slices may
    collide;
    `near_readers` and `near_writers` collect the slices that share a path with it. `parts` cover
    what counts of it among the paths yet to be created, where that is less than the piece.
    """

    __slots__ = (
        "atom",
        "contested",
        "excluded",
        "files",
        "is_floating",
        "kind",
        "near_readers",
        "near_writers",
        "number",
        "parts",
        "readers",
        "spans",
        "writers",
    )

    def __init__(
        self, number: int, atom: Atom, excluded: tuple[Atom, ...], is_floating: bool
    ) -> None:
        self.number = number
        self.atom = atom
        self.excluded = excluded
        self.is_floating = is_floating
        self.parts: tuple[Piece, ...] = ()
        self.spans: Spans = NO_SPANS
        self.files = 0
        self.contested: Spans = NO_SPANS
        self.readers = self.writers = 0
        self.near_readers = self.near_writers = 0
        self.kind = 0

    def meet(self, readers: int, writers: int) -> None:
        """Note slices that share a path with this piece."""
        self.near_readers |= readers
        self.near_writers |= writers


def list_reaching(atom: Atom, excluded: Sequence[Atom]) -> tuple[Atom, ...]:
    """Give the excluded atoms that may take paths out of `atom`."""
    return tuple(other for other in excluded if may_touch(atom, other))


def may_touch(one: Atom, other: Atom) -> bool:
    """Tell whether two atoms have a directory in common where both may have paths."""
    if len(one.head) > len(other.head):
        one, other = other, one
    if one.head and one.head != other.head and not other.head.startswith(one.head + "/"):
        return False
    return not one.tail or not see_from(one, other.head).is_dead


def near_readers(pieces: Iterable[Piece], index: int) -> list[Piece]:
    """Give the pieces that share a path with one that a slice reads."""
    return [piece for piece in pieces if piece.near_readers >> index & 1]


def near_writers(pieces: Iterable[Piece], index: int) -> list[Piece]:
    """Give the pieces that share a path with one that a slice writes."""
    return [piece for piece in pieces if piece.near_writers >> index & 1]


def meet_each_other(one: Piece, other: Piece) -> None:
    """Note of both pieces that they share a path."""
    one.meet(other.readers, other.writers)
    other.meet(one.readers, one.writers)


def unite(pieces: Iterable[Piece]) -> tuple[int, int]:
    """Give the readers and the writers of all the pieces."""
    readers = writers = 0
    for piece in pieces:
        readers |= piece.readers
        writers |= piece.writers
    return readers, writers
