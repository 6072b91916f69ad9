"""Where in the tree each name occurs, for patterns that may match at any depth."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property

from msgspec import Struct

from gitslices.scopes.globs import STAR, Glob, literal_name, literal_start
from gitslices.scopes.judge import compile_name
from gitslices.scopes.spans import Span

_BEYOND = chr(0x10FFFF)


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
        """Give the positions of those paths that lie within a span."""
        low = bisect_left(self.positions, inside[0])
        return self.positions[low : bisect_left(self.positions, inside[1], lo=low)]

    def list_directories(self, inside: Span) -> list[Directory]:
        """Give those directories that begin within a span."""
        low = bisect_left(self.directories, inside[0], key=_start)
        return self.directories[low : bisect_left(self.directories, inside[1], lo=low, key=_start)]


class NameIndex:
    """Every name in a sorted list of paths, and where it occurs."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._positions: dict[str, list[int]] = {}
        self._directories: dict[str, list[Directory]] = {}
        self._found: dict[Glob, Occurrences] = {}
        self._read(paths)

    def find(self, glob: Glob) -> Occurrences:
        """Give the places whose name a glob matches."""
        found = self._found.get(glob)
        if found is None:
            found = self._found[glob] = self._collect(glob)
        return found

    def _read(self, paths: Sequence[str]) -> None:
        opened: list[tuple[str, int]] = []
        parent = ""
        for at, path in enumerate(paths):
            cut = path.rfind("/") + 1
            self._positions.setdefault(path[cut:], []).append(at)
            if path[:cut] != parent:
                parent = path[:cut]
                while opened and not parent.startswith(opened[-1][0]):
                    self._close(*opened.pop(), at)
                _open_directories(opened, parent, at)
        while opened:
            self._close(*opened.pop(), len(paths))

    def _close(self, path: str, start: int, stop: int) -> None:
        directory = Directory(start, stop, path[:-1])
        name = path[path.rfind("/", 0, -1) + 1 : -1]
        self._directories.setdefault(name, []).append(directory)

    def _collect(self, glob: Glob) -> Occurrences:
        matching = tuple(self._list_matching(glob))
        positions = [at for name in matching for at in self._positions.get(name, ())]
        directories = [one for name in matching for one in self._directories.get(name, ())]
        return Occurrences(sorted(positions), sorted(directories, key=_start))

    def _list_matching(self, glob: Glob) -> Iterable[str]:
        name = literal_name(glob)
        if name is not None:
            return (name,)
        start = literal_start(glob)
        if glob == (*start, STAR):
            return self._list_beginning(start)
        extension = literal_start(glob[2:])
        if glob == (STAR, ".", *extension) and "." not in extension:
            return [one for one in self._list_ending(extension) if len(one) > len(extension)]
        matches = compile_name(glob)
        return filter(matches, self._list_candidates(glob, start))

    def _list_candidates(self, glob: Glob, start: str) -> Sequence[str]:
        ending = literal_start(glob[::-1])[::-1]
        if "." in ending:
            return self._list_ending(_extension(ending))
        return self._list_beginning(start)

    def _list_ending(self, extension: str) -> Sequence[str]:
        return self._by_extension.get(extension, ())

    def _list_beginning(self, start: str) -> Sequence[str]:
        low = bisect_left(self._names, start)
        return self._names[low : bisect_left(self._names, start + _BEYOND, lo=low)]

    @cached_property
    def _names(self) -> list[str]:
        return sorted(self._positions.keys() | self._directories.keys())

    @cached_property
    def _by_extension(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for name in self._names:
            names.setdefault(_extension(name), []).append(name)
        return names


def _open_directories(opened: list[tuple[str, int]], parent: str, at: int) -> None:
    slash = len(opened[-1][0]) if opened else 0
    while slash < len(parent):
        slash = parent.index("/", slash) + 1
        opened.append((parent[:slash], at))


def _extension(name: str) -> str:
    return name[name.rfind(".") + 1 :]


def _start(directory: Directory) -> int:
    return directory.start
