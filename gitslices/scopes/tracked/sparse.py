"""What a sparse worktree holds: what a slice reads, writes or has besides, as git's patterns.

Where all entries are directories, and nothing is taken out that matters, git's cone mode serves,
which is quick in any size of repository; it also brings the files that lie beside those directories
on the way down from the root. Otherwise patterns do. Files at the root are always there.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import chain
from typing import Final

from msgspec import Struct

from gitslices.core.lazy import lazy_property
from gitslices.core.model import RepoPath, RepoTree
from gitslices.scopes.language.atoms import find_ancestor, make_atoms, settle_submodules, walk_up
from gitslices.scopes.language.entries import Access, Entry, Scope
from gitslices.scopes.tracked.path_index import PathIndex
from gitslices.scopes.tracked.spans import Spans, list_common, subtract_spans, unite_spans
from gitslices.scopes.tracked.tree import TrackedTree

_ROOT_FILES = ("/*", "!/*/")
_WILD = re.compile(r"([\\*?\[])")
_LEAD = re.compile(r"^([!#])")
_TRAILING = re.compile(r" +$")
_PLAIN = re.compile(r"[\w./+@=,-]+")


class Checkout(Struct, frozen=True, kw_only=True):
    """What `git sparse-checkout set` is told, and whether it has the shape of a cone.

    `paths` are the tracked files that it lets in.
    """

    patterns: tuple[str, ...]
    is_cone: bool = False
    paths: tuple[RepoPath, ...]

    @property
    def digest(self) -> str:
        """Tells this checkout from others of the same repository."""
        return sha256("\n".join(self.patterns).encode()).hexdigest()[:16]


EVERYTHING: Final = Checkout(patterns=("/*",), paths=())
"""A sparse checkout that leaves out nothing."""


def make_checkouts(tree: RepoTree, accesses: Sequence[Access]) -> tuple[Checkout, ...]:
    """For each slice the smallest checkout that git can be told and that lacks nothing."""
    maker = _Maker(tree)
    return tuple(maker.make(access) for access in accesses)


class _Maker:
    """One tree, made ready to resolve the entries of many slices."""

    def __init__(self, tree: RepoTree) -> None:
        self._tree = TrackedTree(tree)
        self._index = PathIndex(self._tree, {})
        self._spans: dict[Entry, Spans] = {}

    def make(self, access: Access) -> Checkout:
        scopes = (access.read, access.write, access.checkout)
        included = _join(scope.included for scope in scopes)
        wanted = unite_spans([self._allow(scope) for scope in scopes])
        # What one of the scopes excludes another may need. Such an exclusion is dropped
        # whole: a file too many in the worktree does no harm, one too few breaks the work.
        excluded = [
            entry
            for entry in _join(scope.excluded for scope in scopes)
            if not any(list_common(self._resolve(entry), wanted))
        ]
        if not excluded and all(map(self._suits_cone, included)):
            return self._make_cone(included)
        return self._make_patterns(included, excluded)

    def _allow(self, scope: Scope) -> Spans:
        return subtract_spans(self._unite(scope.included), self._unite(scope.excluded))

    def _unite(self, entries: Iterable[Entry]) -> Spans:
        return unite_spans([self._resolve(entry) for entry in entries])

    def _resolve(self, entry: Entry) -> Spans:
        """The positions of an entry's paths; an exclusion inside a submodule has none."""
        if entry not in self._spans:
            atoms = make_atoms(entry, self._tree.folding)
            settled = [settle_submodules(atom, self._tree.submodules) for atom in atoms]
            kept = [
                new for atom, new in zip(atoms, settled, strict=True)
                if new is atom or not entry.excluded
            ]  # fmt: skip
            self._spans[entry] = unite_spans([self._index.resolve(atom) for atom in kept])
        return self._spans[entry]

    def _suits_cone(self, entry: Entry) -> bool:
        """Whether it is a directory, or nothing yet, spelled so that git reads it as it stands."""
        return (
            not entry.is_pattern
            and _PLAIN.fullmatch(entry.path) is not None
            and not self._tree.folding.changes_text
            # A cone is made of directories, so a file, or a path beneath one, needs a pattern.
            and find_ancestor(entry.path, self._tree.files) is None
        )

    def _make_cone(self, included: Sequence[Entry]) -> Checkout:
        directories = tuple(entry.path for entry in included)
        above = {one for path in directories for one in walk_up(path.rpartition("/")[0])}
        beside = {
            RepoPath(f"{one}/{name}") for one in above for name in self._tree.list_names(one)[1]
        }
        paths = {*self._list(self._unite(included)), *self._root_files, *beside}
        return Checkout(
            patterns=(*_ROOT_FILES, *_write_cone(directories)),
            is_cone=True,
            paths=tuple(sorted(paths)),
        )

    def _make_patterns(self, included: Sequence[Entry], excluded: Sequence[Entry]) -> Checkout:
        everything = any(entry.names_whole_repository for entry in included)
        lines = [line for entry in included for line in _write_lines(entry)]
        # After everything included: the last pattern that matches a path decides.
        lines += ["!" + line for entry in excluded for line in _write_exclusion(entry)]
        spans = subtract_spans(self._unite(included), self._unite(excluded))
        return Checkout(
            patterns=("/*", *lines) if everything else (*_ROOT_FILES, *lines),
            paths=tuple(sorted({*self._list(spans), *self._root_files})),
        )

    def _list(self, spans: Spans) -> Iterable[RepoPath]:
        for start, stop in spans:
            yield from map(RepoPath, self._index.spellings[start:stop])

    @lazy_property
    def _root_files(self) -> tuple[RepoPath, ...]:
        return tuple(RepoPath(path) for path in self._tree.spellings if "/" not in path)


def _join(several: Iterable[Iterable[Entry]]) -> list[Entry]:
    return sorted({*chain(*several)}, key=lambda entry: entry.text)


def _write_cone(directories: Sequence[str]) -> Iterable[str]:
    """The patterns that git makes of directories: those above them with their files only."""
    # Git takes only this very shape for a cone, and otherwise warns and matches line by line. A
    # directory inside another of them would turn the outer one into one of files only.
    whole = {one for one in directories if not {*walk_up(one)} & {*directories} - {one}}
    above = {one for path in whole for one in walk_up(path.rpartition("/")[0])}
    for path in sorted(whole | above):
        yield f"/{path}/"
        if path in above:
            yield f"!/{path}/*/"


def _write_lines(entry: Entry) -> Iterable[str]:
    """An entry in gitignore's form; one with brackets is also the path spelled like it."""
    if entry.names_whole_repository:
        return
    if entry.is_pattern:
        # At the start of a line `!` takes back and `#` is a comment.
        yield _LEAD.sub(r"\\\1", entry.path)
    if not entry.is_pattern or "[" in entry.path or "\\" in entry.path:
        spelled = _WILD.sub(r"\\\1", entry.path.strip("/"))
        slash = "/" if entry.is_pattern and entry.path.endswith("/") else ""
        yield f"/{_TRAILING.sub(_escape_spaces, spelled)}{slash}"


def _write_exclusion(entry: Entry) -> Iterable[str]:
    """An exclusion, and what lies beneath it: for a file, git asks its own last match only."""
    for line in _write_lines(entry):
        yield line
        bare = line.rstrip("/")
        yield f"{bare}/**" if "/" in bare else f"**/{bare}/**"


def _escape_spaces(spaces: re.Match[str]) -> str:
    return "\\ " * len(spaces[0])
