"""TOML, within the depth and the numbers that JSON and YAML get, dates as RFC 3339 texts."""

import re
from collections.abc import Iterable
from datetime import date, time
from typing import Any, Final

from gitslices.graph.findings import (
    BAD_NUMBER,
    MAX_DEPTH,
    TOO_DEEP,
    TOP_LEVEL,
    Findings,
    find_position,
    is_deep,
    is_exact,
    name_key,
)

# A string that is not closed ends the token stream, so no text is looked at twice.
_PART: Final = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\[^\n])*+"?+|'[^'\n]*+'?+)"""
_TOKEN: Final = re.compile(
    r'#[^\n]*+|"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5}+|\Z)'
    r"|'''(?:[^']++|'(?!''))*+(?:'{3,5}+|\Z)"
    rf"|(?P<key>{_PART}(?:[ \t]*+\.[ \t]*+{_PART})*+)|(?P<open>[\[{{])|(?P<close>[\]}}])",
    re.DOTALL,
)
_KEY_PART: Final = re.compile(_PART)
_MANY_DIGITS: Final = re.compile(r"[0-9_]{1000}")
_PLACE: Final = re.compile(r" \(at (?:(line \d+, column \d+)|end of document)\)$")


def parse_toml(text: str, findings: Findings) -> object:
    """What the text holds; once something is found wrong, the result means nothing."""
    import tomllib

    if (offset := _find_depth(text)) is not None:
        findings.add(find_position(text, offset), TOO_DEEP)
        return None
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        _add_syntax_error(text, str(error), findings)
        return None
    except ValueError:  # int() refuses more digits than 4300
        digits = _MANY_DIGITS.search(text)
        findings.add(find_position(text, digits.start()) if digits else TOP_LEVEL, BAD_NUMBER)
        return None
    if is_deep(tree):
        findings.add(TOP_LEVEL, TOO_DEEP)
        return None
    _settle_values(tree, findings)
    return tree


def _find_depth(text: str) -> int | None:
    """Find where brackets or the parts of a dotted key first go beyond `MAX_DEPTH`.

    The reader recurses on brackets, and takes a time quadratic in the parts of a key.
    """
    depth = 0
    for token in _TOKEN.finditer(text):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
        key = token["key"] or ""
        has_many_parts = key.count(".") >= MAX_DEPTH and len(_KEY_PART.findall(key)) > MAX_DEPTH
        if depth > MAX_DEPTH or has_many_parts:
            return token.start()
    return None


def _add_syntax_error(text: str, message: str, findings: Findings) -> None:
    words = _PLACE.sub("", message)
    place = _PLACE.search(message)
    at_end = find_position(text, len(text))
    findings.add((place and place[1]) or at_end, words[:1].lower() + words[1:])


def _settle_values(tree: dict[str, Any], findings: Findings) -> None:
    """Write dates as texts, and note the numbers that cannot be kept."""
    pending: list[tuple[str, dict[Any, Any] | list[Any]]] = [("", tree)]
    while pending:
        place, node = pending.pop()
        for key, value in list(_iterate(node)):
            if isinstance(value, (dict, list)):
                pending.append((_name_child(place, key), value))
            elif isinstance(value, (date, time)):
                node[key] = _format_time(value)  # type: ignore[index]
            elif isinstance(value, (int, float)) and not is_exact(value):
                findings.add(_name_child(place, key), BAD_NUMBER)


def _iterate(node: dict[str, Any] | list[Any]) -> Iterable[tuple[str | int, Any]]:
    return node.items() if isinstance(node, dict) else enumerate(node)


def _name_child(place: str, key: str | int) -> str:
    return name_key(place, key) if isinstance(key, str) else f"{place}[{key}]"


def _format_time(moment: date | time) -> str:
    """Write RFC 3339, with the `Z` that other formats would have for UTC."""
    return moment.isoformat().replace("+00:00", "Z")
