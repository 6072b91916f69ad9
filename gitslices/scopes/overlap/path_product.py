"""The definition of an overlap in paths that do not exist yet, and the shortest such path.

Two atoms overlap where the product of their automata leads to the end of both. A state is a
position in each of the two; for each excluded atom all the positions that it may be at, since none
of its runs may reach its end (the subset construction of Rabin and Scott, 1959); and the tracked
directory that the path lies in, if it is one. A step is one name, which comes from a product of its
own: that of two globs, character by character. docs/internals/overlap.md shows both at work.
"""

from collections.abc import Iterator, Sequence, Set
from itertools import islice

from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.globs import ANY_NAME, Glob, literal_name
from gitslices.scopes.language.matcher import fits
from gitslices.scopes.overlap.name_product import (
    TooComplexError,
    is_forbidden,
    list_names,
    sample_names,
    share_name_around_stars,
)
from gitslices.scopes.overlap.regions import Region
from gitslices.scopes.overlap.residuals import (
    Residual,
    Residuals,
    drop_dead,
    last_position,
    list_transitions,
    see_from,
    step_mask,
)
from gitslices.scopes.tracked.tree import TrackedTree

MAX_STEPS = 5_000_000
"""What all questions of one comparison may take together; a step is near a microsecond."""

_MAX_STEPS_OF_ONE = 600_000
"""What a single question may take: as much as two of the longest names that there may be."""

_STEPS_OF_A_STATE = 8
"""What a state of the product of two names takes."""

UNKNOWN = "\0"
"""Stands for a path, where it would take too many steps to say whether there is one."""

_Masks = tuple[int, ...]
_State = tuple[int, int, _Masks, str | None]
"""A position in each atom, those in the excluded ones, and the tracked directory, if it is one."""

_NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


class _Budget:
    """What is left of the steps, in all and for the question at hand."""

    def __init__(self, steps: int) -> None:
        self._left = steps
        self._left_of_one = 0
        self._sampled: set[tuple[Glob, Glob, tuple[Glob, ...]]] = set()

    def start_question(self) -> None:
        """Let one more question take its share; raises TooComplexError where nothing is left."""
        self._left_of_one = min(self._left, _MAX_STEPS_OF_ONE)
        self.spend(1)

    def spend(self, steps: int) -> None:
        """Take some steps; raises TooComplexError where they are used up."""
        self._left_of_one -= steps
        self._left -= steps
        if self._left_of_one < 0:
            raise TooComplexError

    def sample_names(
        self, one: Glob, other: Glob, beside: tuple[Glob, ...], folding: Folding
    ) -> tuple[str, ...]:
        """The names that two globs share, for the steps that it takes to find them once."""
        key = one, other, beside
        sample = sample_names(*key, folding)
        # Paid for even where an earlier comparison left the answer in the cache: what is found must
        # not depend on what the process was asked before.
        if key not in self._sampled:
            self._sampled.add(key)
            self.spend(sample.states * (1 + len(beside)) * _STEPS_OF_A_STATE)
        if sample.names is None:
            raise TooComplexError
        return sample.names


class PathFinder:
    """Finds paths that are in two atoms, in no excluded one, and could be created.

    Each question is answered once. Where the steps are used up all new answers are `UNKNOWN`, so
    that the same questions in the same order always have the same answers.
    """

    def __init__(self, tree: TrackedTree) -> None:
        self._tree = tree
        self._budget = _Budget(MAX_STEPS)
        self._found: dict[tuple[Residual, Residual, Residuals, _Masks | None], str | None] = {}

    def find(
        self,
        directory: str,
        one: Residual,
        other: Residual,
        excluded: Residuals = (),
        idle: _Masks | None = None,
    ) -> str | None:
        """The shortest path beneath a directory, from there.

        With `idle` only the positions in these masks may still be reached in the excluded atoms.
        """
        # Where nothing is tracked the answer is the same in every directory, and is asked for once.
        # Few such paths begin with a name that is tracked here, and only those need a search of
        # here.
        path = self.find_free(one, other, excluded, idle)
        if path is None or path == UNKNOWN or not self._tree.is_taken(directory, path):
            return path
        return self._search(one, other, excluded, idle, directory)

    def find_free(
        self, one: Residual, other: Residual, excluded: Residuals = (), idle: _Masks | None = None
    ) -> str | None:
        """The shortest path where nothing is tracked."""
        key = one, other, excluded, idle
        if key not in self._found:
            self._found[key] = self._find_free(one, other, excluded, idle)
        return self._found[key]

    def _find_free(
        self, one: Residual, other: Residual, excluded: Residuals, idle: _Masks | None
    ) -> str | None:
        # Most exclusions miss the shortest path of the two atoms, and that is asked once for all.
        if excluded:
            path = self.find_free(one, other)
            if path is None or (path != UNKNOWN and _survives(path, excluded, idle)):
                return path
        return self._search(one, other, excluded, idle, None)

    def _search(
        self,
        one: Residual,
        other: Residual,
        excluded: Residuals,
        idle: _Masks | None,
        directory: str | None,
    ) -> str | None:
        tree = self._tree if directory is not None else None
        product = _PathProduct(one, other, excluded, self._tree.folding, idle, tree, self._budget)
        try:
            self._budget.start_question()
            return product.find(directory)
        except TooComplexError:
            return UNKNOWN

    def share_name(self, one: Glob, other: Glob) -> bool | None:
        """Whether a tracked path can have a component that both globs match; None: not known."""
        known = share_name_around_stars(one, other)
        if known is not None:
            return known
        try:
            self._budget.start_question()
            return bool(self._budget.sample_names(one, other, (), self._tree.folding))
        except TooComplexError:
            return None


def _survives(path: str, excluded: Residuals, idle: _Masks | None) -> bool:
    """Whether no excluded atom covers a path, and only `idle` positions are reached beneath it."""
    for at, residual in enumerate(excluded):
        mask = residual.mask
        for name in path.split("/"):
            mask = step_mask(residual.atom, mask, name)
            if mask >> last_position(residual.atom) & 1:
                return False
        if idle is not None and mask & ~idle[at]:
            return False
    return True


class _PathProduct:
    """One search through the product, beneath one directory."""

    def __init__(
        self,
        one: Residual,
        other: Residual,
        excluded: Sequence[Residual],
        folding: Folding,
        idle: _Masks | None,
        tree: TrackedTree | None,
        budget: _Budget,
    ) -> None:
        self._one = one
        self._other = other
        self._excluded = excluded
        self._folding = folding
        self._idle = idle
        self._tree = tree
        self._budget = budget

    def find(self, directory: str | None) -> str | None:
        """The path, from the directory where the search begins; None: one yet to be made.

        Breadth first, so that the first path found has the fewest components. Raises
        TooComplexError when the steps are used up.
        """
        masks = tuple(residual.mask for residual in self._excluded)
        layer: dict[_State, str] = {
            (i, j, masks, directory): ""
            for i in _list_bits(self._one.mask)
            for j in _list_bits(self._other.mask)
        }
        seen = set(layer)
        while layer:
            found: dict[_State, str] = {}
            for state, path in layer.items():
                for then, name in self._list_steps(state):
                    longer = f"{path}/{name}" if path else name
                    if then not in found or _rank(longer) < _rank(found[then]):
                        found[then] = longer
            goals = [path for state, path in found.items() if self._is_goal(state)]
            if goals:
                return min(goals, key=_rank)
            # A state that was seen has been reached by fewer components, so it leads to nothing
            # shorter.
            layer = {state: path for state, path in found.items() if state not in seen}
            seen.update(layer)
        return None

    def _is_goal(self, state: _State) -> bool:
        i, j, masks, directory = state
        if i != last_position(self._one.atom) or j != last_position(self._other.atom):
            return False
        return directory is None and (
            self._idle is None
            or all(not mask & ~idle for mask, idle in zip(masks, self._idle, strict=True))
        )

    def _list_steps(self, state: _State) -> Iterator[tuple[_State, str]]:
        i, j, masks, directory = state
        beside = self._list_beside(masks)
        for one, first in list_transitions(self._one.atom, i):
            for other, second in list_transitions(self._other.atom, j):
                for name, inside in self._list_names(one, other, beside, directory):
                    self._budget.spend(4 + 2 * len(masks))
                    then = self._exclude(masks, name)
                    if then is not None:
                        yield (first, second, then, inside), name

    def _list_beside(self, masks: _Masks) -> tuple[Glob, ...]:
        globs = {
            glob
            for residual, mask in zip(self._excluded, masks, strict=True)
            for at in _list_bits(mask)
            for glob, _ in list_transitions(residual.atom, at)
        }
        # Every name fits it, so it tells no names apart; sorted, so that a set's order, which
        # differs from run to run, cannot choose another witness.
        return tuple(sorted(globs - {ANY_NAME}, key=repr))

    def _list_names(
        self, one: Glob, other: Glob, beside: tuple[Glob, ...], directory: str | None
    ) -> Iterator[tuple[str, str | None]]:
        """A name for every way that excluded globs and tracked names may take it, and where it is.

        A literal beside needs no product: the name that it spells is tried by itself.
        """
        directories, files = _NOTHING
        if directory is not None and self._tree is not None:
            directories, files = self._tree.list_names(directory)
        spelled = {name for glob in beside if (name := literal_name(glob)) is not None}
        globs = tuple(glob for glob in beside if literal_name(glob) is None)
        for name in self._sample(one, other, globs, spelled | directories | files):
            yield name, None
        for name in sorted(spelled - directories - files):
            if _fits(one, other, name):
                yield name, None
        for name in sorted(directories):
            if _fits(one, other, name):
                yield name, f"{directory}/{name}" if directory else name

    def _sample(
        self, one: Glob, other: Glob, beside: tuple[Glob, ...], taken: Set[str]
    ) -> Iterator[str]:
        samples = self._budget.sample_names(one, other, beside, self._folding)
        if taken.isdisjoint(samples):
            yield from samples
            return
        for names in list_names(one, other, beside, self._folding):
            yield from islice((name for name in names if name not in taken), 1)

    def _exclude(self, masks: _Masks, name: str) -> _Masks | None:
        then = []
        for residual, mask in zip(self._excluded, masks, strict=True):
            stepped = step_mask(residual.atom, mask, name) if mask else 0
            if stepped >> last_position(residual.atom) & 1:
                return None
            then.append(stepped)
        return tuple(then)


def _fits(one: Glob, other: Glob, name: str) -> bool:
    return not is_forbidden(name) and all(
        glob == ANY_NAME or fits(glob, name) for glob in (one, other)
    )


def _list_bits(mask: int) -> Iterator[int]:
    return (at for at in range(mask.bit_length()) if mask >> at & 1)


def _rank(path: str) -> tuple[int, str]:
    return len(path), path


def rank_path(path: str) -> tuple[int, int, str]:
    """The order in which paths serve as a witness: the fewest components, then characters."""
    return path.count("/"), len(path), path


def find_witness(
    one: Region, other: Region, finder: PathFinder, tree: TrackedTree, shared: Sequence[Atom]
) -> str | None:
    """The shortest path that two regions share; `UNKNOWN` if it would take too many steps."""
    if not (tree.can_grow(one.atom) and tree.can_grow(other.atom)):
        return None
    # Two regions can meet only where one head is the other or lies beneath it.
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
    path = finder.find(head, first, second, excluded)
    return path if path is None or path == UNKNOWN or not head else f"{head}/{path}"


def guess_witness(one: Region, other: Region, finder: PathFinder) -> str:
    """A path for two regions that are too wild to compare: in one of them, if not in both."""
    head = max(one.atom.head, other.atom.head, key=len)
    first, second = see_from(one.atom, head), see_from(other.atom, head)
    everything = Residual(Atom(""))
    for pair in ((first, second), (first, everything), (everything, second)):
        path = finder.find(head, *pair)
        if path is not None and path != UNKNOWN:
            return f"{head}/{path}" if head else path
    return head or "."
