"""Patterns that name files, and what of them counts among the paths yet to be created.

`*.py` matches a directory too, but who writes it supposes none: `*.py` and `*.md` would meet in
`a.py/b.md`. So it covers new paths of that name, and what is new beneath directories that it
matches and that exist.
"""

from bisect import bisect_left
from collections.abc import Iterator

from msgspec.structs import replace

from gitslices.scopes.atoms import Atom
from gitslices.scopes.globs import literal_name
from gitslices.scopes.judge import compile_name, covers
from gitslices.scopes.pieces import Piece, list_reaching
from gitslices.scopes.tree import AFTER_SLASH, TrackedTree


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
