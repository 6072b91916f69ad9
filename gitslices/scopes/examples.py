"""A path to show for two slices that overlap, and in which kind of access they do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product

from gitslices.model import Overlap, OverlapKind, RepoPath
from gitslices.scopes.atoms import Atom
from gitslices.scopes.cutting import Cuttings
from gitslices.scopes.ground import Ground
from gitslices.scopes.pieces import Piece, near_readers, near_writers
from gitslices.scopes.spans import list_common
from gitslices.scopes.witness import find_shortest, rank_path

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
