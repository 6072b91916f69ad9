"""The scopes of all slices cut into distinct pieces, each with the positions it covers."""

from collections.abc import Sequence

from msgspec import Struct

from gitslices.scopes.atoms import Atom
from gitslices.scopes.entries import Access, Scope
from gitslices.scopes.ground import Ground
from gitslices.scopes.pieces import Piece, list_reaching
from gitslices.scopes.spans import Spans, subtract_spans

Pieces = tuple[Piece, ...]


class SharedPlaces(Struct, frozen=True, kw_only=True):
    """Where no two slices overlap: paths by position and, for those yet to be created, atoms.

    `atoms` are those from which nothing is excluded: at worst too few. `is_given` says whether
    anything was named at all.
    """

    is_given: bool
    spans: Spans
    atoms: tuple[Atom, ...]


class Cuttings(Struct, frozen=True, kw_only=True):
    """All distinct pieces, and for each slice the ones that it reads and that it writes."""

    pieces: Pieces
    reads: tuple[Pieces, ...]
    writes: tuple[Pieces, ...]


def settle_shared(shared: Scope, ground: Ground) -> SharedPlaces:
    """Give the places that a scope shares."""
    atoms = tuple(atom for entry in shared.included for atom in ground.list_atoms(entry))
    excluded = tuple(atom for entry in shared.excluded for atom in ground.list_atoms(entry))
    return SharedPlaces(
        is_given=bool(shared.entries),
        spans=ground.resolve_less(atoms, excluded),
        atoms=tuple(atom for atom in atoms if not list_reaching(atom, excluded)),
    )


def cut_scopes(accesses: Sequence[Access], ground: Ground, shared: SharedPlaces) -> Cuttings:
    """Cut the scopes of all slices; what is equal is one piece, which knows its slices."""
    cutter = _Cutter(ground)
    reads = tuple(cutter.cut(access.read) for access in accesses)
    writes = tuple(cutter.cut(access.write) for access in accesses)
    for index, (read, written) in enumerate(zip(reads, writes, strict=True)):
        _note_slice(index, read, written)
    pieces = tuple(cutter.pieces.values())
    for piece in pieces:
        piece.spans = ground.resolve(piece.atom)
        if piece.excluded:
            piece.spans = ground.resolve_less((piece.atom,), piece.excluded)
        piece.files = ground.paths.count_tracked(piece.spans)
        piece.contested = subtract_spans(piece.spans, shared.spans)
    return Cuttings(pieces=pieces, reads=reads, writes=writes)


def narrow_cuttings(cuttings: Cuttings, slices: Sequence[int], shared: SharedPlaces) -> Cuttings:
    """Cut only the scopes of some slices, where other places are shared."""
    narrowed: dict[Piece, Piece] = {}

    def narrow(scopes: tuple[Pieces, ...]) -> tuple[Pieces, ...]:
        kept: list[Pieces] = [()] * len(scopes)
        for index in slices:
            kept[index] = tuple(map(keep, scopes[index]))
        return tuple(kept)

    def keep(piece: Piece) -> Piece:
        if piece not in narrowed:
            kept = Piece(len(narrowed), piece.atom, piece.excluded, piece.is_floating)
            kept.spans, kept.files = piece.spans, piece.files
            kept.contested = subtract_spans(piece.spans, shared.spans)
            narrowed[piece] = kept
        return narrowed[piece]

    reads, writes = narrow(cuttings.reads), narrow(cuttings.writes)
    for index in slices:
        _note_slice(index, reads[index], writes[index])
    return Cuttings(pieces=tuple(narrowed.values()), reads=reads, writes=writes)


def _note_slice(index: int, reads: Pieces, writes: Pieces) -> None:
    for piece in reads:
        piece.readers |= 1 << index
    for piece in writes:
        piece.writers |= 1 << index


class _Cutter:
    """Makes each piece once."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.pieces: dict[tuple[Atom, tuple[Atom, ...]], Piece] = {}

    def cut(self, scope: Scope) -> Pieces:
        if not scope.entries:
            return ()
        excluded = self._ground.list_excluded(scope)
        atoms = (atom for entry in scope.included for atom in self._ground.list_atoms(entry))
        return tuple(self._add(atom, excluded) for atom in dict.fromkeys(atoms))

    def _add(self, atom: Atom, excluded: Sequence[Atom]) -> Piece:
        key = (atom, list_reaching(atom, excluded) if excluded else ())
        piece = self.pieces.get(key)
        if piece is None:
            piece = self.pieces[key] = Piece(len(self.pieces), *key, atom.is_floating)
        return piece
