"""JSON, less what its readers disagree on: repeated keys, NaN, numbers that lose digits."""

import json
import re
from typing import Final, NoReturn

from gitslices.graph.findings import (
    BAD_NUMBER,
    LONE_SURROGATE,
    MAX_DEPTH,
    TOO_DEEP,
    TOP_LEVEL,
    Findings,
    Positions,
    find_position,
    has_surrogate,
    is_deep,
    is_exact,
    quote,
)

_TOKEN: Final = re.compile(
    r'(?P<string>"(?:[^"\\]++|\\.)*+"?+)(?P<colon>\s*+:)?+'
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<number>-?(?:\d[-+.\deE]*+|NaN|Infinity))",
    re.DOTALL,
)
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
# What 64 bits take with a sign. `int` is slow on millions of digits, and refuses beyond 4,300.
_LONGEST_INTEGER: Final = 20
_MOST_VALUES: Final = 4_000_000
"""Values have commas between them; without a bound the memory they fill has none either."""


class _FaultError(Exception):
    """The text holds something that `_find_faults` will find again, with its place."""


def parse_json(text: str, findings: Findings) -> object:
    """What the text holds; once something is found wrong, the result means nothing."""
    if text.count(",") > _MOST_VALUES:
        findings.add(TOP_LEVEL, f"more than {_MOST_VALUES:,} values", "split the goal")
        return None
    # `json.loads` takes half a pair without a word, and the first attempt to write it out fails.
    if _SURROGATE.search(text):
        _find_faults(text, findings)
    try:
        tree: object = json.loads(
            text,
            object_pairs_hook=_make_object,
            parse_int=_read_integer,
            parse_float=_read_float,
            parse_constant=_refuse,
        )
        # Its own limit is that of Python's stack, which differs between versions and callers.
        if not is_deep(tree):
            return tree
    except json.JSONDecodeError as error:
        findings.add(find_position(text, error.pos), error.msg[0].lower() + error.msg[1:])
        return None
    except (_FaultError, RecursionError):
        pass
    if not findings.problems:
        _find_faults(text, findings)
    return None


def _make_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    # `json` keeps the last of equal keys: one of two tasks' fields would be gone in silence.
    if len(made) != len(pairs):
        raise _FaultError
    return made


def _read_integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER or not is_exact(number := int(text)):
        raise _FaultError
    return number


def _read_float(text: str) -> float:
    if not is_exact(number := float(text)):
        raise _FaultError
    return number


def _refuse(_constant: str) -> NoReturn:
    raise _FaultError


def _find_faults(text: str, findings: Findings) -> None:
    """Note where a well-formed text repeats a key, nests too deep or cannot be kept exactly.

    The reader proper is quicker but cannot say where it was.
    """
    positions = Positions(text)
    keys: list[set[str]] = [set()]
    for token in _TOKEN.finditer(text):
        fault = None
        if token["open"]:
            keys.append(set())
            fault = TOO_DEEP if len(keys) - 1 > MAX_DEPTH else None
        elif token["close"]:
            del keys[max(1, len(keys) - 1) :]
        elif token["number"]:
            fault = _check_number(token["number"])
        else:
            fault = _check_string(token["string"], keys[-1] if token["colon"] else set())
        if fault:
            findings.add(positions.name(token.start()), fault)
        if fault == TOO_DEEP:
            return


def _check_number(text: str) -> str | None:
    if text.lstrip("-")[0] in "NI":
        return f"{text} is no JSON number"
    try:
        _read_float(text) if set(text) & set(".eE") else _read_integer(text)
    except _FaultError:
        return BAD_NUMBER
    except ValueError:
        pass  # no number at all, which is for the reader proper to say
    return None


def _check_string(literal: str, keys: set[str]) -> str | None:
    try:
        string = json.loads(literal)
    except json.JSONDecodeError:
        return None
    if has_surrogate(string):
        return LONE_SURROGATE
    if string in keys:
        return f"the key {quote(string)} is given twice"
    keys.add(string)
    return None
