"""What is odd about entries, and the tracked path that was perhaps meant by one."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from gitslices.scopes.language.atoms import find_ancestor, make_atoms
from gitslices.scopes.language.entries import Entry
from gitslices.scopes.tracked.resolved import ResolvedTree
from gitslices.scopes.tracked.tree import TrackedTree

_STEPS: Final = 2_000_000
"""What may be spent on one tree, about a fifth of a second: the hundredth hint helps nobody."""

_STEPS_OF_COMPARISON: Final = 100
_LIKENESS: Final = 0.8
_DIGITS: Final = re.compile(r"\d+")
_SPECIAL: Final = re.compile(r"[*?\[\\]")


class Remarks:
    """What is worth knowing of entries: that they match nothing, or not what they seem to."""

    def __init__(self, resolved: ResolvedTree) -> None:
        self._resolved = resolved
        self._nearest = _NearestPaths(resolved.tree)
        self._found: dict[Entry, str | None] = {}

    def find(self, entry: Entry) -> str | None:
        """The remark on an entry, if there is one."""
        if entry not in self._found:
            self._found[entry] = self._remark_on(entry)
        return self._found[entry]

    def _remark_on(self, entry: Entry) -> str | None:
        tree, files = self._resolved.tree, self._resolved.count_files(entry)
        if files and not tree.submodules:
            return None
        head = make_atoms(entry, tree.folding)[0].head
        blocking = find_ancestor(head, tree.files)
        if blocking in tree.submodules and blocking is not None and head != blocking:
            return _remark_on_submodule(entry, blocking)
        if blocking is not None and head != blocking:
            kind = "symbolic link" if blocking in tree.symlinks else "file"
            return f"{entry.text!r} matches nothing: {blocking!r} is a {kind}, not a directory"
        return None if files else self._remark_on_nothing(entry)

    def _remark_on_nothing(self, entry: Entry) -> str:
        near = self._nearest.find(entry)
        if near is not None:
            return f"{entry.text!r} matches no file; is {near!r} meant?"
        if entry.is_pattern or entry.excluded:
            return f"{entry.text!r} matches no tracked file"
        return f"{entry.text!r} does not exist yet"


def _remark_on_submodule(entry: Entry, submodule: str) -> str:
    if entry.excluded:
        return f"{entry.text!r} is left aside: it lies inside the submodule {submodule!r}"
    return f"{entry.text!r} lies inside the submodule {submodule!r} and stands for it"


class _NearestPaths:
    """Looks for paths of one tree that are spelled nearly as an entry has it."""

    def __init__(self, tree: TrackedTree) -> None:
        self._tree = tree
        self._left = _STEPS

    def find(self, entry: Entry) -> str | None:
        """`entry` with a path that is there in the place of its own; None where none is near."""
        atom = make_atoms(entry, self._tree.folding)[0]
        head = atom.head
        if not head or (entry.is_pattern and self._exists(head)):
            return None
        near = self._correct("", head.split("/"), must_be_directory=entry.is_pattern)
        if near is None and not entry.is_pattern:
            near = self._find_elsewhere(head)
        return None if near is None else self._put_in(entry, head, near)

    def _exists(self, path: str) -> bool:
        return path in self._tree.files or self._tree.is_directory(path)

    def _correct(self, place: str, names: list[str], *, must_be_directory: bool) -> str | None:
        """The path `names` below `place`, each name that is not there replaced by a near one."""
        for number, name in enumerate(names):
            below = f"{place}/{name}" if place else name
            if not self._exists(below):
                is_last = number == len(names) - 1
                directories, files = self._tree.list_names(place)
                known = directories if must_be_directory or not is_last else directories | files
                near = self._find_near_name(name, known)
                below = f"{place}/{near}" if place else near or ""
                if near is None or not self._exists(below):
                    return None
            place = below
        return place

    def _find_near_name(self, name: str, known: Iterable[str]) -> str | None:
        # Imported only where something is amiss; every plan would pay for it otherwise.
        from difflib import SequenceMatcher

        name = name.casefold()
        matcher = SequenceMatcher(b=name, autojunk=False)
        best: tuple[float, str] | None = None
        for other in sorted(known):
            self._left -= _STEPS_OF_COMPARISON
            # A file of a series, such as a migration, is no slip of the pen.
            folded = other.casefold()
            if self._left < 0 or (folded != name and _drop_digits(folded) == _drop_digits(name)):
                continue
            matcher.set_seq1(folded)
            likeness = 1.0 if sorted(folded) == sorted(name) else matcher.quick_ratio()
            if _LIKENESS <= likeness < 1.0:
                likeness = matcher.ratio()
            if likeness >= _LIKENESS and (best is None or likeness > best[0]):
                best = likeness, other
        return best and best[1]

    def _find_elsewhere(self, path: str) -> str | None:
        """The only path that ends as `path` does, by as many names as any other."""
        self._left -= len(self._tree.paths)
        ending = "/" + path.rpartition("/")[2]
        if self._left < 0:
            return None
        found = [each for each in self._tree.paths if f"/{each}".endswith(ending)]
        most = max((_count_common_end(each, path) for each in found), default=0)
        best = [each for each in found if _count_common_end(each, path) == most]
        # A README.md says nothing of any other one.
        says_enough = most > 1 or most == path.count("/") + 1
        return best[0] if len(best) == 1 and says_enough else None

    def _put_in(self, entry: Entry, head: str, near: str) -> str | None:
        at, depth = bisect_left(self._tree.paths, near), near.count("/") + 1
        spelled = "/".join(self._tree.spellings[at].split("/")[:depth])
        mark = "!" if entry.excluded else ""
        if not entry.is_pattern:
            return f"{mark}{spelled}{'' if near in self._tree.files else '/'}"
        # What is literal in it would have to be escaped again.
        if _SPECIAL.search(spelled) or "\\" in entry.path:
            return None
        rest = entry.path.lstrip("/").split("/", depth)[depth:]
        return "/".join((mark + spelled, *rest))


def _drop_digits(text: str) -> str:
    return _DIGITS.sub("", text)


def _count_common_end(one: str, other: str) -> int:
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
