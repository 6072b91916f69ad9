"""A graph brought up to date with the tasks of another tool; what people wrote in it stays.

Beside each task is kept where it came from, and a digest of every value that came along. A value
that still has its digest is the tool's, and follows it; any other somebody wrote, and it stays.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from gitslices.importing.foreign import ForeignTask, ForeignTasks, LeftOut, list_wholes
from gitslices.importing.named_paths import divide_entries

MARK: Final = "imported"
"""Where in a task's metadata it says what it was imported from."""

_FIELDS: Final = (
    "title", "description", "status", "dependencies", "read_set", "write_set", "risk", "acceptance",
    "estimate",
)  # fmt: skip
_NOTHING: Final = {"status": "pending", "risk": "low", "estimate": 1}
_OWNER: Final = "executor"

Record = Mapping[str, Any]


class Kept(Struct, frozen=True, kw_only=True):
    """Fields of a task that somebody has written, and that were left as they are."""

    task_id: str
    fields: tuple[str, ...]


class Update(Struct, frozen=True, kw_only=True):
    """What is to be done to a graph: tasks to add, and fields to change by the tasks' ids.

    `ids` are what the tasks of the source are called in the graph, by their keys. `gone` stand in
    the graph and no longer in the source.
    """

    added: tuple[dict[str, Any], ...]
    changed: dict[str, dict[str, Any]]
    ids: dict[str, str]
    wholes: frozenset[str]
    kept: tuple[Kept, ...]
    gone: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def plan_update(foreign: ForeignTasks, tree: Mapping[str, Any]) -> Update:
    """What makes a graph, given as plain objects, have the tasks of a source; pure."""
    tasks = [one for one in tree.get("tasks") or () if isinstance(one, dict)]
    present = {_find_key(one, foreign.origin): one for one in tasks}
    present.pop(None, None)
    ids = _choose_ids(foreign, tasks, present)
    left_out = list(foreign.left_out)
    added, changed, kept = [], {}, []
    owner = _choose_owner(tree, tasks)
    for task in foreign.tasks:
        fields = _make_fields(task, foreign.origin, ids, left_out)
        record = present.get(task.key)
        if record is None:
            added.append({"id": ids[task.key], **owner, **task.more, **fields})
            continue
        changes, theirs = _compare(record, fields)
        if changes:
            changed[ids[task.key]] = changes
        if theirs:
            kept.append(Kept(task_id=ids[task.key], fields=theirs))
    return Update(
        added=tuple(added),
        changed=changed,
        ids=ids,
        wholes=frozenset(ids[key] for key in list_wholes(foreign.tasks) if key in ids),
        kept=tuple(kept),
        gone=tuple(str(one["id"]) for key, one in present.items() if key not in ids),
        left_out=tuple(left_out),
    )


def _find_key(record: Record, origin: str) -> str | None:
    mark = _get(_get(record, "metadata"), MARK)
    key = _get(mark, "key")
    return key if isinstance(key, str) and _get(mark, "from") == origin else None


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _choose_ids(
    foreign: ForeignTasks, tasks: Sequence[Record], present: Mapping[Any, Record]
) -> dict[str, str]:
    """The ids in the graph: those that tasks have, else their keys where these are free."""
    taken = {str(one.get("id")) for one in tasks}
    ids: dict[str, str] = {}
    for task in foreign.tasks:
        if task.key in present:
            ids[task.key] = str(present[task.key]["id"])
            continue
        id_, number = task.key, 1
        while id_ in taken and task.key not in ids:
            id_ = f"{foreign.goal_id}-{task.key}" + (f"-{number}" if number > 1 else "")
            number += 1
        taken.add(id_)
        ids.setdefault(task.key, id_)
    return ids


def _choose_owner(tree: Mapping[str, Any], tasks: Sequence[Record]) -> dict[str, str]:
    """An owner, where the graph names some: without one a task would get no slice there."""
    if _get(tree.get("defaults"), "owner_role") or not any(one.get("owner_role") for one in tasks):
        return {}
    return {"owner_role": _OWNER}


def _make_fields(
    task: ForeignTask, origin: str, ids: Mapping[str, str], left_out: list[LeftOut]
) -> dict[str, Any]:
    """The fields of a task as a graph has them, nothing left out that says something."""
    scope, refused = divide_entries(task.write_set)
    outside = [key for key in task.dependencies if key not in ids]
    left_out += [LeftOut(key=task.key, reason=reason) for reason in refused.values()]
    left_out += [
        LeftOut(key=task.key, reason=f"it waits for {key!r}, which is not among these tasks")
        for key in outside
    ]
    waits = dict.fromkeys(ids[key] for key in task.dependencies if key in ids)
    values = {name: getattr(task, name) for name in _FIELDS}
    values |= {"dependencies": list(waits), "write_set": list(scope)}
    fields = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value not in (None, "", (), [], _NOTHING.get(name)) and name not in task.more
    }
    rest = task.rest | _list_lost(refused, outside)
    own = [f"{name} {_digest(value)}" for name, value in fields.items()]
    mark = {"from": origin, "key": task.key, "own": own}
    format_ = origin.partition(":")[0]
    return fields | {"metadata": {**({format_: rest} if rest else {}), MARK: mark}}


def _list_lost(refused: Mapping[str, str], outside: Sequence[str]) -> dict[str, Any]:
    """What would be lost otherwise: entries that cannot be taken, and tasks that are not there."""
    lost = {"refused_scope": list(refused), "waits_outside": list(outside)}
    return {name: value for name, value in lost.items() if value}


def _compare(record: Record, fields: Record) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What changes in a task that is there already, and which fields somebody wrote."""
    mark = _get(_get(record, "metadata"), MARK)
    listed = _get(mark, "own")
    own = dict(one.split(" ", 1) for one in listed or () if isinstance(one, str) and " " in one)
    changes: dict[str, Any] = {}
    theirs: list[str] = []
    for name in _FIELDS:
        new, now = fields.get(name), record.get(name)
        if _is_same(now, new):
            continue
        if (None if now is None else _digest(now)) == own.get(name):
            changes[name] = new
        else:
            theirs.append(name)
    before = record.get("metadata") if isinstance(record.get("metadata"), Mapping) else {}
    metadata = dict(before or {}) | fields["metadata"]
    gone = {name for name in before or {} if name in _list_formats(mark) - set(fields["metadata"])}
    metadata = {name: value for name, value in metadata.items() if name not in gone}
    if metadata != before:
        changes["metadata"] = metadata
    return changes, tuple(theirs)


def _list_formats(mark: Any) -> set[str]:
    return {str(_get(mark, "from")).partition(":")[0]}


def _is_same(now: Any, new: Any) -> bool:
    return now == new and isinstance(now, str) == isinstance(new, str)


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
