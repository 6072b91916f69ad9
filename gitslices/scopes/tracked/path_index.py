"""Atoms resolved to positions among the sorted paths, where a directory is an interval."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.globs import GLOBSTAR, Glob
from gitslices.scopes.language.matcher import compile_atom, compile_name
from gitslices.scopes.tracked.name_index import NameOccurrences
from gitslices.scopes.tracked.spans import (
    Span,
    Spans,
    count_positions,
    join_positions,
    join_spans,
    list_common,
)
from gitslices.scopes.tracked.tree import AFTER_SLASH, TrackedTree


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

    @cached_property
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

    @cached_property
    def _named(self) -> NameOccurrences:
        return NameOccurrences(self.paths)
