"""Task Master's `tasks.json`: tags with tasks in them, or tasks alone; subtasks inside of tasks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gitslices.core.errors import InputError
from gitslices.importing.foreign import ForeignStatus, ForeignTask, ForeignTasks, join_parts
from gitslices.importing.named_paths import DECLARING_KEYS, list_declared
from gitslices.importing.records import Record, drop_nothing
from gitslices.importing.sources import SourceText, parse_source, read_source

_STATUS: Final[dict[str, ForeignStatus]] = {
    "done": "done", "completed": "done", "cancelled": "done",
    "blocked": "blocked", "deferred": "blocked",
}  # fmt: skip
_WRITES: Final = frozenset({"create", "modify", "delete"})


def read_taskmaster(source: SourceText, *, tag: str | None, subtasks: bool) -> ForeignTasks:
    """The tasks of one tag: the one named, else the current one, else `master`."""
    tree = parse_source(source)
    if not isinstance(tree, dict):
        raise InputError(f"{source.name}: expected an object with tags or tasks")
    tag, tagged = _choose_tag(tree, tag, source)
    listed = tagged.get("tasks")
    if not isinstance(listed, list):
        raise InputError(f"{source.name}: tag {tag!r} has no list of tasks")
    tasks: list[ForeignTask] = []
    for index, value in enumerate(listed):
        tasks += _read_task(value, f"{source.name}: tasks[{index}]", subtasks=subtasks)
    return ForeignTasks(origin=f"taskmaster:{tag}", goal_id=tag, tasks=join_parts(tasks))


def _choose_tag(
    tree: Mapping[str, Any], tag: str | None, source: SourceText
) -> tuple[str, Mapping[str, Any]]:
    if isinstance(tree.get("tasks"), list):
        return tag or "master", tree
    tags = [
        name for name, one in tree.items() if isinstance(one, dict) and "tasks" in one
    ]  # fmt: skip
    if not tags:
        raise InputError(f"{source.name}: there are neither tasks nor tags with tasks in it")
    chosen = tag or _read_current_tag(source) or ("master" if "master" in tags else tags[0])
    if chosen not in tags:
        raise InputError(
            f"{source.name}: there is no tag {chosen!r}",
            hint=f"choose one with --tag: {', '.join(sorted(tags))}",
        )
    return chosen, tree[chosen]


def _read_current_tag(source: SourceText) -> str | None:
    """The tag that Task Master is at: `state.json` beside the folder of the tasks."""
    if source.path is None:
        return None
    path = source.path.parent.parent / "state.json"
    if not path.is_file():
        return None
    state = parse_source(read_source(path, str(Path(path.parent.name, path.name))))
    tag = state.get("currentTag") if isinstance(state, dict) else None
    return tag if isinstance(tag, str) and tag else None


def _read_task(
    value: object, place: str, *, subtasks: bool, parent: str | None = None
) -> Iterator[ForeignTask]:
    record = Record(value, place)
    own = record.take_key("id")
    key = own if parent is None or "." in own else f"{parent}.{own}"
    named = record.take("dependencies")
    parts = record.look("subtasks")
    split = subtasks and isinstance(parts, list) and bool(parts)
    if split:
        record.take("subtasks")
    yield _make_task(record, key, parent, _read_order(named, parent))
    if split:
        for index, part in enumerate(parts):
            inside = f"{place}.subtasks[{index}]"
            yield from _read_task(part, inside, subtasks=True, parent=key)


def _make_task(
    record: Record, key: str, parent: str | None, dependencies: tuple[str, ...]
) -> ForeignTask:
    status = str(record.look("status") or "pending")
    texts = [record.take_text("description"), record.take_text("details")]
    strategy = record.take_text("testStrategy")
    return ForeignTask(
        key=key,
        title=record.take_text("title"),
        description="\n\n".join(filter(None, texts)),
        status=_STATUS.get(status, "pending"),
        dependencies=dependencies,
        parent=parent,
        write_set=_find_scope(record),
        acceptance=(*record.take_texts("acceptanceCriteria"), *filter(None, [strategy.strip()])),
        estimate=record.take_cost("complexity"),
        rest=record.rest(),
    )


def _find_scope(record: Record) -> tuple[str, ...]:
    """The files that a task declares: those it creates and changes, not those it refers to."""
    files = record.look("relevantFiles")
    changed = [
        one
        for one in (files if isinstance(files, list) else ())
        if isinstance(one, dict) and one.get("action", "modify") in _WRITES
    ]
    free = record.look("metadata")
    declared = (
        [list_declared(free.get(name)) for name in DECLARING_KEYS] if isinstance(free, dict) else []
    )
    return tuple(dict.fromkeys([*list_declared(changed), *sum(declared, ())]))


def _read_order(value: object, parent: str | None) -> tuple[str, ...]:
    """Of a subtask a number alone is a sibling."""
    listed = value if isinstance(value, list) else []
    names = [str(one).strip() for one in listed if drop_nothing(one) != ""]
    return tuple(name if parent is None or "." in name else f"{parent}.{name}" for name in names)
