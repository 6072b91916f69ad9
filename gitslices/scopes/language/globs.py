"""Gitignore patterns, read once into components: the same values feed the regexes and the automata.

The grammar is git's (wildmatch.c with WM_PATHNAME, dir.c), found by trying; `?` and brackets count
characters where git counts bytes.
"""

import enum
import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from gitslices.core.errors import ScopeError

_SPECIAL = re.compile(r"[*?\[\\]")

_MAX_STARS = 4
_MAX_GLOBSTARS = 6


class _Star(enum.Enum):
    """Any run of characters inside one component."""

    STAR = "*"

    # Globs are keys of caches, and enum's own hash is a call into Python for each of them.
    __hash__ = object.__hash__


class CharSet(Struct, frozen=True, cache_hash=True):
    """The characters within `ranges` (both ends included), or all others when `negated`."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def holds(self, char: str) -> bool:
        """Whether `char` is one of them."""
        return any(low <= char <= high for low, high in self.ranges) != self.negated


Token = str | CharSet | _Star
Glob = tuple[Token, ...]
"""One component: a `str` token is one character that stands for itself."""

STAR = _Star.STAR
ANY_CHAR = CharSet((), negated=True)
ANY_NAME: Glob = (STAR,)
GLOBSTAR: Glob = ()
"""The component `**`: any number of components, none included."""


class Pattern(Struct, frozen=True):
    """A pattern from the repository's root on: a unanchored one begins with `GLOBSTAR`.

    It never ends with `GLOBSTAR` unless it is nothing else: `a/**` says the same as `a/*`, since
    what matches a directory covers all beneath it.
    """

    components: tuple[Glob, ...]
    directory_only: bool


def literal_name(glob: Glob) -> str | None:
    """Find the one name that `glob` matches, if it has no wildcard."""
    if glob and all(isinstance(token, str) for token in glob):
        return "".join(token for token in glob if isinstance(token, str))
    return None


def literal_start(glob: Glob) -> str:
    """What all names that `glob` matches begin with."""
    start = []
    for token in glob:
        if not isinstance(token, str):
            break
        start.append(token)
    return "".join(start)


@lru_cache(maxsize=1 << 16)
def parse_pattern(text: str) -> Pattern:
    """Read a gitignore pattern; raises ScopeError for what git never matches, or matches oddly."""
    body = text.rstrip("/")
    names = [name for name in body.split("/") if name not in ("", ".")]
    globs = [GLOBSTAR if _is_globstar(name) else _parse_glob(name) for name in names]
    _refuse_mixed_globstars(names)
    if globs.count(GLOBSTAR) > _MAX_GLOBSTARS:
        raise ScopeError(
            f"it has more than {_MAX_GLOBSTARS} components '**'",
            hint="split it into several entries, or name a directory",
        )
    if "/" not in body:
        globs.insert(0, GLOBSTAR)
    directory_only = text.endswith("/")
    return Pattern(_join_globstars(globs, directory_only=directory_only), directory_only)


def _join_globstars(globs: list[Glob], *, directory_only: bool) -> tuple[Glob, ...]:
    joined = [
        glob
        for glob, before in zip(globs, [None, *globs], strict=False)
        if glob != GLOBSTAR or before != GLOBSTAR
    ]
    if joined == [GLOBSTAR]:
        return (GLOBSTAR, ANY_NAME) if directory_only else (GLOBSTAR,)
    if joined[-1] == GLOBSTAR:
        joined[-1] = ANY_NAME
    return tuple(joined)


def _is_globstar(name: str) -> bool:
    return len(name) > 1 and not name.strip("*")


def _refuse_mixed_globstars(names: list[str]) -> None:
    # git lets `foo**/bar` cross directories when no wildcard comes before the stars, and else not.
    for name in names[:-1]:
        if "**" in name and not _is_globstar(name):
            raise ScopeError(
                f"git reads '**' beside other characters, as in {name!r}, in two ways",
                hint="write '*' for any part of one name, '/**/' for any number of directories",
            )


@lru_cache(maxsize=1 << 15)
def _parse_glob(name: str) -> Glob:
    if not _SPECIAL.search(name):
        return tuple(name)
    tokens: list[Token] = []
    for token in _read_tokens(name):
        if token is not STAR or tokens[-1:] != [STAR]:
            tokens.append(token)
    if tokens.count(STAR) > _MAX_STARS:
        raise ScopeError(
            f"{name!r} has more than {_MAX_STARS} '*'", hint="split it into several entries"
        )
    return tuple(tokens)


def _read_tokens(name: str) -> Iterator[Token]:
    at = 0
    while at < len(name):
        char = name[at]
        at += 1
        if char == "*":
            yield STAR
        elif char == "?":
            yield ANY_CHAR
        elif char == "[":
            token, at = _read_bracket(name, at)
            yield token
        elif char == "\\":
            yield _escaped(name, at)
            at += 1
        else:
            yield char


def _escaped(name: str, at: int) -> str:
    if at == len(name):
        raise ScopeError(
            f"nothing follows the last backslash in {name!r}",
            hint="write '\\\\' for the backslash itself, '/' between directories",
        )
    return name[at]


def _read_bracket(name: str, at: int) -> tuple[CharSet, int]:
    negated = name[at : at + 1] in ("!", "^")
    first = at = at + negated
    ranges: list[tuple[str, str]] = []
    while name[at : at + 1] != "]" or at == first:
        low, at = _read_member(name, at)
        high = low
        if name[at : at + 1] == "-" and name[at + 1 : at + 2] not in ("", "]"):
            high, at = _read_member(name, at + 1)
        # wildmatch.c has tried the first character by itself before it sees that there is a range,
        # so of one that runs backwards, as in `[user-id]`, that character is left.
        ranges.append((low, high) if low <= high else (low, low))
    return CharSet(tuple(ranges), negated), at + 1


def _read_member(name: str, at: int) -> tuple[str, int]:
    if at >= len(name):
        raise ScopeError(
            f"the bracket in {name!r} is not closed",
            hint="close it with ']', or write '\\[' for the bracket itself",
        )
    if name.startswith("[:", at):
        raise ScopeError(
            f"{name!r} has a POSIX class in brackets", hint="write the range, such as [a-z]"
        )
    if name[at] == "\\":
        return _escaped(name, at + 1), at + 2
    return name[at], at + 1
