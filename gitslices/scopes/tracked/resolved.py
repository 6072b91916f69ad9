"""One tree as all scopes see it: its paths, and what entries come down to among them."""

from collections.abc import Iterable, Iterator
from typing import Final

from gitslices.core.model import RepoPath, RepoTree
from gitslices.scopes.language.atoms import Atom, make_atoms, settle_submodules
from gitslices.scopes.language.entries import Entry, Scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.tracked.path_index import PathIndex
from gitslices.scopes.tracked.spans import Spans, subtract_spans, unite_spans
from gitslices.scopes.tracked.tree import TrackedTree

_AS_SPELLED: Final = Folding()


class ResolvedTree:
    """A tree, and the paths and directories that `naming` scopes expect in it.

    Each entry is resolved once.
    """

    def __init__(self, tree: RepoTree, naming: Iterable[Scope]) -> None:
        self.tree = TrackedTree(tree)
        self._atoms: dict[Entry, tuple[Atom, ...]] = {}
        self._spans: dict[Atom, Spans] = {}
        included = list(self._list_included(naming))
        self.tree.expect_directories({atom.head for atom, _ in included if atom.tail})
        self.paths = PathIndex(self.tree, _name_expected(included))

    def list_atoms(self, entry: Entry) -> tuple[Atom, ...]:
        """What an entry comes down to; what lies in a submodule is the submodule."""
        atoms = self._atoms.get(entry)
        if atoms is None:
            made = make_atoms(entry, self.tree.folding)
            atoms = tuple(settle_submodules(atom, self.tree.submodules) for atom in made)
            self._atoms[entry] = atoms
        return atoms

    def list_excluded(self, scope: Scope) -> list[Atom]:
        """What a scope excludes: inside a submodule there is nothing to exclude."""
        return [
            atom
            for entry in scope.excluded
            for atom in make_atoms(entry, self.tree.folding)
            if settle_submodules(atom, self.tree.submodules) is atom
        ]

    def resolve(self, atom: Atom) -> Spans:
        """The positions of the paths that an atom covers."""
        spans = self._spans.get(atom)
        if spans is None:
            spans = self._spans[atom] = self.paths.resolve(atom)
        return spans

    def resolve_less(self, atoms: Iterable[Atom], excluded: Iterable[Atom]) -> Spans:
        """The positions that some of `atoms` cover, and none of `excluded`."""
        return subtract_spans(self._unite(atoms), self._unite(excluded))

    def count_files(self, entry: Entry) -> int:
        """Count the tracked files that one entry matches, whatever is excluded again."""
        return self.paths.count_tracked(self._unite(self.list_atoms(entry)))

    def list_files(self, scope: Scope) -> list[RepoPath]:
        """The tracked files that a scope covers."""
        atoms = [atom for entry in scope.included for atom in self.list_atoms(entry)]
        return [
            RepoPath(self.paths.spellings[position])
            for start, stop in self.resolve_less(atoms, self.list_excluded(scope))
            for position in range(start, stop)
            if self.paths.is_tracked(position)
        ]

    def _unite(self, atoms: Iterable[Atom]) -> Spans:
        return unite_spans([self.resolve(atom) for atom in atoms])

    def _list_included(self, naming: Iterable[Scope]) -> Iterator[tuple[Atom, Atom]]:
        """The atoms of all entries, each as paths are compared and as it is spelled."""
        for entry in dict.fromkeys(entry for scope in naming for entry in scope.included):
            yield from zip(self.list_atoms(entry), make_atoms(entry, _AS_SPELLED), strict=True)


def _name_expected(included: Iterable[tuple[Atom, Atom]]) -> dict[str, str]:
    """The paths that literal entries and the twins of patterns name, and how they spell them."""
    expected: dict[str, str] = {}
    for atom, spelled in included:
        if not atom.tail and not atom.directory_only:
            expected.setdefault(atom.head, spelled.head)
    return expected
