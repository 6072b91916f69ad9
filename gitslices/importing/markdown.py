"""Any check list: an item a task, named by what stands before it, else by its words."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import structs

from gitslices.core.errors import InputError
from gitslices.importing.check_lists import (
    CheckItem,
    find_parents,
    find_waits,
    read_fields,
    read_items,
)
from gitslices.importing.foreign import ForeignTask, ForeignTasks, join_parts
from gitslices.importing.sources import SourceText

_NAMED: Final = re.compile(
    r"^[*_`\[(]*(?P<id>[A-Z][A-Z0-9]{0,9}-\d{1,6}|[A-Z]{1,3}\d{1,6}|\d{1,4}(?:\.\d{1,4})+|\d{1,4}(?=[.:)]))"
    r"[\])*_`]*[.:)]?[*_`]*\s+(?P<text>.*)$"
)
_OTHER: Final = re.compile(r"[^\w]+")
_MOST_WORDS: Final = 6


def read_markdown(source: SourceText, *, subtasks: bool) -> ForeignTasks:
    """The items that stand inside of no other; those inside are what must be true at its end.

    With `subtasks` these are tasks as well, and parts of the one above.
    """
    items = read_items(source.text)
    if not items:
        raise InputError(f"{source.name}: there is no item with a box: `- [ ] text`")
    parents = list(find_parents([item.depth for item in items]))
    keys = _name_items(items, parents)
    by_words: dict[str, str] = {}
    for item, key in zip(items, keys, strict=True):
        by_words.setdefault(_join_words(item.text), key)
    tasks = []
    for number, item in enumerate(items):
        above = parents[number]
        if subtasks:
            tasks.append(_make_task(item, keys[number], None if above is None else keys[above], ()))
        elif above is None:
            inside = _list_inside(number, items)
            tasks.append(_make_task(item, keys[number], None, inside))
    goal = source.path.stem if source.path else "tasks"
    return ForeignTasks(
        origin=f"markdown:{goal}",
        goal_id=goal,
        tasks=join_parts([_find_meant(task, by_words) for task in tasks]),
    )


def _list_inside(number: int, items: Sequence[CheckItem]) -> tuple[CheckItem, ...]:
    inside = []
    for item in items[number + 1 :]:
        if item.depth <= items[number].depth:
            break
        inside.append(item)
    return tuple(inside)


def _name_items(items: Sequence[CheckItem], parents: Sequence[int | None]) -> list[str]:
    keys: list[str] = []
    taken: set[str] = set()
    for item, above in zip(items, parents, strict=True):
        found = _NAMED.match(item.text)
        name = found["id"] if found else _join_words(item.text) or f"line-{item.line}"
        if above is not None and not found:
            name = f"{keys[above]}.{name}"
        key, number = name, 2
        while key in taken:
            key, number = f"{name}-{number}", number + 1
        taken.add(key)
        keys.append(key)
    return keys


def _join_words(text: str) -> str:
    return "-".join(_OTHER.sub("-", text.lower()).strip("-_").split("-")[:_MOST_WORDS])


def _find_meant(task: ForeignTask, by_words: Mapping[str, str]) -> ForeignTask:
    """The task with what it waits for by key, where it was called by its words."""
    keys = frozenset(by_words.values())
    meant = (
        one if one in keys else by_words.get(_join_words(one), one) for one in task.dependencies
    )
    return structs.replace(task, dependencies=tuple(meant))


def _make_task(
    item: CheckItem, key: str, parent: str | None, inside: Sequence[CheckItem]
) -> ForeignTask:
    found = _NAMED.match(item.text)
    fields = read_fields(item.below)
    waits = dict.fromkeys((*find_waits(item.text), *fields.waits_for))
    rest = {"section": " / ".join(item.headings), **fields.others}
    done = [one.text for one in inside if one.is_done]
    below = [line for one in inside for line in one.below]
    return ForeignTask(
        key=key,
        title=found["text"] if found else item.text,
        description="\n".join((*fields.lines, *below)),
        status="done" if item.is_done else "pending",
        dependencies=tuple(name for name in waits if name != key),
        parent=parent,
        write_set=fields.write_set,
        acceptance=tuple(one.text for one in inside),
        rest={name: value for name, value in (rest | {"checked": done}).items() if value},
    )
