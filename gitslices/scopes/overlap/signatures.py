"""The definition made fast: regions that answer alike are decided at once.

A region that covers some path yet to be created also covers all beneath that path, and a pattern
that waits at a `**` can be completed there. So two of them meet beneath each other's paths, unless
an exclusion still applies so far down, and only one with a `**` can. Hence a region is described by
its signature: the set of `**` exclusions that it has itself, the sets that leave it a path beneath
which they reach no further, and the sets that cover all of it.

A region that names files covers nothing beneath them. It meets for sure what covers all around it;
a pattern that waits may end in the same name as well, or above it if the region waits, too.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.globs import ANY_NAME, GLOBSTAR, Glob
from gitslices.scopes.overlap.path_product import UNKNOWN, PathFinder
from gitslices.scopes.overlap.regions import Region
from gitslices.scopes.overlap.residuals import (
    Residual,
    Residuals,
    drop_dead,
    globstar_mask,
    see_from,
)
from gitslices.scopes.tracked.tree import TrackedTree

_MAX_SETS = 8
"""Beyond so many sets of `**` exclusions all of them are taken as one."""

_EVERYTHING = Residual(Atom(""))


class _Signature(Struct, frozen=True):
    """What decides about many regions at once; a set of `**` exclusions is known by its number.

    `clear` has a bit for each set that leaves the region a path to be created which neither this
    set nor the region's own nor the shared exclusions cover or reach beneath, but for their `**`;
    `covered` one for each set that covers all of the region. Of a region that names files, `name`
    is what they are called; `is_whole` where nothing is excluded from it.
    """

    own: int
    clear: int
    covered: int
    name: Glob | None = None
    is_whole: bool = False
    is_waiting: bool = False


class Decider:
    """Decides about the paths yet to be created, each shape of question once.

    `fresh` is a directory that does not exist and that no entry names.
    """

    def __init__(
        self,
        regions: Iterable[Region],
        tree: TrackedTree,
        shared: Sequence[Atom],
        finder: PathFinder,
    ) -> None:
        self._tree = tree
        self._finder = finder
        self._shared = tuple(atom for atom in shared if tree.can_grow(atom))
        sets = dict.fromkeys([(), *(_list_globstars(region) for region in regions)])
        self._is_exact = len(sets) <= _MAX_SETS
        if self._is_exact:
            self._sets = list(sets)
        else:
            self._sets = [(), tuple(dict.fromkeys(atom for one in sets for atom in one))]
        self.fresh = _find_fresh(tree)
        self._signatures: dict[_Signature, int] = {}
        self._signature_of: dict[Region, int | None] = {}
        self._shared_from: dict[str, Residuals] = {}
        self._decided: dict[tuple[Residual, int], tuple[int, int]] = {}

    def see_region(self, region: Region, directory: str) -> tuple[Residual, Residuals]:
        """What is left of a region and of its own exclusions inside a directory."""
        residual = see_from(region.atom, directory)
        if not region.excluded:
            return residual, ()
        growing = (atom for atom in region.excluded if self._tree.can_grow(atom))
        return residual, drop_dead(see_from(atom, directory) for atom in growing)

    def _see_at_home(self, region: Region) -> tuple[Residual, Residuals]:
        return self.see_region(region, region.atom.head)

    def _see_shared(self, directory: str) -> Residuals:
        if not self._shared:
            return ()
        seen = self._shared_from.get(directory)
        if seen is None:
            seen = drop_dead(see_from(atom, directory) for atom in self._shared)
            self._shared_from[directory] = seen
        return seen

    def find_signature(self, region: Region) -> int | None:
        """The number of a region's signature; None if it covers nothing to be created."""
        if region not in self._signature_of:
            empty = self._is_empty(region)
            self._signature_of[region] = None if empty else self._number_signature(region)
        return self._signature_of[region]

    def _is_empty(self, region: Region) -> bool:
        """Whether a region covers no path yet to be created, wherever that is plain to see."""
        if not self._tree.can_grow(region.atom):
            return True
        if not (region.excluded or self._shared):
            return False
        head = region.atom.head
        residual, own = self._see_at_home(region)
        return self._is_covered(residual, (*own, *self._see_shared(head)))

    def _number_signature(self, region: Region) -> int:
        signature = self._make_signature(region)
        if signature not in self._signatures:
            self._signatures[signature] = len(self._signatures)
            # What was decided speaks only of the signatures that there were then.
            self._decided.clear()
        return self._signatures[signature]

    def _make_signature(self, region: Region) -> _Signature:
        own = self._number_set(region)
        clear = covered = 0
        for number, globstars in enumerate(self._sets):
            if self._is_clear_of(region, globstars):
                clear |= 1 << number
            elif number and self._is_exact and self._is_covered_by(region, globstars):
                covered |= 1 << number
        if not region.atom.names_files:
            return _Signature(own, clear, covered)
        name, is_waiting = region.atom.tail[-1], region.atom.tail[0] == GLOBSTAR
        is_whole = not region.excluded and not self._shared
        return _Signature(own, clear, covered, name, is_whole, is_waiting)

    def _number_set(self, region: Region) -> int:
        globstars = _list_globstars(region)
        return self._sets.index(globstars) if self._is_exact else int(bool(globstars))

    def _is_clear_of(self, region: Region, globstars: Iterable[Atom]) -> bool:
        """Whether there is a path to be created beneath which only `**` may still apply."""
        place = self.fresh if region.atom.is_unanchored else region.atom.head
        residual, own = self.see_region(region, place)
        others = drop_dead(see_from(atom, place) for atom in globstars)
        excluded = tuple(dict.fromkeys((*own, *self._see_shared(place), *others)))
        tail = residual.atom.tail
        if not excluded and (not tail or (tail[0] == GLOBSTAR and self._has_names(tail))):
            return True
        if any(other.is_complete for other in excluded):
            return False
        idle = tuple(globstar_mask(other.atom) for other in excluded)
        path = self._finder.find(place, residual, _EVERYTHING, excluded, idle)
        return path is not None and path != UNKNOWN

    def _is_covered_by(self, region: Region, globstars: Iterable[Atom]) -> bool:
        head = region.atom.head
        excluded = drop_dead(see_from(atom, head) for atom in globstars)
        return self._is_covered(see_from(region.atom, head), excluded)

    def _is_covered(self, residual: Residual, excluded: Residuals) -> bool:
        """Whether exclusions leave nothing where nothing is tracked."""
        if any(other.is_complete for other in excluded):
            return True
        if residual.is_complete:
            return False
        return self._finder.find_free(residual, _EVERYTHING, excluded) is None

    def decide_signatures(
        self, region: Region, residual: Residual, excluded: Residuals
    ) -> tuple[int, int]:
        """The signatures (bits) that a region meets in a directory and all beneath, and misses.

        `residual` and `excluded` are what is left there of the region and of its exclusions.
        """
        own = self._number_set(region)
        key = (residual, own)
        decided = self._decided.get(key)
        if decided is None:
            decided = self._decided[key] = self._decide_signatures(residual, own)
        if all(self._is_known(region, other, own) for other in excluded):
            return decided
        # An exclusion that is half way through a match can take paths away and never adds any: what
        # misses still misses, but what would meet has to be searched for.
        return 0, decided[1]

    def _is_known(self, region: Region, excluded: Residual, own: int) -> bool:
        """Whether an exclusion only waits at a `**`, as the region's set of them says."""
        if excluded.mask & ~globstar_mask(excluded.atom):
            return False
        return not region.atom.is_unanchored or excluded.atom in self._sets[own]

    def _decide_signatures(self, residual: Residual, own: int) -> tuple[int, int]:
        met = missed = 0
        for signature, number in self._signatures.items():
            answer = self._decide_signature(residual, own, signature)
            if answer:
                met |= 1 << number
            elif answer is not None:
                missed |= 1 << number
        return met, missed

    def _decide_signature(self, residual: Residual, own: int, other: _Signature) -> bool | None:
        if other.covered >> own & 1 or self._misses(residual, other.own):
            return False
        if other.name is not None and not residual.is_complete:
            return self._decide_files(residual, own, other, other.name)
        is_clear = other.clear >> own & 1 == 1
        return True if is_clear and self._can_go_on(residual, (own, other.own)) else None

    def _decide_files(
        self, residual: Residual, own: int, other: _Signature, name: Glob
    ) -> bool | None:
        tail = residual.atom.tail
        waiting = residual.mask & globstar_mask(residual.atom)
        is_whole = other.is_whole and not own
        if not residual.atom.names_files:
            meets = is_whole and other.is_waiting and waiting and self._has_names(tail)
        else:
            share = self._finder.share_name(tail[-1], name)
            if not share:
                return share
            meets = waiting >> max(len(tail) - 2, 0) and (is_whole or tail[-1] == name)
        return True if meets and other.clear >> own & 1 else None

    def _misses(self, residual: Residual, number: int) -> bool:
        if not number or not self._is_exact or residual.is_complete:
            return False
        everywhere = tuple(Residual(atom) for atom in self._sets[number] if not atom.head)
        return bool(everywhere) and self._is_covered(residual, everywhere)

    def _can_go_on(self, residual: Residual, numbers: Iterable[int]) -> bool:
        """Whether all that is missing can come beneath a path that only `**` still reach."""
        if residual.is_complete:
            return True
        waiting = residual.mask & globstar_mask(residual.atom)
        if not waiting:
            return False
        globstars = (atom for number in numbers for atom in self._sets[number])
        anywhere = map(_see_anywhere, (*self._shared, *globstars))
        excluded = tuple(dict.fromkeys(drop_dead(anywhere)))
        if not excluded:
            return self._has_names(residual.atom.tail)
        idle = tuple(globstar_mask(other.atom) for other in excluded)
        start = Residual(residual.atom, waiting)
        path = self._finder.find_free(start, _EVERYTHING, excluded, idle)
        return path is not None and path != UNKNOWN

    def _has_names(self, globs: Iterable[Glob]) -> bool:
        """Whether there is a name for each of the globs, so that they can all be followed."""
        return all(glob == GLOBSTAR or self._finder.share_name(glob, ANY_NAME) for glob in globs)

    def have_common(
        self, directory: str, residual: Residual, excluded: Residuals, other: Region
    ) -> bool:
        """Whether what is left of a region meets `other`, whose head is that directory.

        Where that would take too many steps the two are taken to meet.
        """
        if residual.is_dead:
            return False
        beneath, own = self._see_at_home(other)
        beside = tuple(dict.fromkeys((*excluded, *own, *self._see_shared(directory))))
        if any(atom.is_complete for atom in beside):
            return False
        # No exclusion covers the directory's own path, and both have it: that needs no search.
        if residual.is_complete and beneath.is_complete and self._tree.can_be_created(directory):
            return True
        return self._finder.find(directory, residual, beneath, beside) is not None


def _see_anywhere(atom: Atom) -> Residual:
    """What may be left of an exclusion beneath an unknown path: it waits at its `**`."""
    beneath = Atom("", atom.tail, atom.directory_only)
    return Residual(beneath, globstar_mask(beneath))


def _list_globstars(region: Region) -> tuple[Atom, ...]:
    """The exclusions with a `**`; from an unanchored region those that reach into any directory.

    What is unanchored itself meets the rest of its kind in a fresh directory, and only there.
    """
    if not region.excluded:
        return ()
    everywhere = region.atom.is_unanchored
    return tuple(
        [atom for atom in region.excluded if globstar_mask(atom) and not (everywhere and atom.head)]
    )


def _find_fresh(tree: TrackedTree) -> str:
    directories, files = tree.list_names("")
    # Entries may hold no control character, so no literal can name it.
    name = "\1"
    while name in directories or name in files:
        name += "\1"
    return name
