"""Where in the tree each name occurs, for patterns that may match at any depth."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

from gitslices.scopes.language.globs import STAR, Glob, literal_name, literal_start
from gitslices.scopes.language.matcher import compile_name
from gitslices.scopes.tracked.spans import Span

_BEYOND = chr(0x10FFFF)


# No cycle can begin in it, and the collector need not walk tens of thousands of them.
class Directory(Struct, frozen=True, gc=False):
    """A directory, and the positions of the paths beneath it."""

    start: int
    stop: int
    path: str


class Occurrences(Struct, frozen=True, gc=False):
    """The paths (by position) and the directories that have a certain name, in order."""

    positions: list[int]
    directories: list[Directory]

    def list_positions(self, inside: Span) -> list[int]:
        """The positions of those paths that lie within a span."""
        low = bisect_left(self.positions, inside[0])
        return self.positions[low : bisect_left(self.positions, inside[1], lo=low)]

    def list_directories(self, inside: Span) -> list[Directory]:
        """Those directories that begin within a span."""
        low = bisect_left(self.directories, inside[0], key=_start)
        return self.directories[low : bisect_left(self.directories, inside[1], lo=low, key=_start)]


class NameOccurrences:
    """Every name in a sorted list of paths, and where it occurs."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._files = NameIndex([path.rpartition("/")[2] for path in paths])
        self._places = _list_directories(paths)
        self._directories = NameIndex([one.path.rpartition("/")[2] for one in self._places])
        self._found: dict[Glob, Occurrences] = {}

    def find(self, glob: Glob) -> Occurrences:
        """The places whose name a glob matches."""
        found = self._found.get(glob)
        if found is None:
            directories = [self._places[number] for number in self._directories.find(glob)]
            found = Occurrences(self._files.find(glob), directories)
            self._found[glob] = found
        return found


class NameIndex:
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

    @cached_property
    def _by_extension(self) -> dict[str, list[int]]:
        numbers: dict[str, list[int]] = {}
        for number, name in enumerate(self._names):
            _, dot, extension = name.rpartition(".")
            if dot:
                numbers.setdefault(extension, []).append(number)
        return numbers


def _list_directories(paths: Sequence[str]) -> list[Directory]:
    """The directories of sorted paths, in the order in which they begin."""
    found: list[Directory] = []
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


def _close(found: list[Directory], opened: list[tuple[str, int]], stop: int) -> None:
    path, start = opened.pop()
    found.append(Directory(start, stop, path[:-1]))


def _open_directories(opened: list[tuple[str, int]], parent: str, at: int) -> None:
    slash = len(opened[-1][0]) if opened else 0
    while slash < len(parent):
        slash = parent.index("/", slash) + 1
        opened.append((parent[:slash], at))


def _start(directory: Directory) -> int:
    return directory.start
