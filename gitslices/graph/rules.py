"""What must hold between the parts of a task graph, once each part is what it should be."""

import unicodedata
from collections.abc import Sequence
from typing import Final

from gitslices.errors import ScopeError
from gitslices.graph.cycles import find_cycles
from gitslices.graph.findings import Findings, quote, shorten
from gitslices.graph.nearest import make_hints
from gitslices.graph.shape import UNREADABLE, Reading
from gitslices.model import Task, TaskId
from gitslices.naming import make_branch_name
from gitslices.scopes import parse_entry, parse_scope

MAX_ID_LENGTH: Final = 512

_SHOWN_OF_A_CYCLE: Final = 12
_CONTROL_CATEGORIES: Final = ("Cc", "Cs", "Zl", "Zp")


def check_rules(reading: Reading, findings: Findings) -> None:
    """Note everything that a planner could not work with."""
    places = [f"tasks[{index}]" for index in reading.indices]
    _check_ids(reading, places, findings)
    _check_dependencies(reading.graph.tasks, places, findings)
    _check_scopes(reading, places, findings)


def _check_ids(reading: Reading, places: Sequence[str], findings: Findings) -> None:
    goal_id = reading.graph.goal_id
    goal_fault = _find_id_fault(goal_id)
    if goal_fault:
        findings.add("goal_id", goal_fault)
    owners: dict[str, str] = {}
    branches: dict[str, TaskId] = {}
    for task, place in zip(reading.graph.tasks, places, strict=True):
        if task.id is UNREADABLE:
            continue
        fault = _find_id_fault(task.id)
        if task.id in owners:
            fault = f"{quote(task.id)} is the id of {owners[task.id]} already"
        elif not fault and not goal_fault:
            branch = make_branch_name(goal_id, task.id, "")
            namesake = branches.setdefault(branch, task.id)
            if namesake != task.id:
                fault = f"{quote(task.id)} and {quote(namesake)} lead to the same branch name"
        owners.setdefault(task.id, place)
        if fault:
            findings.add(f"{place}.id", fault)


def _find_id_fault(text: str) -> str | None:
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


def _check_scopes(reading: Reading, places: Sequence[str], findings: Findings) -> None:
    scopes = _ScopeCheck(findings)
    scopes.check("shared", reading.graph.shared)
    reads = reading.defaults.get("read_set", ())
    writes = reading.defaults.get("write_set", ())
    scopes.check("defaults.read_set", reads)
    scopes.check("defaults.write_set", writes)
    for task, place in zip(reading.graph.tasks, places, strict=True):
        if task.read_set != reads:
            scopes.check(f"{place}.read_set", task.read_set)
        if task.write_set != writes:
            scopes.check(f"{place}.write_set", task.write_set)


class _ScopeCheck:
    """Checks scopes, and each entry once however often it is used."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._faults: dict[str, tuple[str, str | None] | None] = {}

    def check(self, place: str, entries: Sequence[str]) -> None:
        """Note the entries that are refused and, if there is none, a scope that is."""
        refused = False
        for index, entry in enumerate(entries):
            if entry is UNREADABLE:
                refused = True
            elif entry not in self._faults:
                self._faults[entry] = _find_scope_fault(entry)
            if fault := self._faults.get(entry):
                self._findings.add(f"{place}[{index}]", *fault)
                refused = True
        if entries and not refused and all(entry.startswith("!") for entry in entries):
            try:
                parse_scope(entries)
            except ScopeError as error:
                self._findings.add(place, error.message, error.hint)


def _find_scope_fault(entry: str) -> tuple[str, str | None] | None:
    try:
        parse_entry(entry)
    except ScopeError as error:
        return error.message, error.hint
    return None
