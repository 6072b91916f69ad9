"""What must hold between the tasks of a graph; a cycle is shown as what it is."""

import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from gitslices.core.model import Task, TaskId
from gitslices.core.naming import TaskName, make_task_names
from gitslices.graph.findings import Findings, make_hints, quote, shorten
from gitslices.graph.shape import UNREADABLE, Reading

# Edges that may be walked for the shortest cycle of one component. Beyond that it is the shortest
# of those tried, since which cycle is shown matters less than that one is shown.
_STEPS: Final = 1_000_000


def find_cycles(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """Find one cycle in each strongly connected component, each node followed by one it points to.

    It is a shortest one unless the component is too large to compare them all, begins with its
    smallest node, and the cycles come in the order of these. An edge to itself is no cycle.
    """
    components = (sorted(group) for group in _find_components(edges) if len(group) > 1)
    return sorted(_find_short_cycle(edges, component) for component in components)


def _find_short_cycle(edges: Sequence[Sequence[int]], component: Sequence[int]) -> list[int]:
    members = frozenset(component)
    size = sum(len(edges[node]) for node in component)
    starts = islice(component, max(1, _STEPS // size))
    cycle = min((_find_way_back(edges, members, start) for start in starts), key=len)
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]


def _find_way_back(
    edges: Sequence[Sequence[int]], members: frozenset[int], start: int
) -> list[int]:
    """Find the shortest way from a node back to itself, breadth first."""
    came_from = {start: start}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for target in edges[node]:
            if target == start != node:
                return _walk_back(came_from, start, node)
            if target in members and target not in came_from:
                came_from[target] = node
                waiting.append(target)
    raise AssertionError("a node of a strongly connected component reaches itself")


def _walk_back(came_from: dict[int, int], start: int, node: int) -> list[int]:
    way = [node]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def _find_components(edges: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Find the strongly connected components (R. Tarjan, SIAM J. Comput. 1(2), 1972)."""
    # Tarjan's algorithm without recursion: a chain of dependencies may be longer than the stack.
    found: dict[int, int] = {}  # node: how many were found before it
    lowest: dict[int, int] = {}  # node: the earliest found in its component, as far as is known
    unsettled: list[int] = []
    settled: set[int] = set()
    for root in range(len(edges)):
        way = [] if root in found else [(root, iter(edges[root]))]
        while way:
            node, targets = way[-1]
            if node not in found:
                found[node] = lowest[node] = len(found)
                unsettled.append(node)
            for target in targets:
                if target not in found:
                    way.append((target, iter(edges[target])))
                    break
                if target not in settled:
                    lowest[node] = min(lowest[node], lowest[target])
            else:
                way.pop()
                if way:
                    parent = way[-1][0]
                    lowest[parent] = min(lowest[parent], lowest[node])
                if lowest[node] == found[node]:
                    component = _cut_off(unsettled, node)
                    settled.update(component)
                    yield component


def _cut_off(nodes: list[int], first: int) -> list[int]:
    """Take everything from `first` on off the end of a list."""
    taken = [nodes.pop()]
    while taken[-1] != first:
        taken.append(nodes.pop())
    return taken


MAX_ID_LENGTH: Final = 512

_VERSION: Final = 1

_SHOWN_OF_A_CYCLE: Final = 12
_CONTROL_CATEGORIES: Final = ("Cc", "Cs", "Zl", "Zp")


def check_rules(reading: Reading, places: Sequence[str], findings: Findings) -> None:
    """Note everything that a planner could not work with; `places` says where each task stands."""
    if reading.graph.version > _VERSION:
        findings.add(
            "version",
            f"version {reading.graph.version} of this format is not known here",
            f"this gitslices reads version {_VERSION}; a newer one may read it",
        )
    _check_ids(reading, places, findings)
    _check_dependencies(reading.graph.tasks, places, findings)


def _check_ids(reading: Reading, places: Sequence[str], findings: Findings) -> None:
    goal_id = reading.graph.goal_id
    goal_fault = find_id_fault(goal_id)
    if goal_fault:
        findings.add("goal_id", goal_fault)
    owners: dict[str, str] = {}
    sound: dict[TaskId, str] = {}
    for task, place in zip(reading.graph.tasks, places, strict=True):
        if task.id is UNREADABLE:
            continue
        fault = find_id_fault(task.id)
        if task.id in owners:
            fault = f"{quote(task.id)} is the id of {owners[task.id]} already"
        elif not fault:
            sound[task.id] = place
        owners.setdefault(task.id, place)
        if fault:
            findings.add(f"{place}.id", fault)
    if not goal_fault:
        _check_names(goal_id, sound, findings)


def _check_names(goal_id: str, places: Mapping[TaskId, str], findings: Findings) -> None:
    """Note ids that lead to one name, which takes a digest that somebody has written out."""
    owners: dict[TaskName, str] = {}
    for id_, name in make_task_names(goal_id, places).items():
        namesake = owners.setdefault(name, id_)
        if namesake != id_:
            message = f"{quote(id_)} and {quote(namesake)} lead to the same branch name"
            findings.add(f"{places[TaskId(id_)]}.id", message)


def find_id_fault(text: str) -> str | None:
    """Say why a text can name neither a task nor a goal."""
    if not text:
        return "the id is empty"
    if len(text) > MAX_ID_LENGTH:
        return f"the id is {len(text)} characters long, more than {MAX_ID_LENGTH}"
    if not text.isprintable():
        for char in text:
            if unicodedata.category(char) in _CONTROL_CATEGORIES:
                return f"the id holds the control character U+{ord(char):04X}"
    if not any(char.isalnum() for char in text):
        return f"the id {quote(text)} holds no letter and no digit"
    return None


def _check_dependencies(tasks: Sequence[Task], places: Sequence[str], findings: Findings) -> None:
    numbers: dict[str, int] = {}
    for number, task in enumerate(tasks):
        if task.id is not UNREADABLE:
            # Of several tasks with one id the first is meant; `_check_ids` has noted the others.
            numbers.setdefault(task.id, number)
    hint_at = make_hints(numbers)
    edges: list[list[int]] = []
    for task, place in zip(tasks, places, strict=True):
        edges.append([numbers[each] for each in task.dependencies if each in numbers])
        for index, dependency in enumerate(task.dependencies):
            if dependency is UNREADABLE:
                continue
            if dependency == task.id:
                findings.add(f"{place}.dependencies[{index}]", "the task depends on itself")
            elif dependency not in numbers:
                message = f"no task has the id {quote(dependency)}"
                findings.add(f"{place}.dependencies[{index}]", message, hint_at(dependency))
    for cycle in find_cycles(edges):
        _add_cycle(cycle, tasks, places, findings)


def _add_cycle(
    cycle: Sequence[int], tasks: Sequence[Task], places: Sequence[str], findings: Findings
) -> None:
    first = tasks[cycle[0]]
    index = first.dependencies.index(tasks[cycle[1]].id)
    ids = [shorten(tasks[number].id) for number in (*cycle, cycle[0])]
    left_out = len(ids) - _SHOWN_OF_A_CYCLE
    if left_out > 0:
        half = _SHOWN_OF_A_CYCLE // 2
        ids[half:-half] = [f"({left_out:,} more)"]
    findings.add(
        f"{places[cycle[0]]}.dependencies[{index}]",
        f"the dependencies go in a circle: {' -> '.join(ids)}",
        "take one of these dependencies away",
    )
