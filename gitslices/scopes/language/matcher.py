"""Single paths against patterns and scopes: pathspec compiles, and is brought to git's own rules.

Three things are changed on the way. Brackets travel as stand-ins, because pathspec reads an escaped
`]` otherwise than git and lets `[!x]` match a slash. The regex is compiled so that a newline is a
character like others. And a run of wildcards takes the first place that fits for good, which is all
that fixed-size pieces between wildcards need, so matching takes no more than quadratic time.
"""

import re
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache

from msgspec import Struct

from gitslices.scopes.language.atoms import Atom, make_atoms, settle_submodules
from gitslices.scopes.language.entries import Entry, Scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.globs import ANY_CHAR, GLOBSTAR, STAR, CharSet, Glob, literal_start

_STAND_INS = 0xD800
"""Lone surrogates are refused in entries, so they stand for nothing else in a pattern."""
_STAR, _ONE = chr(0xDBFE), chr(0xDBFF)
_ESCAPED = re.compile(r"([\\*?\[\]!# ])")


class ScopeMatcher(Struct, frozen=True):
    """A scope made ready to be asked about paths, tracked or not."""

    folding: Folding
    included: tuple[Atom, ...]
    excluded: tuple[Atom, ...]

    def allows(self, path: str, *, is_submodule: bool = False) -> bool:
        """Whether `path` is in the scope."""
        folded = self.folding.fold(path)
        return _any_covers(self.included, folded, is_submodule) and not _any_covers(
            self.excluded, folded, is_submodule
        )


def compile_scope(
    scope: Scope, folding: Folding, *, submodules: Collection[str] = frozenset()
) -> ScopeMatcher:
    """The scope, ready to be asked; `submodules` are those of the commit in question."""
    folded = frozenset(map(folding.fold, submodules))
    inside = [settle_submodules(atom, folded) for atom in _list_atoms(scope.included, folding)]
    outside = [
        atom
        for atom in _list_atoms(scope.excluded, folding)
        if settle_submodules(atom, folded) is atom
    ]
    return ScopeMatcher(folding, tuple(inside), tuple(outside))


def _list_atoms(entries: Iterable[Entry], folding: Folding) -> list[Atom]:
    return [atom for entry in entries for atom in make_atoms(entry, folding)]


def _any_covers(atoms: Iterable[Atom], path: str, is_submodule: bool) -> bool:
    return any(covers(atom, path, is_submodule=is_submodule) for atom in atoms)


def covers(atom: Atom, path: str, *, is_submodule: bool = False) -> bool:
    """Whether a folded path is in an atom."""
    if is_submodule and atom.directory_only:
        path += "/"
    if atom.tail:
        return compile_atom(atom).match(path) is not None
    if path == atom.head:
        return not atom.directory_only
    return not atom.head or path.startswith(atom.head + "/")


def fits(glob: Glob, name: str) -> bool:
    """Whether a glob matches one component's name; what it spells is compared first."""
    start = literal_start(glob)
    if len(start) == len(glob):
        return name == start
    return name.startswith(start) and compile_name(glob)(name) is not None


@lru_cache(maxsize=1 << 15)
def compile_name(glob: Glob) -> Callable[[str], object]:
    """The test of one component's name."""
    return compile_atom(Atom("", (glob,))).match


@lru_cache(maxsize=1 << 12)
def compile_atom(atom: Atom) -> re.Pattern[str]:
    """Compile an atom that has a tail; the regex is to be matched at a path's start."""
    # Graphs without patterns plan without the cost of this import.
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    sets: list[CharSet] = []
    regex, _ = GitIgnoreSpecPattern.pattern_to_regex(_write_pattern(atom, sets))
    assert isinstance(regex, str), atom  # noqa: S101
    return re.compile(_put_sets(_settle_wildcards(regex), sets), re.DOTALL)


def _write_pattern(atom: Atom, sets: list[CharSet]) -> str:
    names = [_escape(name) for name in atom.head.split("/")] if atom.head else []
    names += [_write_glob(glob, sets) for glob in atom.tail]
    anchor = "" if atom.is_unanchored else "/"
    return anchor + "/".join(names) + ("/" if atom.directory_only else "")


def _write_glob(glob: Glob, sets: list[CharSet]) -> str:
    if glob == GLOBSTAR:
        return "**"
    written = []
    for token in glob:
        if token is STAR:
            written.append("*")
        elif token == ANY_CHAR:
            written.append("?")
        elif isinstance(token, CharSet):
            written.append(chr(_STAND_INS + len(sets)))
            sets.append(token)
        elif isinstance(token, str):
            written.append(_escape(token))
    return "".join(written)


def _escape(text: str) -> str:
    return _ESCAPED.sub(r"\\\1", text)


def _settle_wildcards(regex: str) -> str:
    """Make all but the last wildcard of each row keep the first place that fits."""
    if not regex.startswith("^"):
        return ".*" + regex
    body = regex.removesuffix("|$)").removesuffix("(?P<ps_d>/)").removesuffix("(?:")
    end = "(?:/|\\Z)" if regex.endswith("|$)") else "/"
    unanchored = body.startswith("^(?:.+/)?")
    runs = body.removeprefix("^").removeprefix("(?:.+/)?").split("(?:/.+)?")
    runs = ["/".join(map(_settle_stars, _mark_stars(run).split("/"))) for run in runs]
    first, *rest = runs
    if not rest:
        return ("(?:.+/)?" if unanchored else "") + first + end
    settled = f"(?>(?:[^/]+/)*?{first}(?=/))" if unanchored else first
    settled += "".join(f"(?>(?:/[^/]+)*?{run}(?=/))" for run in rest[:-1])
    return f"{settled}(?:/.+)?{rest[-1]}{end}"


def _mark_stars(run: str) -> str:
    return run.replace("[^/]*", _STAR).replace("[^/]+", _ONE + _STAR).replace("[^/]", _ONE)


def _settle_stars(name: str) -> str:
    first, *pieces = name.split(_STAR)
    settled = first + "".join(f"(?>[^/]*?{piece})" for piece in pieces[:-1])
    settled += "".join(f"[^/]*{piece}" for piece in pieces[-1:])
    return settled.replace(_ONE, "[^/]")


def _put_sets(regex: str, sets: list[CharSet]) -> str:
    for number, chars in enumerate(sets):
        # Only after pathspec and the settling are done, since both would read the brackets anew.
        regex = regex.replace(chr(_STAND_INS + number), _write_set(chars))
    return regex


def _write_set(chars: CharSet) -> str:
    # Written by code point, no member can mean anything to `re`.
    ranges = "".join(f"\\U{ord(low):08x}-\\U{ord(high):08x}" for low, high in chars.ranges)
    # A range such as `[+-9]` has the slash in it, and no bracket of git's matches one.
    return f"[^/{ranges}]" if chars.negated else f"(?!/)[{ranges}]"
