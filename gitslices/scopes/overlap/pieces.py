"""What scopes of many slices come down to: distinct pieces, each with the slices that share it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.entries import Access, Scope
from gitslices.scopes.language.globs import literal_name
from gitslices.scopes.language.matcher import compile_name, covers
from gitslices.scopes.overlap.residuals import see_from
from gitslices.scopes.tracked.resolved import Ground
from gitslices.scopes.tracked.spans import NO_SPANS, Spans, subtract_spans
from gitslices.scopes.tracked.tree import AFTER_SLASH, TrackedTree


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


class PartMaker:
    """Makes the parts of pieces; pieces that come down to the same part share it."""

    def __init__(self, tree: TrackedTree) -> None:
        self._tree = tree
        self._parts: dict[tuple[Atom, tuple[Atom, ...], bool], Piece] = {}

    def split(self, piece: Piece) -> tuple[Piece, ...]:
        """Give the parts of a piece that names files, or none if it does not."""
        if not _names_files(piece.atom):
            return ()
        named = replace(piece.atom, names_files=True)
        homes = (Atom(path) for path in _list_directories(piece.atom, self._tree))
        return tuple(self._make(piece, atom) for atom in (named, *homes))

    def _make(self, piece: Piece, atom: Atom) -> Piece:
        key = (atom, list_reaching(atom, piece.excluded), piece.is_floating)
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = Piece(-1, *key)
        part.readers |= piece.readers
        part.writers |= piece.writers
        return part


def _names_files(atom: Atom) -> bool:
    """Tell whether the last name holds a wildcard, and a dot that is not its first character."""
    if not atom.tail or atom.directory_only:
        return False
    name = atom.tail[-1]
    return "." in name[1:] and literal_name(name) is None


def _list_directories(atom: Atom, tree: TrackedTree) -> Iterator[str]:
    """Give the tracked directories that a pattern matches."""
    matches = compile_name(atom.tail[-1])
    for path in _list_dotted(atom.head, tree):
        if matches(path.rpartition("/")[2]) and covers(atom, path):
            yield path


def _list_dotted(directory: str, tree: TrackedTree) -> tuple[str, ...]:
    paths = tree.dotted_directories
    if not directory:
        return paths
    low = bisect_left(paths, directory + "/")
    return paths[low : bisect_left(paths, directory + AFTER_SLASH, lo=low)]
