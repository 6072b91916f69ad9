"""From plain objects to a `TaskGraph`: which keys there are, and what each may hold."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, ValidationError

from gitslices.core.decoding import convert
from gitslices.core.model import Task, TaskGraph, TaskId
from gitslices.core.naming import SETTINGS_FILE, SETTINGS_TABLES
from gitslices.graph.findings import TOP_LEVEL, Findings, describe, make_hints, name_key

UNREADABLE: Final = TaskId("\0unreadable")
"""This very object stands for an id or a list's entry that is no string, so that what is beside
it can be looked at all the same."""

_TEXT: Final = "a string"
_LIST: Final = "a list of strings"
_EXPECTED: Final = {
    "version": "an integer over 0",
    "status": "pending, blocked or done",
    "estimate": "a number over 0 and at most 1,000,000,000",
    "metadata": "an object",
    "retry_count": "an integer",
    "max_retries": "an integer",
}
_LISTS: Final = frozenset(
    field.name
    for kind in (Task, TaskGraph)
    for field in msgspec.structs.fields(kind)
    if field.default in ((), msgspec.UNSET)
)


class Reading(Struct, frozen=True):
    """A graph of the tasks that could be read, and which of the file's tasks each one is.

    `defaults` holds the fields that tasks without a value of their own were given.
    """

    graph: TaskGraph
    indices: Sequence[int] = ()
    defaults: Mapping[str, Any] = {}


def read_shape(tree: object, findings: Findings, quote_hint: str) -> Reading:
    """Read the task graph that a tree of plain objects holds, with its defaults filled in.

    Whatever has no place in a task graph is noted. `quote_hint` says in the words of the file's
    format how to make a string of what was read as something else.
    """
    if not isinstance(tree, dict):
        findings.add(TOP_LEVEL, f"expected an object with tasks, got {describe(tree)}")
        return Reading(TaskGraph())
    reader = _FieldReader(findings, quote_hint)
    defaults = reader.read_defaults(tree.get("defaults", {}))
    records = _read_records(tree.get("tasks", []), findings)
    if defaults:
        records = [defaults | each if isinstance(each, dict) else each for each in records]
    fields = {key: value for key, value in tree.items() if key not in ("defaults", "tasks")}
    try:
        # All at once is the quick way and the common case. It stops at the first thing that is
        # wrong, so only then every field is converted by itself.
        graph = convert(fields | {"tasks": records}, TaskGraph)
    except ValidationError:
        tasks = reader.read_tasks(records)
        graph = TaskGraph(**reader.read_fields(TaskGraph, fields, ""), tasks=tuple(tasks.values()))
        return Reading(graph, tuple(tasks), defaults)
    return Reading(graph, range(len(records)), defaults)


def _read_records(records: object, findings: Findings) -> list[object]:
    if not isinstance(records, list):
        findings.add("tasks", f"expected a list of objects, got {describe(records)}")
        return []
    if not records:
        findings.add("tasks", "the graph has no task", "add one, with an id and a write_set")
    return records


class _FieldReader:
    """Reads objects field by field: keeps what is right, notes the rest."""

    def __init__(self, findings: Findings, quote_hint: str) -> None:
        self._findings = findings
        self._quote_hint = quote_hint
        self._types = {
            kind: {field.name: field.type for field in msgspec.structs.fields(kind)}
            for kind in (Task, TaskGraph)
        }
        self._hint_at = {
            Task: make_hints(self._types[Task]),
            TaskGraph: make_hints((*self._types[TaskGraph], "defaults")),
        }

    def read_defaults(self, record: object) -> dict[str, Any]:
        """The defaults that a task may have."""
        if not isinstance(record, dict):
            self._findings.add("defaults", f"expected an object, got {describe(record)}")
            return {}
        if "id" in record:
            self._findings.add("defaults.id", "every task needs an id of its own", "leave it out")
        return self.read_fields(Task, {k: v for k, v in record.items() if k != "id"}, "defaults")

    def read_tasks(self, records: Sequence[object]) -> dict[int, Task]:
        """What can be read of the tasks, by their places in the list."""
        tasks = {}
        for index, record in enumerate(records):
            task = self._read_task(record, f"tasks[{index}]")
            if task is not None:
                tasks[index] = task
        return tasks

    def _read_task(self, record: object, place: str) -> Task | None:
        if not isinstance(record, dict):
            self._findings.add(place, f"expected an object, got {describe(record)}")
            return None
        fields = self.read_fields(Task, record, place)
        if "id" not in record:
            self._findings.add(place, "the task has no id", "every task needs an id of its own")
        return Task(**{"id": UNREADABLE} | fields)

    def read_fields(
        self, kind: type[Task] | type[TaskGraph], record: Mapping[str, object], place: str
    ) -> dict[str, Any]:
        """The fields of one object that are as they should be."""
        fields = {}
        types = self._types[kind]
        for key, value in record.items():
            if key not in types:
                hint = self._hint_at[kind](key)
                if kind is TaskGraph and key in SETTINGS_TABLES:
                    hint = f"it belongs in the settings, {SETTINGS_FILE}"
                self._findings.add(name_key(place, key), "this key is not known", hint)
                continue
            try:
                fields[key] = convert(value, types[key])
            except ValidationError:
                if key in _LISTS and isinstance(value, list):
                    fields[key] = self._read_entries(value, name_key(place, key))
                    continue
                expected = _EXPECTED.get(key, _LIST if key in _LISTS else _TEXT)
                self._mismatch(name_key(place, key), expected, value)
        return fields

    def _read_entries(self, entries: Sequence[object], place: str) -> tuple[str, ...]:
        read = []
        for index, entry in enumerate(entries):
            read.append(entry if isinstance(entry, str) else UNREADABLE)
            if not isinstance(entry, str):
                self._mismatch(f"{place}[{index}]", _TEXT, entry)
        return tuple(read)

    def _mismatch(self, place: str, expected: str, value: object) -> None:
        hint = None
        if expected == _TEXT and isinstance(value, (bool, int, float)):
            hint = self._quote_hint
        elif expected == _LIST and isinstance(value, str):
            hint = "put it in brackets"
        elif value is None:
            hint = "leave it out"
        self._findings.add(place, f"expected {expected}, got {describe(value)}", hint)
