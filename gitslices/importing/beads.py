"""Issues of beads: a line an object, or one JSON document, with an envelope around it or not."""

from collections.abc import Iterator
from typing import Any, Final

from gitslices.core.errors import InputError
from gitslices.importing.foreign import (
    ForeignStatus,
    ForeignTask,
    ForeignTasks,
    LeftOut,
    join_parts,
)
from gitslices.importing.named_paths import (
    DECLARING_KEYS,
    find_acceptance,
    find_declared_files,
    list_declared,
)
from gitslices.importing.records import Record, find_risk, list_names
from gitslices.importing.sources import SourceText, parse_source

_STATUS: Final[dict[str, ForeignStatus]] = {
    "closed": "done", "blocked": "blocked", "deferred": "blocked", "pinned": "blocked",
}  # fmt: skip
_NO_WORK: Final = frozenset({"message", "molecule", "gate", "event"})
_BLOCKS: Final = frozenset({"blocks", "conditional-blocks", "waits-for"})
_PART_OF: Final = "parent-child"
_MINUTES: Final = 60


def read_beads(source: SourceText) -> ForeignTasks:
    """The issues, less those that are no work."""
    tasks: list[ForeignTask] = []
    left_out: list[LeftOut] = []
    prefix = ""
    for value, place in _list_issues(source):
        record = Record(value, place)
        key = record.take_key("id")
        prefix = prefix or key.rpartition("-")[0]
        kind, status = str(record.look("issue_type") or ""), str(record.look("status") or "open")
        if kind in _NO_WORK or status == "tombstone":
            reason = f"its type is {kind}" if kind in _NO_WORK else "it is deleted"
            left_out.append(LeftOut(key=key, reason=reason))
        else:
            tasks.append(_make_task(record, key, status))
    goal = prefix or "beads"
    return ForeignTasks(
        origin=f"beads:{goal}", goal_id=goal, tasks=join_parts(tasks), left_out=tuple(left_out)
    )


def _list_issues(source: SourceText) -> Iterator[tuple[object, str]]:
    stripped = source.text.lstrip()
    if stripped.startswith("["):
        yield from _open(parse_source(source), source.name)
        return
    lines = [(n, line) for n, line in enumerate(source.text.splitlines(), 1) if line.strip()]
    # One object over several lines, or a line each: the first line alone tells.
    if lines and not lines[0][1].rstrip().endswith("}"):
        yield from _open(parse_source(source), source.name)
        return
    for number, line in lines:
        yield from _open(parse_source(source, line, number), f"{source.name}: line {number}")


def _open(value: object, place: str) -> Iterator[tuple[object, str]]:
    """The issues of a document or a line; an envelope has them under `data`."""
    if isinstance(value, dict) and "id" not in value:
        value = next((value[name] for name in ("data", "issues") if name in value), value)
    if not isinstance(value, list):
        yield value, place
        return
    for index, one in enumerate(value):
        yield one, f"{place}[{index}]"


def _make_task(record: Record, key: str, status: str) -> ForeignTask:
    blocking, parent, others = _read_order(record.take("dependencies"), key, record.place)
    description = record.take_text("description")
    texts = [description, record.take_text("design"), record.take_text("notes")]
    acceptance = record.take_texts("acceptance_criteria") or find_acceptance(description)
    return ForeignTask(
        key=key,
        title=record.take_text("title"),
        description="\n\n".join(filter(None, texts)),
        status=_STATUS.get(status, "pending"),
        dependencies=blocking,
        parent=parent or record.take_text("parent") or None,
        write_set=_find_scope(record, texts),
        risk=find_risk(list_names(record.look("labels"))),
        acceptance=acceptance,
        estimate=record.take_cost("estimated_minutes", unit=_MINUTES),
        rest=record.rest(dependencies=others),
    )


def _read_order(
    value: object, key: str, place: str
) -> tuple[tuple[str, ...], str | None, list[Any]]:
    """What an issue waits for, what it is a part of, and its other relations."""
    blocking: list[str] = []
    parent = None
    others: list[Any] = []
    for one in value if isinstance(value, list) else []:
        if not isinstance(one, dict):
            raise InputError(f"{place}.dependencies: expected objects")
        other = one.get("depends_on_id") or one.get("id")
        kind = one.get("type") or one.get("dependency_type") or "blocks"
        if not isinstance(other, str) or one.get("issue_id", key) != key:
            others.append(one)
        elif kind in _BLOCKS:
            blocking.append(other)
        elif kind == _PART_OF and parent is None:
            parent = other
        else:
            others.append(one)
    return tuple(blocking), parent, others


def _find_scope(record: Record, texts: list[str]) -> tuple[str, ...]:
    free = record.look("metadata")
    declared = (
        [list_declared(free.get(name)) for name in DECLARING_KEYS] if isinstance(free, dict) else []
    )
    listed = [find_declared_files(text) for text in texts]
    return tuple(dict.fromkeys(sum((*declared, *listed), ())))
