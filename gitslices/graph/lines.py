"""The lines of a task graph file that things stand on, looked up once something is wrong in it."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

from msgspec import Struct

from gitslices.graph.findings import name_key

_LARGEST: Final = 8 * 1024 * 1024
"""In larger texts nobody goes to a line by its number, and finding it takes seconds."""

_Walk = Iterator[tuple[str, int]]
"""The places of a text in its order, each with its line, counted from 1."""


class GraphText(Struct, frozen=True):
    """A text that a graph was read from: what it is called, and as which format it was read."""

    name: str = "the task graph"
    text: str = ""
    form: str = ""

    def find_lines(self, places: Collection[str]) -> dict[str, int]:
        """The lines of `places`; none where the graph was read from no text."""
        return find_lines(self.text, self.form, places) if self.form else {}


def find_lines(text: str, form: str, places: Collection[str]) -> dict[str, int]:
    """The line of each of `places` in a text that its reader has taken.

    What is not there itself, such as the id of a task without one, is where that stands which lacks
    it. `form` is JSON, TOML or YAML.
    """
    if len(text) > _LARGEST:
        return {}
    ways = {place: _list_around(place) for place in places}
    wanted = {around for way in ways.values() for around in way}
    found: dict[str, int] = {}
    for place, line in _WALKS[form](text):
        if place in wanted:
            found.setdefault(place, line)
            if len(found) == len(wanted):
                break
    nearest = {place: [found[one] for one in way if one in found] for place, way in ways.items()}
    return {place: lines[0] for place, lines in nearest.items() if lines}


def _list_around(place: str) -> list[str]:
    """`place` and what is around it, the nearest first."""
    around = [place]
    while (end := max(place.rfind("."), place.rfind("["))) > 0:
        around.append(place := place[:end])
    return around


class _Path:
    """Where a walk through a text is: innermost last, each with the number of its next item."""

    def __init__(self, place: str = "") -> None:
        self._around: list[tuple[str, list[int] | None]] = [(place, None)]
        self._key = place

    @property
    def depth(self) -> int:
        return len(self._around)

    def enter_key(self, *parts: str) -> str:
        """Go to what stands under a key of the innermost object."""
        self._key = self._around[-1][0]
        for part in parts:
            self._key = name_key(self._key, part)
        return self._key

    def enter_value(self) -> tuple[str, bool]:
        """Go to the next value; its place, and whether that is an item of a list."""
        place, items = self._around[-1]
        if items is None:
            return self._key, False
        items[0] += 1
        return f"{place}[{items[0] - 1}]", True

    def open(self, place: str, *, is_list: bool) -> None:
        self._around.append((place, [0] if is_list else None))

    def close(self) -> None:
        self._around.pop()


class _LineCount:
    """The lines of offsets that come in the order of the text."""

    def __init__(self, text: str) -> None:
        self._text, self._line, self._seen = text, 1, 0

    def find(self, offset: int) -> int:
        self._line += self._text.count("\n", self._seen, offset)
        self._seen = offset
        return self._line


_JSON_STRING: Final = r'"(?:[^"\\]++|\\.)*+"'
_JSON_TOKEN: Final = re.compile(
    rf'(?P<key>{_JSON_STRING})\s*+:|(?P<open>[\[{{])|(?P<close>[\]}}])'
    rf'|(?P<value>{_JSON_STRING}|[^\s\[\]{{}},:"]++)',
    re.DOTALL,
)  # fmt: skip


def _walk_json(text: str) -> _Walk:
    path, lines = _Path(), _LineCount(text)
    for token in _JSON_TOKEN.finditer(text):
        if token["key"]:
            yield path.enter_key(json.loads(token["key"])), lines.find(token.start())
        elif token["close"]:
            path.close()
        else:
            yield from _walk_value(path, token, lines)


def _walk_value(path: _Path, token: re.Match[str], lines: _LineCount) -> _Walk:
    place, is_item = path.enter_value()
    if is_item:
        yield place, lines.find(token.start())
    if token["open"]:
        path.open(place, is_list=token["open"] == "[")


_PART: Final = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\[^\n])*+"|'[^'\n]*+')"""
_PARTS: Final = rf"{_PART}(?:[ \t]*+\.[ \t]*+{_PART})*+"
_TABLE: Final = rf"^[ \t]*+(?P<table>\[{{1,2}})[ \t]*+(?P<name>{_PARTS})[ \t]*+\]{{1,2}}"
_INNER: Final = (
    r"(?P<skip>#[^\n]*+)"
    r'|(?P<text>"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}+'
    r"|'''(?:[^']++|'(?!''))*+'{3,5}+)"
    rf"|(?P<key>{_PARTS})[ \t]*+="
    r"|(?P<open>[\[{])|(?P<close>[\]}])"
    # A date and its time may have a space between them.
    rf"|(?P<value>\d{{4}}-\d\d-\d\d \d\d:[^\s,#\]}}]*+|{_PART}[^\s,#\]}}]*+|[^\s\[\]{{}},=#\"']++)"
)
_OUTSIDE_BRACKETS: Final = re.compile(f"{_TABLE}|{_INNER}", re.DOTALL | re.MULTILINE)
# A line in there may look like the header of a table.
_INSIDE_BRACKETS: Final = re.compile(f"(?P<table>(?!))|{_INNER}", re.DOTALL)


def _walk_toml(text: str) -> _Walk:
    path, lines, tables, end = _Path(), _LineCount(text), Counter[str](), 0
    while token := (_OUTSIDE_BRACKETS if path.depth == 1 else _INSIDE_BRACKETS).search(text, end):
        end = token.end()
        if token["table"]:
            place = _name_table(_split_key(token["name"]), tables, is_item=token["table"] == "[[")
            path = _Path(place)
            yield place, lines.find(token.start("name"))
        elif token["key"]:
            yield path.enter_key(*_split_key(token["key"])), lines.find(token.start())
        elif token["close"]:
            path.close()
        elif not token["skip"]:
            yield from _walk_value(path, token, lines)


def _name_table(parts: list[str], tables: Counter[str], *, is_item: bool) -> str:
    place = ""
    for number, part in enumerate(parts):
        place = name_key(place, part)
        if is_item and number == len(parts) - 1:
            tables[place] += 1
        if place in tables:
            place = f"{place}[{tables[place] - 1}]"
    return place


def _split_key(text: str) -> list[str]:
    return [next(iter(tomllib.loads(f"{part} = 0"))) for part in re.findall(_PART, text)]


def _walk_yaml(text: str) -> _Walk:
    import yaml

    path, in_key = _Path(), [False]
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        mark = event.start_mark
        line = mark.line + 1 if mark else 0
        if isinstance(event, yaml.CollectionEndEvent):
            path.close()
            in_key.pop()
        elif isinstance(event, yaml.ScalarEvent) and in_key[-1]:
            yield path.enter_key(event.value), line
            in_key[-1] = False
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            place, is_item = path.enter_value()
            in_key[-1] = path.depth > 1 and not is_item
            if is_item:
                yield place, line
            if isinstance(event, yaml.CollectionStartEvent):
                is_list = isinstance(event, yaml.SequenceStartEvent)
                path.open(place, is_list=is_list)
                in_key.append(not is_list)


_WALKS: Final = {"JSON": _walk_json, "TOML": _walk_toml, "YAML": _walk_yaml}
