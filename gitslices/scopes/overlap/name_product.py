"""Names that two globs share, from the product of two character automata.

Beside the two globs run others, each as the set of its positions, so that names are told apart by
which of those match them too.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, pairwise

from msgspec import Struct

from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.globs import ANY_NAME, STAR, CharSet, Glob, Token, literal_name
from gitslices.scopes.language.matcher import fits

_MAX_STATES = 1024
_PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789_-."
_SURROGATES = range(0xD800, 0xE000)
_BEYOND = 0x110000

_Marks = tuple[bool, ...]
"""Which of the other globs match a name."""
_State = tuple[int, int, tuple[int, ...]]
_Halves = tuple[str, str]


class TooComplexError(Exception):
    """The exact answer would cost more than it is worth."""


def is_forbidden(name: str) -> bool:
    """Whether no tracked path can have a component of that name."""
    return name in (".", "..") or name.lower() == ".git"


class _Sample(Struct, frozen=True):
    """Names that two globs share, and how many states it took to find them.

    `names` is None where there are too many ways to look at.
    """

    names: tuple[str, ...] | None
    states: int = 1


@lru_cache(maxsize=1 << 16)
def sample_names(one: Glob, other: Glob, beside: tuple[Glob, ...], folding: Folding) -> _Sample:
    """The shortest name that both globs match, for each way the globs `beside` take it."""
    first, second = _split_at_star(one), _split_at_star(other)
    if first and second and not beside:
        name = _join_halves(first, second)
        if name is None:
            return _Sample(())
        # A folded path holds nothing that folding would change, so such a name could not occur.
        if name and not is_forbidden(name) and all(folding.fold(char) == char for char in name):
            return _Sample((name,))
    for glob, opposite in ((one, other), (other, one)):
        name = literal_name(glob)
        if name is not None:
            return _Sample((name,) if _may_be_called(name, opposite) else ())
    try:
        product = _get_product(one, other, beside, folding)
    except TooComplexError:
        return _Sample(None, _MAX_STATES)
    fresh = (next(product.list_names(marks), None) for marks in product.ways)
    return _Sample(tuple(name for name in fresh if name is not None), product.size)


def _may_be_called(name: str, glob: Glob) -> bool:
    return (glob == ANY_NAME or fits(glob, name)) and not is_forbidden(name)


def share_name_around_stars(one: Glob, other: Glob) -> bool | None:
    """Whether two globs of a single star each share a name; None for all others.

    They do if the shorter start begins the longer one, and so with the ends: what is between is as
    long as need be.
    """
    first, second = _split_at_star(one), _split_at_star(other)
    if first is None or second is None:
        return None
    starts, ends = zip(first, second, strict=True)
    return (starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])) and (
        ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])
    )


def _split_at_star(glob: Glob) -> _Halves | None:
    """What a glob spells before and after its only wildcard, if that is a star."""
    if glob.count(STAR) != 1:
        return None
    at = glob.index(STAR)
    start, end = (literal_name(half) if half else "" for half in (glob[:at], glob[at + 1 :]))
    return None if start is None or end is None else (start, end)


def _join_halves(one: _Halves, other: _Halves) -> str | None:
    """Find the shortest text that has both starts and both ends, and room for each pair of them.

    It is the longer start and the longer end, run into each other as far as they fit.
    """
    start, end = max(one[0], other[0], key=len), max(one[1], other[1], key=len)
    if not all(start.startswith(half[0]) and end.endswith(half[1]) for half in (one, other)):
        return None
    least = max(len(half[0]) + len(half[1]) for half in (one, other))
    inside = len(start) + len(end) - least
    # It ends at 0 at the latest, where both slices are empty.
    while start[len(start) - inside :] != end[:inside]:
        inside -= 1
    return start + end[inside:]


def list_names(
    one: Glob, other: Glob, beside: tuple[Glob, ...], folding: Folding
) -> Iterator[Iterator[str]]:
    """All names that both globs match, shortest first, for each way `beside` takes them."""
    for glob, opposite in ((one, other), (other, one)):
        name = literal_name(glob)
        if name is not None:
            if _may_be_called(name, opposite):
                yield iter((name,))
            return
    product = _get_product(one, other, beside, folding)
    for marks in product.ways:
        yield product.list_names(marks)


class _NameProduct:
    """The names that both of two globs match, grouped by which of others match them."""

    def __init__(self, one: Glob, other: Glob, beside: tuple[Glob, ...], folding: Folding) -> None:
        self._globs = (one, other)
        self._beside = beside
        self._folding = folding
        classes = _partition({token for glob in (one, other, *beside) for token in glob})
        # Spelling would go on for ever through a class that no folded name has a character of.
        self._classes = [ranges for ranges in classes if any(self._list_characters(ranges))]
        self._samples = [chr(ranges[0][0]) for ranges in self._classes]
        self._edges: dict[_State, list[tuple[int, _State]]] = {}
        self._sources: dict[_State, list[_State]] = {}
        self._grow()
        marked = ((state, self._mark(state)) for state in self._edges)
        self._ends: dict[_Marks, list[_State]] = {}
        for state, marks in marked:
            if marks is not None:
                self._ends.setdefault(marks, []).append(state)
        self.ways = tuple(sorted(self._ends))

    @property
    def size(self) -> int:
        """How many states it has."""
        return len(self._edges)

    @property
    def _start(self) -> _State:
        return 0, 0, tuple(_skip_stars(glob, 1) for glob in self._beside)

    def _grow(self) -> None:
        self._edges[self._start] = []
        waiting = [self._start]
        while waiting:
            state = waiting.pop()
            for then, number in self._list_steps(state):
                if then not in self._edges:
                    self._edges[then] = []
                    waiting.append(then)
                self._edges[state].append((number, then))
                self._sources.setdefault(then, []).append(state)
            # Two globs alone have no more states than the product of their lengths. Only the sets
            # of positions in the globs beside them can grow exponentially.
            if self._beside and len(self._edges) > _MAX_STATES:
                raise TooComplexError

    def _list_steps(self, state: _State) -> Iterator[tuple[_State, int]]:
        one, other = self._globs
        i, j, masks = state
        for number, char in enumerate(self._samples):
            firsts = _step(one, i, char)
            seconds = _step(other, j, char) if firsts else ()
            if not seconds:
                continue
            then = tuple(
                _step_all(glob, mask, char) for glob, mask in zip(self._beside, masks, strict=True)
            )
            for first in firsts:
                for second in seconds:
                    yield (first, second, then), number

    def _mark(self, state: _State) -> _Marks | None:
        one, other = self._globs
        if not (_is_end(one, state[0]) and _is_end(other, state[1])):
            return None
        return tuple(
            bool(mask >> len(glob) & 1) for glob, mask in zip(self._beside, state[2], strict=True)
        )

    def list_names(self, marks: _Marks) -> Iterator[str]:
        """The names with these marks that a path may have, shortest first."""
        layers = [set(self._ends[marks])]
        seen = {""}
        while layers[-1]:
            if self._start in layers[-1]:
                for name in self._spell(self._start, layers, ""):
                    if name not in seen and not is_forbidden(name):
                        seen.add(name)
                        yield name
            layers.append({source for end in layers[-1] for source in self._sources.get(end, ())})

    def _spell(self, state: _State, layers: list[set[_State]], name: str) -> Iterator[str]:
        left = len(layers) - 1 - len(name)
        if not left:
            yield name
            return
        for number, then in self._edges[state]:
            if then in layers[left - 1]:
                for char in self._list_characters(self._classes[number]):
                    yield from self._spell(then, layers, name + char)

    def _list_characters(self, ranges: list[tuple[int, int]]) -> Iterator[str]:
        plain = (char for char in _PLAIN if any(low <= ord(char) < high for low, high in ranges))
        others = (
            char
            for low, high in ranges
            for code in range(low, high)
            if code not in _SURROGATES and (char := chr(code)) not in _PLAIN
        )
        return (char for char in chain(plain, others) if self._folding.fold(char) == char)


def _get_product(
    one: Glob, other: Glob, beside: tuple[Glob, ...], folding: Folding
) -> _NameProduct:
    """The product of two globs; raises TooComplexError when there are too many ways to look at."""
    # The largest take a hundred megabytes each, too much to keep.
    is_small = beside or len(one) * len(other) <= _MAX_STATES
    make = make_product if is_small else make_product.__wrapped__
    product = make(one, other, beside, folding)
    if product is None:
        raise TooComplexError
    return product


@lru_cache(maxsize=1 << 10)
def make_product(
    one: Glob, other: Glob, beside: tuple[Glob, ...], folding: Folding
) -> _NameProduct | None:
    """The product, unless there are too many ways to look at; the last ones made are kept."""
    try:
        return _NameProduct(one, other, beside, folding)
    except TooComplexError:
        return None


def _partition(tokens: set[Token]) -> list[list[tuple[int, int]]]:
    """Cut all characters but NUL and the slash into classes that no token tells apart."""
    chosen = [token for token in tokens if token is not STAR]
    cuts = {1, ord("/"), ord("/") + 1, _BEYOND}
    for token in chosen:
        ranges = token.ranges if isinstance(token, CharSet) else ((token, token),)
        for first, last in ranges:
            cuts |= {ord(first), ord(last) + 1}
    ordered = sorted(cuts)
    classes: dict[tuple[bool, ...], list[tuple[int, int]]] = {}
    for low, high in pairwise(ordered):
        if low != ord("/"):
            # Cuts lie at every end of a range, so one character speaks for all from `low` to
            # `high`.
            signature = tuple(_holds(token, chr(low)) for token in chosen)
            classes.setdefault(signature, []).append((low, high))
    return sorted(classes.values(), key=_rank_class)


def _rank_class(ranges: list[tuple[int, int]]) -> int:
    plain = (at for at, char in enumerate(_PLAIN) if any(a <= ord(char) < z for a, z in ranges))
    return next(plain, ranges[0][0] + len(_PLAIN))


def _holds(token: Token, char: str) -> bool:
    if isinstance(token, CharSet):
        return token.holds(char)
    return token is STAR or token == char


def _step(glob: Glob, at: int, char: str) -> tuple[int, ...]:
    if at == len(glob):
        return ()
    if glob[at] is STAR:
        return (at, *_step(glob, at + 1, char))
    return (at + 1,) if _holds(glob[at], char) else ()


def _step_all(glob: Glob, mask: int, char: str) -> int:
    then = 0
    for at, token in enumerate(glob):
        if mask >> at & 1 and _holds(token, char):
            then |= 1 << (at if token is STAR else at + 1)
    return _skip_stars(glob, then)


def _skip_stars(glob: Glob, mask: int) -> int:
    for at, token in enumerate(glob):
        if token is STAR and mask >> at & 1:
            mask |= 1 << (at + 1)
    return mask


def _is_end(glob: Glob, at: int) -> bool:
    return at == len(glob) or (at == len(glob) - 1 and glob[at] is STAR)
