"""The `tasks.md` of a Kiro spec: numbered items inside of numbered items."""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec import structs

from gitslices.core.errors import InputError
from gitslices.importing.check_lists import (
    CheckItem,
    find_parents,
    find_waits,
    read_fields,
    read_items,
    split_names,
)
from gitslices.importing.foreign import ForeignTask, ForeignTasks, join_parts, put_in_phases
from gitslices.importing.sources import SourceText

_TASK: Final = re.compile(
    r"^(?P<id>\d{1,4}(?:\.\d{1,4})*)\.?\s+(?:\((?P<mark>[A-Z])\)\s+)?(?P<text>.*)$"
)


def read_kiro(source: SourceText) -> ForeignTasks:
    """The tasks; where none says what it depends on, each numbered one waits for the one before.

    Optional ones wait like the others, and nobody waits for them.
    """
    items = [item for item in read_items(source.text) if _TASK.match(item.text)]
    if not items:
        raise InputError(
            f"{source.name}: there is no task such as `- [ ] 1. text`",
            hint="other check lists are read by: gitslices import markdown",
        )
    keys = [_get_key(item) for item in items]
    nested = list(find_parents([item.depth for item in items]))
    parents = [_find_parent(keys, n, above) for n, above in enumerate(nested)]
    tasks = [_make_task(item, parent) for item, parent in zip(items, parents, strict=True)]
    if not any(task.dependencies for task in tasks):
        tasks = _put_in_order(tasks, [item.is_optional for item in items])
    goal = source.path.resolve().parent.name if source.path else "kiro"
    return ForeignTasks(origin=f"kiro:{goal}", goal_id=goal, tasks=join_parts(tasks))


def _get_key(item: CheckItem) -> str:
    found = _TASK.match(item.text)
    return found["id"] if found else ""


def _find_parent(keys: Sequence[str], number: int, above: int | None) -> str | None:
    """The whole that `2.1` is a part of: `2` where there is one, whatever the margins are."""
    whole = keys[number].rpartition(".")[0]
    if whole in keys:
        return whole
    return keys[above] if above is not None else None


def _put_in_order(tasks: Sequence[ForeignTask], optional: Sequence[bool]) -> list[ForeignTask]:
    numbers = [int(task.key.partition(".")[0]) for task in tasks]
    phased = put_in_phases(tasks, numbers)
    unneeded = {task.key for task, is_optional in zip(tasks, optional, strict=True) if is_optional}
    tops = {task.key for task in tasks if task.parent is None}
    # A whole waits for its parts, so whoever waits for the whole need not name them.
    return [
        structs.replace(
            one,
            dependencies=tuple(
                name
                for name in one.dependencies
                if name not in unneeded and (name in tops or name.partition(".")[0] not in tops)
            )
            if one.parent is None
            else (),
        )
        for one in phased
    ]


def _make_task(item: CheckItem, parent: str | None) -> ForeignTask:
    found = _TASK.match(item.text)
    key = found["id"] if found else ""
    fields = read_fields(item.below)
    waits = dict.fromkeys((*find_waits(item.text), *fields.waits_for))
    rest: dict[str, Any] = dict(fields.others)
    if "requirements" in rest:
        rest["requirements"] = list(split_names(rest["requirements"]))
    if item.is_optional:
        rest["optional"] = True
    if found and found["mark"]:
        rest["mark"] = found["mark"]
    return ForeignTask(
        key=key,
        title=found["text"] if found else item.text,
        description="\n".join(fields.lines),
        status="done" if item.is_done else "pending",
        dependencies=tuple(name for name in waits if name != key),
        parent=parent,
        write_set=fields.write_set,
        rest=rest,
    )
