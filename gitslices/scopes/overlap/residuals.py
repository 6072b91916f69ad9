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

Move = tuple[Glob, int]
"""What the next component must match, and the position it leads to."""


class Residual(Struct, frozen=True, cache_hash=True):
    """The paths beneath some directory that an atom covers."""

    atom: Atom
    mask: int = 1

    @property
    def is_dead(self) -> bool:
        """Tell whether nothing beneath the directory is covered."""
        return not self.mask

    @property
    def is_complete(self) -> bool:
        """Tell whether everything beneath the directory is covered, and the directory's path."""
        return self.mask >> last_position(self.atom) & 1 == 1


Residuals = tuple[Residual, ...]


def drop_dead(residuals: Iterable[Residual]) -> Residuals:
    """Leave out the residuals that cover nothing."""
    return tuple(residual for residual in residuals if residual.mask)


def last_position(atom: Atom) -> int:
    """Give the position where all is matched."""
    return len(_list_moves(atom)) - 1


@lru_cache(maxsize=1 << 15)
def globstar_mask(atom: Atom) -> int:
    """Give the positions that wait at a `**`."""
    offset = atom.head.count("/") + 1 if atom.head else 0
    return sum(1 << (offset + at) for at, glob in enumerate(atom.tail) if glob == GLOBSTAR)


def list_moves(residual_atom: Atom, position: int) -> tuple[Move, ...]:
    """Give the moves from one position."""
    return _list_moves(residual_atom)[position]


@lru_cache(maxsize=1 << 15)
def _list_moves(atom: Atom) -> tuple[tuple[Move, ...], ...]:
    names = atom.head.split("/") if atom.head else []
    globs: list[Glob] = [tuple(name) for name in names]
    globs.extend(atom.tail)
    last = len(globs) + atom.directory_only
    beneath: tuple[Move, ...] = () if atom.names_files else ((ANY_NAME, last),)
    moves = [()] * last + [beneath]
    if atom.directory_only:
        moves[last - 1] = ((ANY_NAME, last),)
    for at in range(len(globs) - 1, -1, -1):
        if globs[at] == GLOBSTAR:
            moves[at] = ((ANY_NAME, at), *moves[at + 1])
        else:
            moves[at] = ((globs[at], at + 1),)
    return tuple(moves)


def enter(residual: Residual, name: str) -> Residual:
    """Give what is left inside the directory `name`."""
    atom = residual.atom
    mask = step_mask(atom, residual.mask, name)
    return Residual(atom, mask & ~(1 << last_position(atom)) if atom.names_files else mask)


def step_mask(atom: Atom, mask: int, name: str) -> int:
    """Give the positions that a component leads to."""
    then = 0
    for at, moves in enumerate(_list_moves(atom)):
        if mask >> at & 1:
            for glob, target in moves:
                if glob == ANY_NAME or fits(glob, name):
                    then |= 1 << target
    return then


def see_from(atom: Atom, directory: str) -> Residual:
    """Give what is left of an atom inside `directory`, a path from the root."""
    if atom.head == directory:
        return see_beneath(atom)
    if not directory:
        return Residual(atom)
    if atom.head.startswith(directory + "/"):
        return Residual(_move_head(atom, atom.head[len(directory) + 1 :]))
    if atom.head and not directory.startswith(atom.head + "/"):
        return Residual(atom, 0)
    residual = see_beneath(atom)
    for name in directory[len(atom.head) :].strip("/").split("/"):
        residual = enter(residual, name)
    return residual


@lru_cache(maxsize=1 << 15)
def see_beneath(atom: Atom) -> Residual:
    """Give what is left of an atom inside its head."""
    return Residual(_move_head(atom, ""))


def _move_head(atom: Atom, head: str) -> Atom:
    return Atom(head, atom.tail, atom.directory_only, atom.names_files)
