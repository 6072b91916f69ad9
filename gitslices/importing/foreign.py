"""What every format is read into: tasks in the fields of a graph, and the rest of their own."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from msgspec import Struct, field, structs

from gitslices.core.model import Cost

ForeignStatus = Literal["pending", "blocked", "done"]


class ForeignTask(Struct, frozen=True, kw_only=True):
    """A task of another tool, which calls it `key`; it depends on others by their keys.

    `parent` is the task that it is a part of. `more` are further fields of ours, `rest` is what
    has no field here.
    """

    key: str
    title: str = ""
    description: str = ""
    status: ForeignStatus = "pending"
    dependencies: tuple[str, ...] = ()
    parent: str | None = None
    read_set: tuple[str, ...] = ()
    write_set: tuple[str, ...] = ()
    risk: str = "low"
    acceptance: tuple[str, ...] = ()
    estimate: Cost = 1
    more: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)


class LeftOut(Struct, frozen=True, kw_only=True):
    """Something of a source that did not become part of the graph, and why."""

    key: str
    reason: str


class ForeignTasks(Struct, frozen=True, kw_only=True):
    """The tasks of one source, in its order.

    `origin` tells this source from every other one whose tasks may stand in the same graph; `graph`
    are fields of ours that a new graph begins with.
    """

    origin: str
    goal_id: str
    tasks: tuple[ForeignTask, ...]
    left_out: tuple[LeftOut, ...] = ()
    graph: dict[str, Any] = field(default_factory=dict)


def join_parts(tasks: Sequence[ForeignTask]) -> tuple[ForeignTask, ...]:
    """The same tasks with what parts mean for the order.

    A task waits for its parts, so that whatever waits for it waits for them, too; a part waits for
    what the whole waits for.
    """
    by_key = {task.key: task for task in tasks}
    parents = {one.key: one.parent for one in tasks if one.parent in by_key}
    parts: dict[str, list[str]] = {}
    for key, parent in parents.items():
        if parent is not None and parent not in by_key[key].dependencies:
            parts.setdefault(parent, []).append(key)
    joined = []
    for task in tasks:
        inherited: list[str] = []
        for above in _list_above(task.key, parents):
            beside = (one for one in by_key[above].dependencies if one != task.key)
            inherited += [one for one in beside if above not in _list_above(one, parents)]
        names = dict.fromkeys((*inherited, *task.dependencies, *parts.get(task.key, ())))
        joined.append(structs.replace(task, dependencies=tuple(names)))
    return tuple(joined)


def list_wholes(tasks: Iterable[ForeignTask]) -> frozenset[str]:
    """The keys of the tasks that have parts."""
    return frozenset(task.parent for task in tasks if task.parent is not None)


def _list_above(key: str, parents: Mapping[str, str | None]) -> list[str]:
    """What a task is a part of, the nearest first."""
    above: list[str] = []
    seen = {key}
    parent = parents.get(key)
    while parent is not None and parent not in seen:
        above.append(parent)
        seen.add(parent)
        parent = parents.get(parent)
    return above


def put_in_phases(
    tasks: Sequence[ForeignTask], phases: Sequence[int], *, beside: frozenset[int] = frozenset()
) -> tuple[ForeignTask, ...]:
    """The same tasks, each waiting for those of the phase before its own.

    `phases` has the phase of each task, in order. Those `beside` each other make one stage.
    """
    stages: list[list[int]] = []
    last: int | None = None
    for number in sorted(set(phases)):
        goes_on = last is not None and number in beside and last in beside
        if goes_on:
            stages[-1].append(number)
        else:
            stages.append([number])
        last = number
    before: dict[int, list[str]] = {}
    for earlier, later in pairwise(stages):
        keys = [one.key for one, phase in zip(tasks, phases, strict=True) if phase in earlier]
        before |= dict.fromkeys(later, keys)
    return tuple(
        structs.replace(
            one, dependencies=tuple(dict.fromkeys((*one.dependencies, *before.get(phase, ()))))
        )
        for one, phase in zip(tasks, phases, strict=True)
    )
