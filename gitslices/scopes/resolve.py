"""Atoms resolved to positions among the sorted paths, where a directory is an interval."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property

from gitslices.scopes.atoms import Atom
from gitslices.scopes.globs import GLOBSTAR, Glob
from gitslices.scopes.judge import compile_atom, compile_name
from gitslices.scopes.places import NameIndex, Place
from gitslices.scopes.spans import (
    NO_SPANS,
    Span,
    Spans,
    count_positions,
    join_spans,
    list_common,
)
from gitslices.scopes.tree import AFTER_SLASH, TrackedTree


class PathIndex:
    """The tracked paths, and among them paths that do not exist yet, ready to resolve many atoms.

    `expected` maps the folded path to its spelling; what cannot be created is left out.
    """

    def __init__(self, tree: TrackedTree, expected: Mapping[str, str]) -> None:
        self._tree = tree
        fresh = {path: name for path, name in expected.items() if tree.can_be_created(path)}
        self.paths: tuple[str, ...] = tree.paths
        self.spellings: tuple[str, ...] = tree.spellings
        self._fresh: list[int] = []
        if fresh:
            pairs = sorted([*zip(tree.paths, tree.spellings, strict=True), *fresh.items()])
            self.paths = tuple(path for path, _ in pairs)
            self.spellings = tuple(spelling for _, spelling in pairs)
            self._fresh = [at for at, path in enumerate(self.paths) if path in fresh]

    def is_tracked(self, position: int) -> bool:
        """Tell whether the path at a position exists."""
        at = bisect_left(self._fresh, position)
        return at == len(self._fresh) or self._fresh[at] != position

    def count_tracked(self, spans: Spans) -> int:
        """Count the tracked paths in `spans`."""
        return count_positions(spans) - count_positions(list_common(spans, self._fresh_spans))

    @cached_property
    def _fresh_spans(self) -> Spans:
        return join_spans((at, at + 1) for at in self._fresh)

    def resolve(self, atom: Atom) -> Spans:
        """Give the positions of the paths that an atom covers."""
        if not atom.tail:
            return self._resolve_literal(atom)
        low, high = self._find_inside(atom.head)
        if low == high:
            return NO_SPANS
        found = self._walk(atom, atom.tail, atom.head, low, high)
        return join_spans(sorted(found))

    def _resolve_literal(self, atom: Atom) -> Spans:
        inside = self._find_inside(atom.head)
        if atom.directory_only and atom.head not in self._tree.submodules:
            return join_spans((inside,))
        start = bisect_left(self.paths, atom.head)
        stop = bisect_right(self.paths, atom.head, lo=start)
        return join_spans(((start, stop), inside))

    def _find_inside(self, directory: str) -> Span:
        if not directory:
            return 0, len(self.paths)
        low = bisect_left(self.paths, directory + "/")
        return low, bisect_left(self.paths, directory + AFTER_SLASH, lo=low)

    def _walk(
        self, atom: Atom, tail: tuple[Glob, ...], directory: str, low: int, high: int
    ) -> Iterator[Span]:
        glob, rest = tail[0], tail[1:]
        if glob == GLOBSTAR:
            yield from self._find_floating(atom, rest, directory, low, high)
            return
        for place in self._list_children(glob, directory, low, high):
            if not rest:
                if self._may_match(atom, place):
                    yield place.start, place.stop
            elif place.is_directory:
                yield from self._walk(atom, rest, place.path, place.start, place.stop)

    def _may_match(self, atom: Atom, place: Place) -> bool:
        return not atom.directory_only or place.is_directory or place.path in self._tree.submodules

    def _list_children(self, glob: Glob, directory: str, low: int, high: int) -> Iterator[Place]:
        matches = compile_name(glob)
        for place in self._children(directory, low, high):
            if matches(place.path[len(directory) + 1 if directory else 0 :]):
                yield place

    def _children(self, directory: str, low: int, high: int) -> Iterator[Place]:
        begin = len(directory) + 1 if directory else 0
        at = low
        while at < high:
            path = self.paths[at]
            slash = path.find("/", begin)
            if slash < 0:
                yield Place(at, at + 1, path, is_directory=False)
                at += 1
            else:
                child = path[:slash]
                stop = bisect_left(self.paths, child + AFTER_SLASH, lo=at, hi=high)
                yield Place(at, stop, child, is_directory=True)
                at = stop

    def _find_floating(
        self, atom: Atom, rest: tuple[Glob, ...], directory: str, low: int, high: int
    ) -> Iterator[Span]:
        places = self._named.find(rest[-1])
        depth = len(directory)
        matches = None if len(rest) == 1 else compile_atom(atom).match
        for at in range(bisect_left(places, low, key=_start), len(places)):
            place = places[at]
            if place.start >= high:
                return
            if len(place.path) <= depth or not self._may_match(atom, place):
                continue
            mark = "/" if atom.directory_only else ""
            if matches is None or matches(place.path + mark):
                yield place.start, place.stop

    @cached_property
    def _named(self) -> NameIndex:
        return NameIndex(self.paths)


def _start(place: Place) -> int:
    return place.start
