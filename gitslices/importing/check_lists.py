"""Check lists in Markdown: which items there are, under which headings, with what below them."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct, structs

from gitslices.importing.named_paths import read_entries

_ITEM: Final = re.compile(
    r"^(?P<margin>[ \t]*)(?:[-*+]|\d+[.)])[ \t]+"
    r"\[(?P<mark>[ xX~/-])\](?P<star>\*?)[ \t]+(?P<text>.*\S)"
)  # fmt: skip
_HEADING: Final = re.compile(r"^ {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>.*)$")
_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_FIELD: Final = re.compile(
    r"^(?:[-*+]\s+)?[_*]*(?P<name>[A-Z][A-Za-z ]{1,30}?)[_*]*:[_*]*(?P<value>.*)$"
)
_WAITS: Final = re.compile(
    r"\(\s*(?:depends on|blocked by|requires|after)[: ]+(?P<names>[^()]*)\)", re.IGNORECASE
)
_SEPARATOR: Final = re.compile(r"[,;&]|\band\b")
_TAB: Final = 4
_SCOPE_FIELDS: Final = frozenset({"files", "touches", "files to change", "files to modify"})
_ORDER_FIELDS: Final = frozenset({"depends", "depends on", "dependencies", "blocked by", "after"})


class CheckItem(Struct, frozen=True, kw_only=True):
    """An item with a box, the lines below it, and the headings above it from the highest down.

    `depth` counts the items that it stands inside of; `is_optional` is Kiro's star.
    """

    line: int
    text: str
    is_done: bool
    is_optional: bool
    depth: int
    headings: tuple[str, ...]
    below: tuple[str, ...] = ()


class ItemFields(Struct, frozen=True, kw_only=True):
    """What the lines below an item say in the form `Name: value`, and the lines that do not."""

    write_set: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    others: dict[str, str] = {}
    lines: tuple[str, ...] = ()


def read_items(text: str) -> tuple[CheckItem, ...]:
    """The items with boxes in a Markdown text; what stands in fences is none."""
    reader = _Reader()
    for number, line in enumerate(text.splitlines(), start=1):
        reader.read(number, line)
    return tuple(
        structs.replace(item, below=tuple(below))
        for item, below in zip(reader.items, reader.below, strict=True)
    )


class _Reader:
    def __init__(self) -> None:
        self.items: list[CheckItem] = []
        self.below: list[list[str]] = []
        self._margins: list[int] = []
        self._headings: dict[int, str] = {}
        self._fence = ""

    def read(self, number: int, line: str) -> None:
        fence = _FENCE.match(line)
        if fence:
            self._fence = "" if fence[1] == self._fence else self._fence or fence[1]
        if not (fence or self._fence):
            if item := _ITEM.match(line):
                self._add(number, item)
                return
            if heading := _HEADING.match(line):
                level = len(heading["marks"])
                above = {one: title for one, title in self._headings.items() if one < level}
                self._headings = above | {level: heading["title"].strip(" \t#")}
                self._margins = []
                return
        self._note(line)

    def _add(self, number: int, item: re.Match[str]) -> None:
        margin = _measure(item["margin"])
        self._margins = [one for one in self._margins if one < margin]
        self.items.append(
            CheckItem(
                line=number,
                text=item["text"],
                is_done=item["mark"] in "xX",
                is_optional=bool(item["star"]),
                depth=len(self._margins),
                headings=tuple(self._headings[one] for one in sorted(self._headings)),
            )
        )
        self.below.append([])
        self._margins.append(margin)

    def _note(self, line: str) -> None:
        if not line.strip():
            return
        margin = _measure(line[: len(line) - len(line.lstrip())])
        if self._margins and margin > self._margins[-1]:
            self.below[-1].append(line.strip())
        else:
            self._margins = []


def _measure(margin: str) -> int:
    return len(margin.expandtabs(_TAB))


def read_fields(lines: Sequence[str]) -> ItemFields:
    """The fields among the lines below an item."""
    scope: list[str] = []
    waits: list[str] = []
    others: dict[str, str] = {}
    rest: list[str] = []
    for line in lines:
        field = _FIELD.match(line)
        name = field["name"].strip().casefold() if field else ""
        value = field["value"].strip().rstrip("_*").rstrip() if field else ""
        if name in _SCOPE_FIELDS:
            scope += read_entries(value)
        elif name in _ORDER_FIELDS:
            waits += split_names(value)
        elif value and line.lstrip("-*+ ").startswith("_"):
            others[name] = value
        else:
            rest.append(line)
    return ItemFields(
        write_set=tuple(dict.fromkeys(scope)),
        waits_for=tuple(dict.fromkeys(waits)),
        others=others,
        lines=tuple(rest),
    )


def find_waits(text: str) -> tuple[str, ...]:
    """The names in `(depends on T005, T006)`."""
    return tuple(dict.fromkeys(name for found in _WAITS.finditer(text)
                               for name in split_names(found["names"])))  # fmt: skip


def split_names(text: str) -> tuple[str, ...]:
    """Names with commas or an `and` between them, less what decorates them."""
    names = (name.strip().strip("`*_#.") for name in _SEPARATOR.split(text))
    return tuple(name for name in names if name)


def find_parents(depths: Sequence[int]) -> Iterator[int | None]:
    """For each item the number of the one that it stands inside of."""
    open_ones: list[int] = []
    for number, depth in enumerate(depths):
        del open_ones[depth:]
        yield open_ones[-1] if open_ones else None
        open_ones.append(number)
