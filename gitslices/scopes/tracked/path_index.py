"""Atoms resolved to positions among the sorted paths, where a directory is an interval."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from gitslices.core.lazy import lazy_property
from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.globs import GLOBSTAR, STAR, Glob, literal_name, literal_start
from gitslices.scopes.language.matcher import compile_atom, compile_name
from gitslices.scopes.tracked.spans import (
    Span,
    Spans,
    count_positions,
    join_positions,
    join_spans,
    list_common,
)
from gitslices.scopes.tracked.tree import AFTER_SLASH, TrackedTree

_BEYOND = chr(0x10FFFF)


# No cycle can begin in it, and the collector need not walk tens of thousands of them.
class _Directory(Struct, frozen=True, gc=False):
    """A directory, and the positions of the paths beneath it."""

    start: int
    stop: int
    path: str


class _Occurrences(Struct, frozen=True, gc=False):
    """The paths (by position) and the directories that have a certain name, in order."""

    positions: list[int]
    directories: list[_Directory]

    def list_positions(self, inside: Span) -> list[int]:
        """The positions of those paths that lie within a span."""
        low = bisect_left(self.positions, inside[0])
        return self.positions[low : bisect_left(self.positions, inside[1], lo=low)]

    def list_directories(self, inside: Span) -> list[_Directory]:
        """Those directories that begin within a span."""
        low = bisect_left(self.directories, inside[0], key=_start)
        return self.directories[low : bisect_left(self.directories, inside[1], lo=low, key=_start)]


class _NameOccurrences:
    """Every name in a sorted list of paths, and where it occurs."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._files = _NameIndex([path.rpartition("/")[2] for path in paths])
        self._places = _list_directories(paths)
        self._directories = _NameIndex([one.path.rpartition("/")[2] for one in self._places])
        self._found: dict[Glob, _Occurrences] = {}

    def find(self, glob: Glob) -> _Occurrences:
        """The places whose name a glob matches."""
        found = self._found.get(glob)
        if found is None:
            directories = [self._places[number] for number in self._directories.find(glob)]
            found = _Occurrences(self._files.find(glob), directories)
            self._found[glob] = found
        return found


class _NameIndex:
    """Names with repetitions, each known by its number in a list."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._order = sorted(range(len(names)), key=names.__getitem__)
        self._sorted = [names[number] for number in self._order]

    def find(self, glob: Glob) -> list[int]:
        """The numbers of the names that a glob matches, ascending."""
        name = literal_name(glob)
        if name is not None:
            low = bisect_left(self._sorted, name)
            return self._order[low : bisect_right(self._sorted, name, lo=low)]
        start = literal_start(glob)
        if glob == (*start, STAR):
            return sorted(self._list_beginning(start))
        extension = literal_start(glob[2:])
        # The index has what follows the last dot, so `*.d.ts` has to be matched like any other.
        if glob == (STAR, ".", *extension) and "." not in extension:
            return self._by_extension.get(extension, [])
        candidates = self._list_candidates(glob, start)
        # A large tree has the same `__init__.py` a thousand times, and each name is matched once.
        names = set(map(self._names.__getitem__, candidates))
        matching = set(filter(compile_name(glob), names))
        return sorted([number for number in candidates if self._names[number] in matching])

    def _list_candidates(self, glob: Glob, start: str) -> list[int]:
        ending = literal_start(glob[::-1])[::-1]
        if "." in ending:
            return self._by_extension.get(ending.rpartition(".")[2], [])
        return self._list_beginning(start)

    def _list_beginning(self, start: str) -> list[int]:
        low = bisect_left(self._sorted, start)
        return self._order[low : bisect_left(self._sorted, start + _BEYOND, lo=low)]

    @lazy_property
    def _by_extension(self) -> dict[str, list[int]]:
        numbers: dict[str, list[int]] = {}
        for number, name in enumerate(self._names):
            _, dot, extension = name.rpartition(".")
            if dot:
                numbers.setdefault(extension, []).append(number)
        return numbers


def _list_directories(paths: Sequence[str]) -> list[_Directory]:
    """The directories of sorted paths, in the order in which they begin."""
    found: list[_Directory] = []
    opened: list[tuple[str, int]] = []
    parent = ""
    for at, path in enumerate(paths):
        above = path[: path.rfind("/") + 1]
        if above == parent:
            continue
        parent = above
        while opened and not parent.startswith(opened[-1][0]):
            _close(found, opened, at)
        _open_directories(opened, parent, at)
    while opened:
        _close(found, opened, len(paths))
    return sorted(found, key=_start)


def _close(found: list[_Directory], opened: list[tuple[str, int]], stop: int) -> None:
    path, start = opened.pop()
    found.append(_Directory(start, stop, path[:-1]))


def _open_directories(opened: list[tuple[str, int]], parent: str, at: int) -> None:
    slash = len(opened[-1][0]) if opened else 0
    while slash < len(parent):
        slash = parent.index("/", slash) + 1
        opened.append((parent[:slash], at))


def _start(directory: _Directory) -> int:
    return directory.start


class PathIndex:
    """The tracked paths, and among them paths that do not exist yet, ready to resolve many atoms.

    `expected` maps the folded path to its spelling; what is there already is left out. A path
    beneath a tracked file counts: who deletes the file and who writes the path get in each
    other's way.
    """

    def __init__(self, tree: TrackedTree, expected: Mapping[str, str]) -> None:
        self._tree = tree
        fresh = {path: name for path, name in expected.items() if tree.can_be_named(path)}
        self.paths: Sequence[str] = tree.paths
        self.spellings: Sequence[str] = tree.spellings
        self._fresh: list[int] = []
        if fresh:
            self.paths = sorted((*tree.paths, *fresh))
            self.spellings = self.paths
            self._fresh = [at for at, path in enumerate(self.paths) if path in fresh]
        if fresh and tree.folding.changes_text:
            # Sorted by the folded path as `paths` is, so that a position means the same in both.
            pairs = sorted([*zip(tree.paths, tree.spellings, strict=True), *fresh.items()])
            self.spellings = [spelling for _, spelling in pairs]

    def is_tracked(self, position: int) -> bool:
        """Whether the path at a position exists."""
        at = bisect_left(self._fresh, position)
        return at == len(self._fresh) or self._fresh[at] != position

    def count_tracked(self, spans: Spans) -> int:
        """Count the tracked paths in `spans`."""
        return count_positions(spans) - count_positions(list_common(spans, self._fresh_spans))

    @lazy_property
    def _fresh_spans(self) -> Spans:
        return join_spans((at, at + 1) for at in self._fresh)

    def resolve(self, atom: Atom) -> Spans:
        """The positions of the paths that an atom covers."""
        if not atom.tail:
            return self._resolve_literal(atom)
        inside = self._find_inside(atom.head)
        return join_spans(sorted(self._walk(atom, atom.tail, atom.head, inside)))

    def _resolve_literal(self, atom: Atom) -> Spans:
        inside = self._find_inside(atom.head)
        if atom.directory_only and atom.head not in self._tree.submodules:
            return join_spans((inside,))
        start = bisect_left(self.paths, atom.head)
        # Where case is ignored, a commit may still hold several spellings of one folded path.
        stop = bisect_right(self.paths, atom.head, lo=start)
        return join_spans(((start, stop), inside))

    def _find_inside(self, directory: str) -> Span:
        if not directory:
            return 0, len(self.paths)
        low = bisect_left(self.paths, directory + "/")
        return low, bisect_left(self.paths, directory + AFTER_SLASH, lo=low)

    def _walk(
        self, atom: Atom, tail: tuple[Glob, ...], directory: str, inside: Span
    ) -> Iterator[Span]:
        glob, rest = tail[0], tail[1:]
        if glob == GLOBSTAR:
            yield from self._find_unanchored(atom, rest, directory, inside)
            return
        matches = compile_name(glob)
        begin = len(directory) + 1 if directory else 0
        for start, stop, path, is_directory in self._list_children(begin, inside):
            if not matches(path[begin:]):
                continue
            if rest and is_directory:
                yield from self._walk(atom, rest, path, (start, stop))
            elif not rest and (is_directory or self._may_be(atom, path)):
                yield start, stop

    def _may_be(self, atom: Atom, path: str) -> bool:
        return not atom.directory_only or path in self._tree.submodules

    def _list_children(self, begin: int, inside: Span) -> Iterator[tuple[int, int, str, bool]]:
        at, end = inside
        while at < end:
            path = self.paths[at]
            slash = path.find("/", begin)
            if slash < 0:
                stop = at + 1
            else:
                path = path[:slash]
                stop = bisect_left(self.paths, path + AFTER_SLASH, lo=at, hi=end)
            yield at, stop, path, slash >= 0
            at = stop

    def _find_unanchored(
        self, atom: Atom, rest: tuple[Glob, ...], directory: str, inside: Span
    ) -> Iterator[Span]:
        # Only the last name is looked up. Matching every path against the regex instead takes
        # minutes where there are thousands of scopes and a hundred thousand files.
        found = self._named.find(rest[-1])
        positions = found.list_positions(inside)
        if atom.directory_only:
            positions = [at for at in positions if self.paths[at] in self._tree.submodules]
        # A directory begins at the position of its first path, and so do those above it.
        directories = (
            one for one in found.list_directories(inside) if len(one.path) > len(directory)
        )
        if len(rest) > 1:
            matches = compile_atom(atom).match
            mark = "/" if atom.directory_only else ""
            positions = [at for at in positions if matches(self.paths[at] + mark)]
            directories = (one for one in directories if matches(one.path + "/"))
        yield from join_positions(positions)
        yield from ((one.start, one.stop) for one in directories)

    @lazy_property
    def _named(self) -> _NameOccurrences:
        return _NameOccurrences(self.paths)
