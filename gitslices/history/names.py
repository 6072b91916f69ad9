"""What the names of files say: words that a text has, too; names alike; names in the text."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from math import log
from typing import Final

from msgspec import Struct

from gitslices.core.model import RepoPath
from gitslices.history.words import find_words

_COMMON: Final = 3_000
"""A word that more paths have tells none of them from the others."""

_ENDING: Final = 6
"""Up to this length the last part of a name is taken for the kind of the file."""

_TEST: Final = frozenset({"test", "spec"})


class NameMatch(Struct, frozen=True, kw_only=True):
    """How well the name of a file fits the words of a text, each from 0 to 1.

    `in_name` and `in_folder` are what of the words, weighed by rarity, is in the name of the file
    and in those of its folders alone; `covered` is what of the name's own words is in the text.
    """

    in_name: float
    in_folder: float
    covered: float
    words: tuple[str, ...]


class PathNames:
    """The paths of a tree, found by the words in them without taking each apart."""

    def __init__(self, paths: Sequence[RepoPath]) -> None:
        self._paths = paths
        self._known = frozenset(paths)
        lines = [path.lower() for path in paths]
        self._text = "\n".join(lines)
        self._starts = [0, *accumulate(len(line) + 1 for line in lines)]

    def __contains__(self, path: object) -> bool:
        """Whether the tree has a file at `path`."""
        return path in self._known

    def match(self, words: Collection[str]) -> dict[RepoPath, NameMatch]:
        """Every path that has any of the words."""
        having = {word: self._find_having(word) for word in sorted(words)}
        count = len(self._paths)
        rarity = {word: log(1 + count / (len(paths) + 0.5)) for word, paths in having.items()}
        total = sum(rarity.values()) or 1.0
        found: dict[RepoPath, list[str]] = {}
        for word, paths in having.items():
            for path in paths:
                found.setdefault(path, []).append(word)
        return {path: _match(path, has, rarity, total) for path, has in found.items()}

    def find_mentioned(self, text: str) -> Iterator[tuple[RepoPath, float]]:
        """The paths that a text names: 1 for the whole path, 0.7 for the last name of it."""
        plain = text.lower()
        for word in {word.strip("`'\"()[]<>{},;:.!?*") for word in plain.split()}:
            if len(word) < 4 or ("." not in word and "/" not in word):
                continue
            whole = word.removeprefix("./")
            for path in self._find_holding(whole):
                low = path.lower()
                if low == whole:
                    yield path, 1.0
                elif low.endswith(f"/{whole}"):
                    yield path, 1.0 if "/" in whole else 0.7

    def find_alike(self, path: RepoPath) -> Iterator[tuple[RepoPath, float]]:
        """The files with names much like that of `path`, and how much, from 0.4 to 1."""
        own = _find_own_words(path)
        for other in {other for word in own - _TEST for other in self._find_having(word)}:
            theirs = _find_own_words(other)
            alike = len(own & theirs) / max(1, len(own | theirs) - len((own ^ theirs) & _TEST))
            if other != path and alike >= 0.4:
                yield other, alike

    def _find_having(self, word: str) -> list[RepoPath]:
        """The paths that have a word; none where it is too common to matter."""
        # A stem is cut at its end only, and `y` there may stand for `ies`.
        needle = word.removesuffix("y") if len(word) > 3 else word
        return [path for path in self._find_holding(needle) if word in find_words(path)]

    def _find_holding(self, needle: str) -> list[RepoPath]:
        places: list[int] = []
        start = self._text.find(needle)
        while start >= 0:
            place = bisect_right(self._starts, start) - 1
            places.append(place)
            if len(places) > _COMMON:
                return []
            start = self._text.find(needle, self._starts[place + 1])
        return [self._paths[place] for place in places]


def is_test(path: RepoPath) -> bool:
    """Whether a file is named as tests are."""
    return bool(_TEST & find_words(path))


def _find_own_words(path: RepoPath) -> frozenset[str]:
    """The words of a file's own name without its ending."""
    name = path.rpartition("/")[2]
    stem, _, ending = name.rpartition(".")
    return find_words(stem if stem and len(ending) <= _ENDING else name)


def _match(path: RepoPath, has: Iterable[str], rarity: dict[str, float], total: float) -> NameMatch:
    own = find_words(path.rpartition("/")[2])
    in_name = [word for word in has if word in own]
    return NameMatch(
        in_name=sum(rarity[word] for word in in_name) / total,
        in_folder=sum(rarity[word] for word in has if word not in own) / total,
        covered=len(in_name) / len(own) if own else 0.0,
        words=tuple(in_name),
    )
