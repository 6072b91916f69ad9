"""The `tasks.md` of an OpenSpec change: numbered items under numbered groups."""

import re
from typing import Final

from gitslices.core.errors import InputError
from gitslices.importing.check_lists import (
    CheckItem,
    find_parents,
    find_waits,
    read_fields,
    read_items,
)
from gitslices.importing.foreign import ForeignTask, ForeignTasks, join_parts, put_in_phases
from gitslices.importing.sources import SourceText

_TASK: Final = re.compile(r"^(?P<id>\d{1,4}(?:\.\d{1,4})*)\.?\s+(?P<text>.*)$")
_GROUP: Final = re.compile(r"^(?P<number>\d{1,4})[.)]\s*(?P<title>.*)$")


def read_openspec(source: SourceText) -> ForeignTasks:
    """The tasks; each group waits for the one before it."""
    items = read_items(source.text)
    keys = _name_items(items)
    if not keys:
        raise InputError(f"{source.name}: there is no item with a box")
    groups = [_find_group(item) for item in items]
    order = list(dict.fromkeys(groups))
    parents = find_parents([item.depth for item in items])
    tasks = [
        _make_task(item, key, group, None if parent is None else keys[parent])
        for item, key, group, parent in zip(items, keys, groups, parents, strict=True)
    ]
    phased = put_in_phases(tasks, [order.index(group) for group in groups])
    goal = source.path.resolve().parent.name if source.path else "openspec"
    return ForeignTasks(origin=f"openspec:{goal}", goal_id=goal, tasks=join_parts(phased))


def _name_items(items: tuple[CheckItem, ...]) -> list[str]:
    """A name for each item: its number, else the group's with the place in it."""
    taken = {found["id"] for item in items if (found := _TASK.match(item.text))}
    keys: list[str] = []
    for item in items:
        found = _TASK.match(item.text)
        key = found["id"] if found and found["id"] not in keys else ""
        group = _GROUP.match(item.headings[-1]) if item.headings else None
        place = 1
        while not key:
            name = f"{group['number'] if group else 0}.{place}"
            key = "" if name in taken or name in keys else name
            place += 1
        keys.append(key)
    return keys


def _find_group(item: CheckItem) -> str:
    return next((title for title in item.headings if _GROUP.match(title)), "")


def _make_task(item: CheckItem, key: str, group: str, parent: str | None) -> ForeignTask:
    found = _TASK.match(item.text)
    fields = read_fields(item.below)
    waits = dict.fromkeys((*find_waits(item.text), *fields.waits_for))
    return ForeignTask(
        key=key,
        title=found["text"] if found else item.text,
        description="\n".join(fields.lines),
        status="done" if item.is_done else "pending",
        dependencies=tuple(name for name in waits if name != key),
        parent=parent,
        write_set=fields.write_set,
        rest={name: value for name, value in {"group": group, **fields.others}.items() if value},
    )
