"""Notations that people bring along and gitignore lacks: braces are expanded, others are refused.

Read as they stand they name a path that nobody has, so that two tasks for the same file would go
side by side. A name that does hold such a character is written with brackets: `a[,]b.csv`.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from gitslices.core.errors import ScopeError

_MAX_ALTERNATIVES: Final = 64
"""How many entries the braces of one may stand for."""

_BRACKET: Final = re.compile(r"\[[!^]?\]?(?:\\.|[^\]\\/]){0,256}\]")
"""No longer than a pattern may be, so that what is never closed does not cost its square."""
_GROUP: Final = re.compile(r"[+@?*!]?\([^()]*\|[^()]*\)")
_SEQUENCE: Final = re.compile(r"\{[^{},/]+\.\.[^{},/]+\}")
_LINES: Final = re.compile(r"(?<=[^:/]):L?\d+(?:[-:]L?\d+)*$|(?<=[^#/])#L\d+(?:-L?\d+)?$")
_ESCAPABLE: Final = "*?[]\\!# {},"


def expand_braces(text: str) -> tuple[str, ...]:
    """The texts that an entry with braces stands for, itself if it has none.

    As in a shell braces without a comma stand for themselves. Raises ScopeError where there are
    more than `_MAX_ALTERNATIVES`.
    """
    if "{" not in text or "," not in text:
        return (text,)
    done: list[str] = []
    waiting = [text]
    while waiting:
        one = waiting.pop()
        alternatives = _expand_first(one)
        if alternatives is None:
            done.append(one)
        else:
            waiting.extend(reversed(alternatives))
        if len(done) + len(waiting) > _MAX_ALTERNATIVES:
            raise ScopeError(
                f"its braces stand for more than {_MAX_ALTERNATIVES} entries",
                hint="write a pattern, or some of the entries by themselves",
            )
    return tuple(dict.fromkeys(done))


def _expand_first(text: str) -> list[str] | None:
    """The texts without the first pair of braces that holds a comma."""
    opened: list[tuple[int, list[int]]] = []
    for at, char in _list_plain(text):
        if char == "{":
            opened.append((at, []))
        elif char == "," and opened:
            opened[-1][1].append(at)
        elif char == "}" and opened:
            start, commas = opened.pop()
            if commas:
                cuts = [start, *commas, at]
                parts = (text[low + 1 : high] for low, high in pairwise(cuts))
                return [text[:start] + part + text[at + 1 :] for part in parts]
    return None


def _list_plain(text: str) -> Iterator[tuple[int, str]]:
    """The characters outside brackets, with their places; what a backslash escapes is left out."""
    at = 0
    while at < len(text):
        bracket = _BRACKET.match(text, at) if text[at] == "[" else None
        if bracket:
            at = bracket.end()
        else:
            yield at, text[at]
            at += 2 if text[at] == "\\" else 1


def refuse_foreign(body: str) -> None:
    """Raise ScopeError for a notation that gitignore lacks, with the way to write it here.

    `body` is an entry without `!` and without braces that stand for several.
    """
    if body.strip(" ") != body and not body.endswith("\\ "):
        raise ScopeError(
            "it begins or ends with a space", hint="leave the space out; in a name write '[ ]'"
        )
    if len(body) > 1 and body[0] == body[-1] and body[0] in "\"'`":
        raise ScopeError("it stands in quotes", hint=f"write it without them: {body[1:-1][:60]}")
    if _GROUP.search(body):
        raise ScopeError(
            "gitignore has no groups such as (a|b)", hint="write {a,b}, or an entry for each"
        )
    if sequence := _SEQUENCE.search(body):
        raise ScopeError(
            f"gitignore has no sequence such as {sequence[0]!r}",
            hint="write a range of characters, [1-9], or the names in braces, {a,b}",
        )
    _refuse_lone_brace(body)
    if any(char == "," for _, char in _list_plain(body)):
        raise ScopeError(
            "it has a comma, as if it were several entries",
            hint="write an entry for each; in a name write '[,]'",
        )
    _refuse_backslash(body)
    if lines := _LINES.search(body):
        raise ScopeError(
            f"{lines[0]!r} names lines, and a scope holds whole files",
            hint=f"write it without them: {body[: lines.start()][-60:]}; in a name write '[:]'",
        )


def _refuse_lone_brace(body: str) -> None:
    """Only where there is a comma, too: alone a brace stands for itself."""
    plain = [char for _, char in _list_plain(body)]
    opened = 0
    for char in plain:
        opened += (char == "{") - (char == "}")
        if opened < 0:
            break
    if opened and "," in plain:
        raise ScopeError(
            "its brace is not closed" if opened > 0 else "its brace is not opened",
            hint="write {a,b}; in a name write '[{]', '[,]' or '[}]'",
        )


def _refuse_backslash(body: str) -> None:
    """Only a pattern has escapes, and they are for what would mean more without."""
    is_pattern = any(char in body for char in "*?[")
    for at, char in _list_plain(body):
        if char == "\\" and not (is_pattern and body[at + 1 : at + 2] in _ESCAPABLE):
            raise ScopeError(
                "it has a backslash, and git separates directories by '/'",
                hint=f"write {body.replace(chr(92), '/')[:60]!r}; in a name write '[\\\\]'",
            )
