"""The original planner's `task_graph.json`: fields of ours under the same names, and more."""

from typing import Any, Final

import msgspec

from gitslices.core.decoding import convert
from gitslices.core.errors import InputError
from gitslices.core.model import Task, TaskGraph
from gitslices.importing.foreign import ForeignTask, ForeignTasks
from gitslices.importing.records import Record
from gitslices.importing.sources import SourceText, parse_source

_STATUS: Final = frozenset({"pending", "blocked", "done"})
_TYPES: Final = {field.name: field.type for field in msgspec.structs.fields(Task)}
_READ_HERE: Final = frozenset({"id", "status", "dependencies", "metadata"})
_OF_GRAPH: Final = frozenset(field.name for field in msgspec.structs.fields(TaskGraph))


def read_omk(source: SourceText) -> ForeignTasks:
    """The tasks with whatever the planner has recorded of them, `delivery` above all."""
    tree = parse_source(source)
    if not isinstance(tree, dict) or not isinstance(tree.get("tasks"), list):
        raise InputError(f"{source.name}: expected an object with tasks")
    goal = tree.get("goal_id")
    goal_id = goal if isinstance(goal, str) and goal else "goal"
    kept = {name: value for name, value in tree.items() if name in _OF_GRAPH - {"tasks"}}
    tasks = [
        _make_task(Record(one, f"{source.name}: tasks[{index}]"))
        for index, one in enumerate(tree["tasks"])
    ]
    return ForeignTasks(
        origin=f"omk:{goal_id}",
        goal_id=goal_id,
        tasks=tuple(tasks),
        graph={name: value for name, value in kept.items() if value is not None},
    )


def _make_task(record: Record) -> ForeignTask:
    key = record.take_key("id")
    status = record.look("status")
    if status in _STATUS:
        record.take("status")
    own = record.take("metadata") if isinstance(record.look("metadata"), dict) else {}
    dependencies = record.take_texts("dependencies")
    more = {
        name: record.take(name) for name in _TYPES if name not in _READ_HERE and _fits(record, name)
    }
    return ForeignTask(
        key=key,
        status=status if status in _STATUS else "pending",
        dependencies=dependencies,
        # As they are: an entry that names the whole repository was written for this very format.
        more={name: value for name, value in more.items() if value is not None},
        rest=record.rest(**own),
    )


def _fits(record: Record, name: str) -> bool:
    """Whether a value may stand in the field of that name; else it goes to the rest."""
    value: Any = record.look(name)
    if value is None:
        return True
    try:
        convert(value, _TYPES[name])
    except msgspec.ValidationError:
        return False
    return True
