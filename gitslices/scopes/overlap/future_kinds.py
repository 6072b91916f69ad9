"""Whether pieces meet in a path yet to be created: single pairs, and whole kinds of pieces.

The argument behind the kinds: a piece that covers some path yet to be created also covers all
beneath that path, and a pattern that waits at a `**` can be completed there. All that can stand
against it are exclusions that still apply so far down: those with a `**`, here called wandering.
So a piece is described by the wandering exclusions it has, and by which sets of them it evades.

A piece that names files covers nothing beneath them. It meets for sure what covers all around it;
a pattern that waits may end in the same name as well, or above it if the piece waits too.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.globs import ANY_NAME, GLOBSTAR, Glob
from gitslices.scopes.overlap.name_product import TooComplexError, share_name
from gitslices.scopes.overlap.path_product import UNKNOWN, Masks, Search, find_free
from gitslices.scopes.overlap.pieces import Piece
from gitslices.scopes.overlap.residuals import (
    Residual,
    Residuals,
    drop_dead,
    enter,
    globstar_mask,
    see_from,
)
from gitslices.scopes.tracked.tree import TrackedTree

MAX_SETS = 8
"""Beyond so many sets of wandering exclusions all of them are taken as one."""

EVERYTHING = Residual(Atom(""))


class Kind(Struct, frozen=True):
    """What decides about many pieces at once; a set of wandering exclusions is known by number.

    A piece evades a set when it has a path to be created that neither this set nor the piece's own
    nor the shared exclusions cover or reach beneath, but for their `**`. It is lost to a set that
    covers all of it. Of one that names files, `name` is what they are called, and nothing stands
    against one that is free.
    """

    own: int
    evaded: int
    lost: int
    name: Glob | None = None
    is_free: bool = False
    is_waiting: bool = False


class Decider:
    """Decides about the paths yet to be created, each shape of question once.

    `fresh` is a directory that does not exist and that no entry names.
    """

    def __init__(self, pieces: Iterable[Piece], tree: TrackedTree, shared: Sequence[Atom]) -> None:
        self._tree = tree
        self._shared = tuple(atom for atom in shared if tree.can_grow(atom))
        sets = dict.fromkeys([(), *(_list_wandering(piece) for piece in pieces)])
        self._is_exact = len(sets) <= MAX_SETS
        if self._is_exact:
            self._sets = list(sets)
        else:
            self._sets = [(), tuple(dict.fromkeys(atom for one in sets for atom in one))]
        self.fresh = _find_fresh(tree)
        self._kinds: dict[Kind, int] = {}
        self._kind_of: dict[Piece, int | None] = {}
        self._shared_from: dict[str, Residuals] = {}
        self._decided: dict[tuple[Residual, int], tuple[int, int]] = {}

    def look(self, piece: Piece, directory: str) -> tuple[Residual, Residuals]:
        """Give what is left of a piece and of its own exclusions inside a directory."""
        residual = see_from(piece.atom, directory)
        if not piece.excluded:
            return residual, ()
        growing = (atom for atom in piece.excluded if self._tree.can_grow(atom))
        return residual, drop_dead(see_from(atom, directory) for atom in growing)

    def _look_shared(self, directory: str) -> Residuals:
        if not self._shared:
            return ()
        seen = self._shared_from.get(directory)
        if seen is None:
            seen = drop_dead(see_from(atom, directory) for atom in self._shared)
            self._shared_from[directory] = seen
        return seen

    def _is_empty(self, piece: Piece) -> bool:
        """Tell whether a piece covers no path yet to be created, wherever that is plain to see."""
        if not self._tree.can_grow(piece.atom):
            return True
        if not (piece.excluded or self._shared):
            return False
        head = piece.atom.head
        residual, own = self.look(piece, head)
        excluded = (*own, *self._look_shared(head))
        if any(other.is_complete for other in excluded):
            return True
        return bool(excluded) and not residual.is_complete and self._is_lost(residual, excluded)

    def find_kind(self, piece: Piece) -> int | None:
        """Find the kind of a piece, as a small number; None if it covers nothing to be created."""
        if piece not in self._kind_of:
            self._kind_of[piece] = None if self._is_empty(piece) else self._make_kind(piece)
        return self._kind_of[piece]

    def _make_kind(self, piece: Piece) -> int:
        own = self._number(piece)
        evaded = lost = 0
        for number, wandering in enumerate(self._sets):
            if self._evades(piece, wandering):
                evaded |= 1 << number
            elif number and self._is_exact and self._is_lost_to(piece, wandering):
                lost |= 1 << number
        kind = Kind(own, evaded, lost)
        if piece.atom.names_files:
            name, is_waiting = piece.atom.tail[-1], piece.atom.tail[0] == GLOBSTAR
            is_free = not piece.excluded and not self._shared
            kind = Kind(own, evaded, lost, name, is_free, is_waiting)
        if kind not in self._kinds:
            self._kinds[kind] = len(self._kinds)
            self._decided.clear()
        return self._kinds[kind]

    def _number(self, piece: Piece) -> int:
        wandering = _list_wandering(piece)
        return self._sets.index(wandering) if self._is_exact else int(bool(wandering))

    def _evades(self, piece: Piece, wandering: Iterable[Atom]) -> bool:
        place = self.fresh if piece.atom.is_floating else piece.atom.head
        residual, own = self.look(piece, place)
        others = drop_dead(see_from(atom, place) for atom in wandering)
        excluded = tuple(dict.fromkeys((*own, *self._look_shared(place), *others)))
        return self._has_calm_path(place, residual, excluded)

    def _is_lost_to(self, piece: Piece, wandering: Iterable[Atom]) -> bool:
        head = piece.atom.head
        excluded = drop_dead(see_from(atom, head) for atom in wandering)
        if any(other.is_complete for other in excluded):
            return True
        return self._is_lost(see_from(piece.atom, head), excluded)

    def _is_lost(self, residual: Residual, excluded: Residuals) -> bool:
        return self._find_free(residual, EVERYTHING, excluded, None) is None

    def _has_calm_path(self, directory: str, residual: Residual, excluded: Residuals) -> bool:
        """Tell whether there is a path to be created beneath which only `**` may still apply."""
        tail = residual.atom.tail
        if not excluded and (not tail or (tail[0] == GLOBSTAR and self._has_names(tail))):
            return True
        if any(other.is_complete for other in excluded):
            return False
        idle = tuple(globstar_mask(other.atom) for other in excluded)
        return self._have_path(directory, residual, EVERYTHING, excluded, idle)

    def decide_kinds(
        self, piece: Piece, residual: Residual, excluded: Residuals
    ) -> tuple[int, int]:
        """Give the kinds (bits) that a piece meets in some directory and all beneath, and misses.

        `residual` and `excluded` are what is left there of the piece and of its exclusions.
        """
        own = self._number(piece)
        key = (residual, own)
        decided = self._decided.get(key)
        if decided is None:
            decided = self._decided[key] = self._decide_kinds(residual, own)
        if excluded and any(other.mask & ~globstar_mask(other.atom) for other in excluded):
            return 0, decided[1]
        return decided

    def _decide_kinds(self, residual: Residual, own: int) -> tuple[int, int]:
        met = missed = 0
        for kind, number in self._kinds.items():
            answer = self._decide_kind(residual, own, kind)
            if answer:
                met |= 1 << number
            elif answer is not None:
                missed |= 1 << number
        return met, missed

    def _decide_kind(self, residual: Residual, own: int, kind: Kind) -> bool | None:
        if kind.lost >> own & 1 or self._misses(residual, kind.own):
            return False
        if kind.name is not None and not residual.is_complete:
            return self._decide_files(residual, own, kind, kind.name)
        evades = kind.evaded >> own & 1 == 1
        return True if evades and self._can_go_on(residual, (own, kind.own)) else None

    def _decide_files(self, residual: Residual, own: int, kind: Kind, name: Glob) -> bool | None:
        tail = residual.atom.tail
        waiting = residual.mask & globstar_mask(residual.atom)
        is_free = kind.is_free and not own
        if not residual.atom.names_files:
            meets = is_free and kind.is_waiting and waiting and self._has_names(tail)
        elif not share_name(tail[-1], name, self._tree.folding):
            return False
        else:
            meets = waiting >> max(len(tail) - 2, 0) and (is_free or tail[-1] == name)
        return True if meets and kind.evaded >> own & 1 else None

    def _misses(self, residual: Residual, number: int) -> bool:
        if not number or not self._is_exact or residual.is_complete:
            return False
        everywhere = tuple(Residual(atom) for atom in self._sets[number] if not atom.head)
        return bool(everywhere) and self._is_lost(residual, everywhere)

    def _can_go_on(self, residual: Residual, numbers: Iterable[int]) -> bool:
        """Tell whether all that is missing can come beneath a path that only `**` still reach."""
        if residual.is_complete:
            return True
        wandering = [atom for number in numbers for atom in self._sets[number]]
        excluded = (_let_wander(atom) for atom in (*self._shared, *wandering))
        return self._can_complete(residual, excluded)

    def _can_complete(self, residual: Residual, wandering: Iterable[Residual]) -> bool:
        waiting = residual.mask & globstar_mask(residual.atom)
        if not waiting:
            return False
        excluded = tuple(dict.fromkeys(drop_dead(wandering)))
        if not excluded:
            return self._has_names(residual.atom.tail)
        idle = tuple(globstar_mask(other.atom) for other in excluded)
        start = Residual(residual.atom, waiting)
        return self._find_free(start, EVERYTHING, excluded, idle) is not None

    def _has_names(self, globs: Iterable[Glob]) -> bool:
        """Tell whether there is a name for each of the globs, so that they can all be followed."""
        return all(
            glob == GLOBSTAR or share_name(glob, ANY_NAME, self._tree.folding) for glob in globs
        )

    def have_common(
        self, directory: str, residual: Residual, excluded: Residuals, other: Piece
    ) -> bool:
        """Tell whether what is left of a piece meets `other`, whose head is that directory."""
        if residual.is_dead:
            return False
        beneath, own = self.look(other, directory)
        beside = tuple(dict.fromkeys((*excluded, *own, *self._look_shared(directory))))
        if any(atom.is_complete for atom in beside):
            return False
        if residual.is_complete and beneath.is_complete and self._tree.can_be_created(directory):
            return True
        if beside:
            if self._meet_afresh(directory, residual, beneath, beside):
                return True
            known = self._decide_apart(directory, residual, beneath, beside)
            if known is not None:
                return known
        return self._have_path(directory, residual, beneath, beside, None)

    def _meet_afresh(
        self, directory: str, one: Residual, other: Residual, excluded: Residuals
    ) -> bool:
        """Tell whether the two meet in a directory yet to be made that no entry names.

        Exclusions from elsewhere do not reach there, so that many pairs ask the same question.
        """
        ones, others = enter(one, self.fresh), enter(other, self.fresh)
        if ones.is_dead or others.is_dead or self._tree.is_taken(directory, self.fresh):
            return False
        left = drop_dead(enter(each, self.fresh) for each in excluded)
        if any(each.is_complete for each in left):
            return False
        path = find_free(ones, others, left, self._tree.folding)
        return path is not None and path != UNKNOWN

    def _decide_apart(
        self, directory: str, one: Residual, other: Residual, excluded: Residuals
    ) -> bool | None:
        """Decide from what each of the two does alone: there are fewer questions of that kind."""
        for residual in (one, other):
            if not residual.is_complete and self._is_lost(residual, excluded):
                return False
        wandering = [Residual(each.atom, globstar_mask(each.atom)) for each in excluded]
        for residual, opposite in ((one, other), (other, one)):
            if (
                residual.is_complete
                or (not opposite.atom.names_files and self._can_complete(residual, wandering))
            ) and self._has_calm_path(directory, opposite, excluded):
                return True
        return None

    def _have_path(
        self,
        directory: str,
        one: Residual,
        other: Residual,
        excluded: Residuals,
        idle: Masks | None,
    ) -> bool:
        path = self._find_free(one, other, excluded, idle)
        if path is None or not self._tree.is_taken(directory, path):
            return path is not None
        search = Search(one, other, excluded, self._tree.folding, idle=idle, tree=self._tree)
        try:
            return search.find(directory) is not None
        except TooComplexError:
            return idle is None

    def _find_free(
        self, one: Residual, other: Residual, excluded: Residuals, idle: Masks | None
    ) -> str | None:
        """Find the path where nothing is tracked; with `idle` a doubt means that there is none."""
        path = find_free(one, other, excluded, self._tree.folding, idle)
        return None if path == UNKNOWN and idle is not None else path


def _let_wander(atom: Atom) -> Residual:
    beneath = Atom("", atom.tail, atom.directory_only)
    return Residual(beneath, globstar_mask(beneath))


def _list_wandering(piece: Piece) -> tuple[Atom, ...]:
    return tuple([atom for atom in piece.excluded if globstar_mask(atom)]) if piece.excluded else ()


def _find_fresh(tree: TrackedTree) -> str:
    directories, files = tree.list_names("")
    name = "\1"
    while name in directories or name in files:
        name += "\1"
    return name
