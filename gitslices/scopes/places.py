"""Where in the tree each name occurs, for patterns that may match at any depth."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from gitslices.scopes.globs import Glob, literal_name
from gitslices.scopes.judge import compile_name

_BEYOND = chr(0x10FFFF)


class Place(Struct, frozen=True, gc=False):
    """One path, or one directory with all it holds, and its positions."""

    start: int
    stop: int
    path: str
    is_directory: bool


class NameIndex:
    """The places of every name, in the order of their positions."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._places: dict[str, list[Place]] = {}
        for place in _list_places(paths):
            name = place.path[place.path.rfind("/") + 1 :]
            self._places.setdefault(name, []).append(place)
        self._found: dict[Glob, Sequence[Place]] = {}

    def find(self, glob: Glob) -> Sequence[Place]:
        """Give the places whose name `glob` matches, by position."""
        found = self._found.get(glob)
        if found is None:
            found = self._found[glob] = self._collect(glob)
        return found

    def _collect(self, glob: Glob) -> Sequence[Place]:
        name = literal_name(glob)
        if name is not None:
            return sorted(self._places.get(name, ()), key=_position)
        matches = compile_name(glob)
        places = [
            place
            for name in self._list_candidates(glob)
            if matches(name)
            for place in self._places[name]
        ]
        places.sort(key=_position)
        return places

    def _list_candidates(self, glob: Glob) -> Sequence[str]:
        prefix = _literal_start(glob)
        starting = _slice_by_prefix(self._names, prefix)
        suffix = _literal_start(glob[::-1])
        ending = _slice_by_prefix(self._reversed_names, suffix)
        if len(starting) <= len(ending):
            return starting
        return [name[::-1] for name in ending]

    @cached_property
    def _names(self) -> list[str]:
        return sorted(self._places)

    @cached_property
    def _reversed_names(self) -> list[str]:
        return sorted(name[::-1] for name in self._places)


def _position(place: Place) -> tuple[int, int]:
    return place.start, -place.stop


def _literal_start(glob: Glob) -> str:
    start = []
    for token in glob:
        if not isinstance(token, str):
            break
        start.append(token)
    return "".join(start)


def _slice_by_prefix(names: Sequence[str], prefix: str) -> Sequence[str]:
    low = bisect_left(names, prefix)
    return names[low : bisect_left(names, prefix + _BEYOND, lo=low)]


def _list_places(paths: Sequence[str]) -> Iterator[Place]:
    open_directories: list[tuple[str, int]] = []
    directory = ""
    for at, path in enumerate(paths):
        parent = path[: path.rfind("/") + 1]
        if parent != directory:
            while open_directories and not parent.startswith(open_directories[-1][0]):
                closed, start = open_directories.pop()
                yield Place(start, at, closed[:-1], is_directory=True)
            opened = list(_list_new(parent, open_directories))
            open_directories.extend((above, at) for above in opened)
            directory = parent
        yield Place(at, at + 1, path, is_directory=False)
    for closed, start in open_directories:
        yield Place(start, len(paths), closed[:-1], is_directory=True)


def _list_new(parent: str, open_directories: Sequence[tuple[str, int]]) -> Iterator[str]:
    slash = len(open_directories[-1][0]) if open_directories else 0
    while slash < len(parent):
        slash = parent.index("/", slash) + 1
        yield parent[:slash]
