"""Collecting what is wrong with a task graph, and the words for values and places in it."""

from collections.abc import Callable, Collection
from functools import cache
from typing import Final

from gitslices.core.errors import Problem

MAX_FINDINGS: Final = 100_000
"""How many problems are kept: a file of nothing but errors must not fill the memory."""

TOP_LEVEL: Final = "top level"
MAX_DEPTH: Final = 32
TOO_DEEP: Final = f"lists and objects are nested more than {MAX_DEPTH} levels deep"
BAD_NUMBER: Final = "a number that cannot be kept: it is not finite or has more than 64 bits"
LONE_SURROGATE: Final = r"half of a surrogate pair (\ud800 to \udfff), which is no character"

_TEXT_LENGTH = 60


class TooManyFindingsError(Exception):
    """There are `MAX_FINDINGS` problems, and the search ends."""


class Findings:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, place: str, message: str, hint: str | None = None) -> None:
        """Note one more problem; raise `TooManyFindingsError` when it is the last to be kept."""
        self.problems.append(Problem(place, message, hint))
        if len(self.problems) == MAX_FINDINGS:
            raise TooManyFindingsError


class Positions:
    """Says where offsets are in a text; they must come in its order, so each line is read once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line = 0
        self._line_start = 0
        self._seen = 0

    def name(self, offset: int) -> str:
        """Say where an offset is: `line 4, column 7`."""
        self._line += self._text.count("\n", self._seen, offset)
        self._line_start = max(self._line_start, self._text.rfind("\n", self._seen, offset) + 1)
        self._seen = offset
        return name_position(self._line, offset - self._line_start)


def find_position(text: str, offset: int) -> str:
    """Say where one offset is."""
    return Positions(text).name(offset)


def name_position(line: int, column: int) -> str:
    """Say where something is; both numbers count from 0 and are shown from 1."""
    return f"line {line + 1}, column {column + 1}"


def name_key(place: str, key: str) -> str:
    """Say where an object's key is: `tasks[3].title`, or `tasks[3]['a key']`."""
    if not key.isidentifier() or len(key) > _TEXT_LENGTH:
        return f"{place}[{quote(key)}]"
    return f"{place}.{key}" if place else key


def quote(text: str) -> str:
    """Quote a text, shortened if it is long."""
    return repr(shorten(text))


def shorten(text: str) -> str:
    """Cut a text that is too long for a line."""
    return text if len(text) <= _TEXT_LENGTH else f"{text[: _TEXT_LENGTH - 1]}…"


def describe(value: object) -> str:
    """Say what was read where something else was expected: `the integer 90`, `a list`."""
    match value:
        case None:
            return "null"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int():
            return f"the integer {value}"
        case float():
            return f"the number {value}"
        case str():
            return f"the string {quote(value)}"
        case list():
            return "a list"
    return "an object"


def is_exact(number: float) -> bool:
    """Whether every program that reads the number can keep it: 64 bits, and finite."""
    if isinstance(number, int):
        return -(2**63) <= number < 2**63
    return abs(number) < float("inf")


def is_deep(tree: object) -> bool:
    """Whether lists and objects nest more than `MAX_DEPTH` levels deep, without recursion."""
    level = [tree] if isinstance(tree, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
    return bool(level)


def has_surrogate(text: str) -> bool:
    """Whether a text holds half of a surrogate pair, which UTF-8 cannot write."""
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


_COMPARISONS: Final = 20_000
"""How many names may be compared for one graph's hints: about a fifth of a second."""

_LONGEST_NAME: Final = 512


def make_hints(known: Collection[str]) -> Callable[[str], str | None]:
    """A function that hints at the known name nearest to a wrong one, whatever the case.

    After so many comparisons it hints at nothing: the ten thousandth hint helps nobody.
    """
    names = {name.casefold(): name for name in known}
    left = _COMPARISONS

    @cache
    def hint_at(wrong: str) -> str | None:
        nonlocal left
        left -= len(names)
        if left < 0 or len(wrong) > _LONGEST_NAME:
            return None
        # Imported only where something is wrong; every command would pay for it otherwise.
        from difflib import get_close_matches

        near = get_close_matches(wrong.casefold(), names, n=1)
        return f"is {quote(names[near[0]])} meant?" if near else None

    return hint_at
