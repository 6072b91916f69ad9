"""What entries come down to: atoms, each a literal head and a tail of wildcards."""

from collections.abc import Collection, Iterable

from msgspec import Struct

from gitslices.scopes.language.entries import Entry
from gitslices.scopes.language.folding import Folding, fold_pattern
from gitslices.scopes.language.globs import GLOBSTAR, Glob, Pattern, literal_name


class Atom(Struct, frozen=True, cache_hash=True):
    """The path `head`, or what `tail` matches beneath it, and in either case all beneath that.

    A directory-only atom leaves out what it matches itself, unless that is a submodule. One that
    names files leaves out what is beneath. An empty head is the repository's root.
    """

    head: str
    tail: tuple[Glob, ...] = ()
    directory_only: bool = False
    names_files: bool = False

    @property
    def is_unanchored(self) -> bool:
        """Whether it is at home in any directory."""
        return not self.head and self.tail[:1] == (GLOBSTAR,)


def make_atoms(entry: Entry, folding: Folding) -> tuple[Atom, ...]:
    """The atoms whose union is the entry: a pattern is also the path spelled like it."""
    if not entry.is_pattern:
        return (Atom(folding.fold(entry.path)),)
    atom = split_head(fold_pattern(entry.path, folding))
    if "[" not in entry.path and "\\" not in entry.path:
        return (atom,)
    # `app/[id]/page.tsx` is a file's name in some frameworks: an entry copied from a listing has to
    # cover the file, whatever its brackets mean as a pattern.
    twin = Atom(folding.fold(entry.path.strip("/")), directory_only=atom.directory_only)
    return (atom, twin)


def split_head(pattern: Pattern) -> Atom:
    """Give the atom that a pattern is."""
    names: list[str] = []
    for glob in pattern.components:
        name = literal_name(glob)
        if name is None:
            break
        names.append(name)
    tail = pattern.components[len(names) :]
    return Atom("/".join(names), tail, pattern.directory_only)


def find_ancestor(path: str, paths: Collection[str]) -> str | None:
    """Find the one of `paths` that is `path` or a directory above it."""
    if not paths:
        return None
    return next((above for above in walk_up(path) if above in paths), None)


def walk_up(path: str) -> Iterable[str]:
    """Give `path` and every directory above it but the root, deepest first."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def settle_submodules(atom: Atom, submodules: Collection[str]) -> Atom:
    """The submodule itself for an atom that reaches into one: git tracks nothing in it."""
    submodule = find_ancestor(atom.head, submodules)
    if submodule is None or (submodule == atom.head and not atom.tail):
        return atom
    return Atom(submodule)
