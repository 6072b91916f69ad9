"""One tree as all scopes see it: its paths, and what entries come down to among them."""

from collections.abc import Iterable, Iterator

from gitslices.model import RepoTree
from gitslices.scopes.atoms import Atom, make_atoms, settle_submodules
from gitslices.scopes.entries import Entry, Scope
from gitslices.scopes.resolve import PathIndex
from gitslices.scopes.spans import Spans, subtract_spans, unite_spans
from gitslices.scopes.tree import TrackedTree


class Ground:
    """A tree, and the paths and directories that `naming` scopes expect in it.

    Each entry is resolved once.
    """

    def __init__(self, tree: RepoTree, naming: Iterable[Scope]) -> None:
        self.tree = TrackedTree(tree)
        self._atoms: dict[Entry, tuple[Atom, ...]] = {}
        self._spans: dict[Atom, Spans] = {}
        included = list(self._list_included(naming))
        self.tree.expect_directories({atom.head for _, atom in included if atom.tail})
        self.paths = PathIndex(self.tree, _name_expected(included))

    def list_atoms(self, entry: Entry) -> tuple[Atom, ...]:
        """Give what an entry comes down to; what lies in a submodule is the submodule."""
        atoms = self._atoms.get(entry)
        if atoms is None:
            made = make_atoms(entry, self.tree.folding)
            atoms = tuple(settle_submodules(atom, self.tree.submodules) for atom in made)
            self._atoms[entry] = atoms
        return atoms

    def list_excluded(self, scope: Scope) -> list[Atom]:
        """Give what a scope excludes: inside a submodule there is nothing to exclude."""
        return [
            atom
            for entry in scope.excluded
            for atom in make_atoms(entry, self.tree.folding)
            if settle_submodules(atom, self.tree.submodules) is atom
        ]

    def resolve(self, atom: Atom) -> Spans:
        """Give the positions of the paths that an atom covers."""
        spans = self._spans.get(atom)
        if spans is None:
            spans = self._spans[atom] = self.paths.resolve(atom)
        return spans

    def resolve_less(self, atoms: Iterable[Atom], excluded: Iterable[Atom]) -> Spans:
        """Give the positions that some of `atoms` cover, and none of `excluded`."""
        return subtract_spans(self._unite(atoms), self._unite(excluded))

    def count_files(self, entry: Entry) -> int:
        """Count the tracked files that one entry matches, whatever is excluded again."""
        return self.paths.count_tracked(self._unite(self.list_atoms(entry)))

    def _unite(self, atoms: Iterable[Atom]) -> Spans:
        return unite_spans([self.resolve(atom) for atom in atoms])

    def _list_included(self, naming: Iterable[Scope]) -> Iterator[tuple[Entry, Atom]]:
        entries = dict.fromkeys(entry for scope in naming for entry in scope.entries)
        for entry in entries:
            for atom in () if entry.excluded else self.list_atoms(entry):
                yield entry, atom


def _name_expected(included: Iterable[tuple[Entry, Atom]]) -> dict[str, str]:
    """Give the paths that literal entries and the twins of patterns name."""
    expected: dict[str, str] = {}
    for entry, atom in included:
        if not atom.tail and not atom.directory_only:
            expected.setdefault(atom.head, entry.path.strip("/"))
    return expected
