"""The fields of a JSON object, taken one by one; whatever is not taken is kept as it was."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gitslices.core.errors import InputError
from gitslices.core.model import Cost
from gitslices.graph.findings import describe

_RISKS: Final = re.compile(r"(?:risk[:/ -]+)(\w[\w -]*)", re.IGNORECASE)
_BULLET: Final = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s+(?:\[[ xX]\]\s+)?")
_LINE_ENDS: Final = re.compile(r"\r\n?")
_MOST_COST: Final = 1_000_000_000


class Record:
    """A JSON object at `place`, and what of it has not been taken yet."""

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise InputError(f"{place}: expected an object, got {describe(value)}")
        self.place = place
        self._left: dict[str, Any] = dict(value)

    def take(self, name: str) -> Any:
        """The value as it is; None where there is none."""
        return self._left.pop(name, None)

    def look(self, name: str) -> Any:
        """The value, which stays among the rest."""
        return self._left.get(name)

    def take_text(self, *names: str) -> str:
        """The first of the values that is a text or a number, as a text."""
        for name in names:
            value = self._left.get(name)
            if isinstance(value, str) or (
                isinstance(value, int | float) and not isinstance(value, bool)
            ):
                del self._left[name]
                return _LINE_ENDS.sub("\n", value) if isinstance(value, str) else str(value)
        return ""

    def take_key(self, name: str) -> str:
        """What the task is called; raises `InputError` where that is no name at all."""
        key = self.take_text(name).strip()
        if not key:
            raise InputError(f"{self.place}: the task has no {name}")
        return key

    def take_texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list, or the lines of a text without their bullets."""
        value = self._left.get(name)
        if isinstance(value, str):
            del self._left[name]
            return split_lines(value)
        if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
            del self._left[name]
            return tuple(text for one in value if (text := str(one).strip()))
        return ()

    def take_cost(self, name: str, *, unit: float = 1) -> Cost:
        """A number over 0 as what a task costs, else 1 and the number stays."""
        value = self._left.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return 1
        if not 0 < value / unit <= _MOST_COST:
            return 1
        del self._left[name]
        cost = round(value / unit, 2) or 0.01
        return int(cost) if cost == int(cost) else cost

    def rest(self, **others: object) -> dict[str, Any]:
        """All that was not taken, and `others`, less what says nothing."""
        kept = self._left | others
        return {name: made for name, value in kept.items() if (made := drop_nothing(value)) != ""}


def drop_nothing(value: Any) -> Any:
    """`value` without null, empty texts and empty containers in it, which TOML or nobody can keep.

    What is nothing itself comes out as an empty text.
    """
    if isinstance(value, dict):
        made = {str(key): drop_nothing(each) for key, each in value.items()}
        return {key: each for key, each in made.items() if each != ""} or ""
    if isinstance(value, list | tuple):
        return [made for each in value if (made := drop_nothing(each)) != ""] or ""
    if isinstance(value, str):
        return _LINE_ENDS.sub("\n", value)
    return "" if value is None else value


def split_lines(text: str) -> tuple[str, ...]:
    """The lines of a text that say something, without bullets and boxes."""
    lines = (_BULLET.sub("", line).strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


def find_risk(labels: Iterable[str]) -> str:
    """What labels say of the risk: `risk: high`, or anything about security."""
    for label in labels:
        if named := _RISKS.fullmatch(label.strip()):
            return named[1].strip().lower()
    return "security" if any("security" in label.casefold() for label in labels) else "low"


def list_nodes(value: Any) -> list[Any]:
    """The members of a list, whether GraphQL's `nodes` or edges are around them."""
    if isinstance(value, Mapping):
        if isinstance(value.get("edges"), list):
            return [one.get("node") for one in value["edges"] if isinstance(one, Mapping)]
        value = value.get("nodes")
    return list(value) if isinstance(value, list) else []


def list_names(value: Any, *names: str) -> tuple[str, ...]:
    """The texts of a list of texts, or of objects that have one under one of `names`."""
    found = []
    for one in list_nodes(value):
        texts = [one] if isinstance(one, str) else [_get(one, name) for name in names]
        found += [text for text in texts if isinstance(text, str) and text][:1]
    return tuple(found)


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None
