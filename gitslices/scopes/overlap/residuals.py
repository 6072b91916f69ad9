"""What is left of an atom inside a directory: the automaton over the components of paths.

A residual is an atom seen from some directory, and the set of positions (a bit mask) that the
components above may have led to. Position k waits for the k-th component; the last one is reached
when all is matched, and is never left: an atom that names files ends there.
"""

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.globs import ANY_NAME, GLOBSTAR, Glob
from gitslices.scopes.language.matcher import fits

_Transition = tuple[Glob, int]
"""What the next component must match, and the position it leads to."""


class Residual(Struct, frozen=True, cache_hash=True):
    """The paths beneath some directory that an atom covers."""

    atom: Atom
    mask: int = 1

    @property
    def is_dead(self) -> bool:
        """Whether nothing beneath the directory is covered."""
        return not self.mask

    @property
    def is_complete(self) -> bool:
        """Whether everything beneath the directory is covered, and the directory's path."""
        return self.mask >> last_position(self.atom) & 1 == 1


Residuals = tuple[Residual, ...]


def drop_dead(residuals: Iterable[Residual]) -> Residuals:
    """Leave out the residuals that cover nothing."""
    return tuple(residual for residual in residuals if residual.mask)


def last_position(atom: Atom) -> int:
    """The position where all is matched."""
    return len(_list_transitions(atom)) - 1


def globstar_mask(atom: Atom) -> int:
    """The positions that wait at a `**`."""
    offset = atom.head.count("/") + 1 if atom.head else 0
    return sum(1 << (offset + at) for at, glob in enumerate(atom.tail) if glob == GLOBSTAR)


def list_transitions(residual_atom: Atom, position: int) -> tuple[_Transition, ...]:
    """The transitions from one position."""
    return _list_transitions(residual_atom)[position]


@lru_cache(maxsize=1 << 15)
def _list_transitions(atom: Atom) -> tuple[tuple[_Transition, ...], ...]:
    names = atom.head.split("/") if atom.head else []
    globs: list[Glob] = [tuple(name) for name in names]
    globs.extend(atom.tail)
    last = len(globs) + atom.directory_only
    # What is matched covers all beneath it, so the last position goes on with any name.
    beneath: tuple[_Transition, ...] = () if atom.names_files else ((ANY_NAME, last),)
    transitions = [()] * last + [beneath]
    if atom.directory_only:
        # One position more: the directory itself is matched, and only what lies in it counts.
        transitions[last - 1] = ((ANY_NAME, last),)
    # Backwards: a `**` may stand for no directory at all, so it takes over all the ways on that the
    # position after it has.
    for at in range(len(globs) - 1, -1, -1):
        if globs[at] == GLOBSTAR:
            transitions[at] = ((ANY_NAME, at), *transitions[at + 1])
        else:
            transitions[at] = ((globs[at], at + 1),)
    return tuple(transitions)


def enter(residual: Residual, name: str) -> Residual:
    """What is left inside the directory `name`."""
    atom = residual.atom
    mask = step_mask(atom, residual.mask, name)
    # What is matched by name is a file, and nothing lies in a file.
    return Residual(atom, mask & ~(1 << last_position(atom)) if atom.names_files else mask)


def step_mask(atom: Atom, mask: int, name: str) -> int:
    """The positions that a component leads to."""
    then = 0
    for at, transitions in enumerate(_list_transitions(atom)):
        if mask >> at & 1:
            for glob, target in transitions:
                if glob == ANY_NAME or fits(glob, name):
                    then |= 1 << target
    return then


def see_from(atom: Atom, directory: str) -> Residual:
    """What is left of an atom inside `directory`, a path from the root."""
    if atom.head == directory:
        return _see_beneath(atom)
    if not directory:
        return Residual(atom)
    if atom.head.startswith(directory + "/"):
        return Residual(_move_head(atom, atom.head[len(directory) + 1 :]))
    if atom.head and not directory.startswith(atom.head + "/"):
        return Residual(atom, 0)
    residual = _see_beneath(atom)
    for name in directory[len(atom.head) :].strip("/").split("/"):
        residual = enter(residual, name)
    return residual


def _see_beneath(atom: Atom) -> Residual:
    """What is left of an atom inside its head."""
    return Residual(_move_head(atom, ""))


def _move_head(atom: Atom, head: str) -> Atom:
    return Atom(head, atom.tail, atom.directory_only, atom.names_files)
