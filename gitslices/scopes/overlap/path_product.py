"""The shortest path that is in two atoms and in no excluded one, and that could be created."""

from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from itertools import islice
from typing import Protocol

from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.globs import ANY_NAME, Glob, literal_name
from gitslices.scopes.language.matcher import fits
from gitslices.scopes.overlap.name_product import (
    TooComplexError,
    is_forbidden,
    list_names,
    sample_names,
)
from gitslices.scopes.overlap.pieces import Piece
from gitslices.scopes.overlap.residuals import (
    Residual,
    Residuals,
    drop_dead,
    last_position,
    list_moves,
    see_from,
    step_mask,
)
from gitslices.scopes.tracked.tree import TrackedTree

MAX_VISITED = 1024
"""How many states a search with exclusions looks at before it gives up."""

UNKNOWN = "\0"
"""Stands for a path, where it would cost too much to say whether there is one."""

Masks = tuple[int, ...]
State = tuple[int, int, Masks, str | None]
"""A position in each atom, those in the excluded ones, and the tracked directory, if it is one."""

_NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


class Directories(Protocol):
    """The tracked directories of a tree."""

    def list_names(self, directory: str) -> tuple[frozenset[str], frozenset[str]]:
        """Give the names of the directories in `directory`, and those of all else in it."""


class Search:
    """One search, beneath one directory."""

    def __init__(
        self,
        one: Residual,
        other: Residual,
        excluded: Sequence[Residual],
        folding: Folding,
        *,
        idle: Masks | None = None,
        tree: Directories | None = None,
    ) -> None:
        self._one = one
        self._other = other
        self._excluded = excluded
        self._folding = folding
        self._idle = idle
        self._tree = tree

    def find(self, directory: str | None) -> str | None:
        """Find the path, from the directory where the search begins; None: one yet to be made.

        Raises TooComplexError when there are exclusions and too many ways to look at.
        """
        masks = tuple(residual.mask for residual in self._excluded)
        layer: dict[State, str] = {
            (i, j, masks, directory): ""
            for i in _list_bits(self._one.mask)
            for j in _list_bits(self._other.mask)
        }
        seen = set(layer)
        while layer:
            found: dict[State, str] = {}
            for state, path in layer.items():
                for then, name in self._list_steps(state):
                    longer = f"{path}/{name}" if path else name
                    if then not in found or _rank(longer) < _rank(found[then]):
                        found[then] = longer
            goals = [path for state, path in found.items() if self._is_goal(state)]
            if goals:
                return min(goals, key=_rank)
            layer = {state: path for state, path in found.items() if state not in seen}
            seen.update(layer)
            if self._excluded and len(seen) > MAX_VISITED:
                raise TooComplexError
        return None

    def _is_goal(self, state: State) -> bool:
        i, j, masks, directory = state
        if i != last_position(self._one.atom) or j != last_position(self._other.atom):
            return False
        return directory is None and (
            self._idle is None
            or all(not mask & ~idle for mask, idle in zip(masks, self._idle, strict=True))
        )

    def _list_steps(self, state: State) -> Iterator[tuple[State, str]]:
        i, j, masks, directory = state
        beside = self._list_beside(masks)
        for one, first in list_moves(self._one.atom, i):
            for other, second in list_moves(self._other.atom, j):
                for name, inside in self._list_names(one, other, beside, directory):
                    then = self._exclude(masks, name)
                    if then is not None:
                        yield (first, second, then, inside), name

    def _list_beside(self, masks: Masks) -> tuple[Glob, ...]:
        globs = {
            glob
            for residual, mask in zip(self._excluded, masks, strict=True)
            for at in _list_bits(mask)
            for glob, _ in list_moves(residual.atom, at)
        }
        return tuple(sorted(globs - {ANY_NAME}, key=repr))

    def _list_names(
        self, one: Glob, other: Glob, beside: tuple[Glob, ...], directory: str | None
    ) -> Iterator[tuple[str, str | None]]:
        directories, files = _NOTHING
        if directory is not None and self._tree is not None:
            directories, files = self._tree.list_names(directory)
        spelled = {name for glob in beside if (name := literal_name(glob)) is not None}
        globs = tuple(glob for glob in beside if literal_name(glob) is None)
        for name in _sample(one, other, globs, self._folding, spelled | directories | files):
            yield name, None
        for name in sorted(spelled - directories - files):
            if _fits(one, other, name):
                yield name, None
        for name in sorted(directories):
            if _fits(one, other, name):
                yield name, f"{directory}/{name}" if directory else name

    def _exclude(self, masks: Masks, name: str) -> Masks | None:
        then = []
        for residual, mask in zip(self._excluded, masks, strict=True):
            stepped = step_mask(residual.atom, mask, name) if mask else 0
            if stepped >> last_position(residual.atom) & 1:
                return None
            then.append(stepped)
        return tuple(then)


@lru_cache(maxsize=1 << 16)
def find_free(
    one: Residual,
    other: Residual,
    excluded: tuple[Residual, ...],
    folding: Folding,
    idle: Masks | None = None,
) -> str | None:
    """Find the path where nothing is tracked; `UNKNOWN` stands for too many ways to look at."""
    try:
        return Search(one, other, excluded, folding, idle=idle).find(None)
    except TooComplexError:
        return UNKNOWN


def _sample(
    one: Glob, other: Glob, beside: tuple[Glob, ...], folding: Folding, taken: Set[str]
) -> Iterator[str]:
    if taken.isdisjoint(samples := sample_names(one, other, beside, folding)):
        yield from samples
        return
    for names in list_names(one, other, beside, folding):
        yield from islice((name for name in names if name not in taken), 1)


def _fits(one: Glob, other: Glob, name: str) -> bool:
    return not is_forbidden(name) and all(
        glob == ANY_NAME or fits(glob, name) for glob in (one, other)
    )


def _list_bits(mask: int) -> Iterator[int]:
    return (at for at in range(mask.bit_length()) if mask >> at & 1)


def _rank(path: str) -> tuple[int, str]:
    return len(path), path


def find_shortest(
    one: Piece, other: Piece, tree: TrackedTree, shared: Sequence[Atom]
) -> str | None:
    """Find the shared path with the fewest components, then characters."""
    if not (tree.can_grow(one.atom) and tree.can_grow(other.atom)):
        return None
    head = max(one.atom.head, other.atom.head, key=len)
    first, second = see_from(one.atom, head), see_from(other.atom, head)
    if first.is_dead or second.is_dead:
        return None
    beside = (*one.excluded, *other.excluded, *shared)
    excluded = drop_dead(see_from(atom, head) for atom in beside)
    if any(residual.is_complete for residual in excluded):
        return None
    if first.is_complete and second.is_complete and tree.can_be_created(head):
        return head
    path = _search(first, second, excluded, tree, head)
    return path if path is None or not head else f"{head}/{path}"


def rank_path(path: str) -> tuple[int, int, str]:
    """Give the order in which paths serve as an example: the shortest first."""
    return path.count("/"), len(path), path


def _search(
    one: Residual, other: Residual, excluded: Residuals, tree: TrackedTree, head: str
) -> str | None:
    path = find_free(one, other, excluded, tree.folding)
    if path == UNKNOWN:
        return _search(one, other, (), tree, head)
    if path is None or not tree.is_taken(head, path):
        return path
    try:
        return Search(one, other, excluded, tree.folding, tree=tree).find(head)
    except TooComplexError:
        return _search(one, other, (), tree, head)
