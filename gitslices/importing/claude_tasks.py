"""The task folder of a Claude Code session: a JSON file for each task."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gitslices.importing.foreign import ForeignTask, ForeignTasks
from gitslices.importing.named_paths import (
    DECLARING_KEYS,
    find_acceptance,
    find_declared_files,
    list_declared,
)
from gitslices.importing.records import Record
from gitslices.importing.sources import SourceText, parse_source

DONE: Final = "completed"


def read_claude_tasks(sources: Sequence[SourceText], session: str) -> ForeignTasks:
    """The tasks; who blocks whom is read from both sides."""
    records = [
        Record(value, place)
        for source in sources
        for value, place in _list_tasks(parse_source(source), source.name)
    ]
    blocked: dict[str, list[str]] = {}
    for record in records:
        key = str(record.look("id"))
        for other in record.take_texts("blockedBy"):
            blocked.setdefault(key, []).append(other)
        for other in record.take_texts("blocks"):
            blocked.setdefault(other, []).append(key)
    tasks = tuple(_make_task(record, blocked) for record in records)
    return ForeignTasks(origin=f"claude-tasks:{session}", goal_id=session, tasks=tasks)


def _list_tasks(value: object, place: str) -> list[tuple[object, str]]:
    """One task a file, or a list of them."""
    if isinstance(value, list):
        return [(one, f"{place}[{index}]") for index, one in enumerate(value)]
    return [(value, place)]


def _make_task(record: Record, blocked: Mapping[str, list[str]]) -> ForeignTask:
    key = record.take_key("id")
    text = record.take_text("description")
    free: Any = record.look("metadata")
    declared = (
        [list_declared(free.get(name)) for name in DECLARING_KEYS] if isinstance(free, dict) else []
    )
    scope = dict.fromkeys(sum((*declared, find_declared_files(text)), ()))
    return ForeignTask(
        key=key,
        title=record.take_text("subject"),
        description=text,
        status="done" if record.look("status") == DONE else "pending",
        dependencies=tuple(one for one in dict.fromkeys(blocked.get(key, ())) if one != key),
        write_set=tuple(scope),
        acceptance=find_acceptance(text),
        rest=record.rest(),
    )
