"""What is tracked: folded paths, directories, and what could be created beside them."""

from bisect import bisect_left
from collections.abc import Iterable

from gitslices.core.lazy import lazy_property
from gitslices.core.model import RepoTree
from gitslices.scopes.language.atoms import Atom, find_ancestor
from gitslices.scopes.language.folding import Folding

_Names = tuple[frozenset[str], frozenset[str]]
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
        self._leaving: set[str] = set()
        self._names: dict[str, _Names] = {}

    def expect_directories(self, paths: Iterable[str]) -> None:
        """Count on directories that entries name, before anything is asked of the tree.

        A file in the place of one, or above it, has to go first: until then what lies beneath its
        path is yet to be created.
        """
        blocking = (find_ancestor(path, self.files) for path in paths)
        self._leaving.update(file for file in blocking if file is not None)

    def find_leaving(self, path: str) -> str | None:
        """The file at `path` or above it that is expected to go."""
        return find_ancestor(path, self._leaving)

    def is_directory(self, path: str) -> bool:
        """Whether tracked paths lie beneath `path`; the root is a directory in any case."""
        return not path or path in self._directories

    def can_be_named(self, path: str) -> bool:
        """Whether a path is neither there nor a directory; a file above it may be deleted."""
        return bool(path) and path not in self.files and not self.is_directory(path)

    def can_be_created(self, path: str) -> bool:
        """Whether a path is neither there, nor a directory, nor beneath what stays a file."""
        return self.can_be_named(path) and not self._is_blocked(path)

    def can_grow(self, atom: Atom) -> bool:
        """Whether an atom may cover paths that do not exist yet."""
        return not self._is_blocked(atom.head)

    def _is_blocked(self, path: str) -> bool:
        file = find_ancestor(path, self.files)
        return file is not None and file not in self._leaving

    @lazy_property
    def _directories(self) -> set[str]:
        directories: set[str] = set()
        for parent in {path.rpartition("/")[0] for path in self.paths}:
            above = parent
            # Above a known directory all are known, so each is added once however deep the tree is.
            while above and above not in directories:
                directories.add(above)
                above = above.rpartition("/")[0]
        return directories

    @lazy_property
    def dotted_directories(self) -> tuple[str, ...]:
        """The directories with a dot in their names, in order."""
        return tuple(sorted(path for path in self._directories if "." in path.rpartition("/")[2]))

    def is_taken(self, directory: str, path: str) -> bool:
        """Whether a path beneath `directory` begins with a name that is tracked there."""
        name = path.partition("/")[0]
        place = f"{directory}/{name}" if directory else name
        return place in self.files or place in self._directories

    def list_names(self, directory: str) -> _Names:
        """The names of the directories in `directory`, and those of all else in it.

        A file that is expected to become a directory counts as one.
        """
        names = self._names.get(directory)
        if names is None:
            names = self._names[directory] = self._read_names(directory)
        return names

    def _read_names(self, directory: str) -> _Names:
        prefix = directory + "/" if directory else ""
        directories: set[str] = set()
        files: set[str] = set()
        at = bisect_left(self.paths, prefix)
        while at < len(self.paths) and self.paths[at].startswith(prefix):
            name, slash, _ = self.paths[at][len(prefix) :].partition("/")
            if slash:
                directories.add(name)
                # Past all that lies in it: at the root that would be every path of the repository.
                at = bisect_left(self.paths, prefix + name + AFTER_SLASH, lo=at)
            else:
                (directories if prefix + name in self._leaving else files).add(name)
                at += 1
        return frozenset(directories), frozenset(files)
