"""What is tracked: folded paths, directories, and what could be created beside them."""

from bisect import bisect_left
from functools import cached_property

from gitslices.model import RepoTree
from gitslices.scopes.atoms import Atom, find_ancestor
from gitslices.scopes.folding import Folding

Names = tuple[frozenset[str], frozenset[str]]
"""The directories in a directory, and all else in it."""

AFTER_SLASH = "0"
"""The character after the slash: what sorts from `dir/` up to this lies in `dir`."""


class TrackedTree:
    """The tracked paths of one commit as its repository compares them."""

    def __init__(self, tree: RepoTree) -> None:
        self.folding = Folding(tree.ignore_case, tree.precompose_unicode)
        self.spellings = tree.paths
        self.paths: tuple[str, ...] = tree.paths
        if self.folding.changes_text:
            pairs = sorted((self.folding.fold(path), path) for path in tree.paths)
            self.paths = tuple(folded for folded, _ in pairs)
            self.spellings = tuple(path for _, path in pairs)
        self.files = frozenset(self.paths)
        self.submodules = frozenset(map(self.folding.fold, tree.submodules))
        self.symlinks = frozenset(map(self.folding.fold, tree.symlinks))
        self._names: dict[str, Names] = {}

    def is_directory(self, path: str) -> bool:
        """Tell whether tracked paths lie beneath `path`; the root is a directory in any case."""
        return not path or path in self._directories

    def can_be_named(self, path: str) -> bool:
        """Tell whether a path is neither there nor a directory; a file above it may be deleted."""
        return bool(path) and path not in self.files and not self.is_directory(path)

    def can_be_created(self, path: str) -> bool:
        """Tell whether a path is neither there, nor a directory, nor beneath something else."""
        return self.can_be_named(path) and find_ancestor(path, self.files) is None

    def can_grow(self, atom: Atom) -> bool:
        """Tell whether an atom may cover paths that do not exist yet."""
        return find_ancestor(atom.head, self.files) is None

    @cached_property
    def _directories(self) -> set[str]:
        directories: set[str] = set()
        for parent in {path.rpartition("/")[0] for path in self.paths}:
            above = parent
            while above and above not in directories:
                directories.add(above)
                above = above.rpartition("/")[0]
        return directories

    @cached_property
    def dotted_directories(self) -> tuple[str, ...]:
        """The directories with a dot in their names, in order."""
        return tuple(sorted(path for path in self._directories if "." in path.rpartition("/")[2]))

    def is_taken(self, directory: str, path: str) -> bool:
        """Tell whether a path beneath `directory` begins with a name that is tracked there."""
        name = path.partition("/")[0]
        place = f"{directory}/{name}" if directory else name
        return place in self.files or place in self._directories

    def list_names(self, directory: str) -> Names:
        """Give the names of the directories in `directory`, and those of all else in it."""
        names = self._names.get(directory)
        if names is None:
            names = self._names[directory] = self._read_names(directory)
        return names

    def _read_names(self, directory: str) -> Names:
        prefix = directory + "/" if directory else ""
        directories, files = set(), set()
        at = bisect_left(self.paths, prefix)
        while at < len(self.paths) and self.paths[at].startswith(prefix):
            name, slash, _ = self.paths[at][len(prefix) :].partition("/")
            if slash:
                directories.add(name)
                at = bisect_left(self.paths, prefix + name + AFTER_SLASH, lo=at)
            else:
                files.add(name)
                at += 1
        return frozenset(directories), frozenset(files)
