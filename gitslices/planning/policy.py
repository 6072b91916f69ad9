"""Which tasks become slices, and what must be true before a slice is merged."""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from gitslices.core.model import Skipped, Task, TaskGraph, TaskId
from gitslices.graph.scopes import ScopedGraph
from gitslices.scopes.language.entries import Scope

NO_OWNER: Final = "no owner_role"
_ASSUMED_OWNER: Final = "executor"
_ALWAYS_GATES: Final = ("acceptance_criteria", "local_verification_wall")
_ALWAYS_REVIEWS: Final = ("anti_slop_review", "code_review", "test_engineer_review")


GATES: Final = (*_ALWAYS_GATES, "security_review_gate")
REVIEWS: Final = (
    *_ALWAYS_REVIEWS, "architect_review", "performance_review", "security_review",
)  # fmt: skip


def find_assumed_owner(graph: TaskGraph) -> str | None:
    """Who is taken for the owner of every task: somebody where the graph names no owner at all."""
    return None if any(task.owner_role for task in graph.tasks) else _ASSUMED_OWNER


def find_skip_reason(task: Task, write: Scope, assumed_owner: str | None = None) -> str | None:
    """Why `task`, which writes within `write`, gets no slice; None when it gets one."""
    if task.status == "done":
        return "done"
    if not task.write_set:
        return "empty write_set"
    if not (task.owner_role or assumed_owner) and not write.names_whole_repository:
        return NO_OWNER
    return None


def find_skipped(scoped: ScopedGraph) -> tuple[Skipped, ...]:
    """Every task that gets no slice, in the order of the graph."""
    assumed_owner = find_assumed_owner(scoped.graph)
    reasons = (
        (task.id, find_skip_reason(task, access.write, assumed_owner))
        for task, access in zip(scoped.graph.tasks, scoped.accesses, strict=True)
    )
    return tuple(Skipped(task_id=id_, reason=reason) for id_, reason in reasons if reason)


def _is_high_risk(risk: str) -> bool:
    """Whether a slice of this risk needs the security gate."""
    # Risk is free text: `High` and `security-critical` need the gate. `insecurity`, as in "job
    # insecurity", has the word in it and does not speak of it.
    level = risk.casefold()
    return level.strip() == "high" or "security" in level.replace("insecurity", "")


def make_gates(task: Task) -> tuple[str, ...]:
    """The gates that a slice passes before its merge."""
    return (*_ALWAYS_GATES, "security_review_gate") if _is_high_risk(task.risk) else _ALWAYS_GATES


def make_review_needs(task: Task) -> tuple[str, ...]:
    """The reviews that a slice needs, sorted."""
    needs = set(_ALWAYS_REVIEWS)
    if task.risk.casefold().strip() != "low":
        needs |= {"architect_review", "security_review"}
    entries = "\n".join((*task.read_set, *task.write_set))
    if "bench" in entries or "performance" in entries:
        needs.add("performance_review")
    return tuple(sorted(needs))


def contract_dependencies(
    tasks: Sequence[Task], slice_ids: frozenset[TaskId]
) -> Mapping[TaskId, frozenset[TaskId]]:
    """For each task the slices it waits for, directly or through tasks that are no slices.

    The tasks come in the order of their ids, as far as their dependencies allow it. `tasks` must be
    acyclic and name no task that is not there.
    """
    contracted: dict[TaskId, frozenset[TaskId]] = {}
    for task in _sort_by_id(tasks):
        direct = slice_ids.intersection(task.dependencies)
        # A task that is no slice still carries an order: without this, A and C of A -> skipped -> C
        # would be under way at once.
        skipped = (contracted[needed] for needed in task.dependencies if needed not in direct)
        contracted[task.id] = direct.union(*skipped)
    return contracted


def _sort_by_id(tasks: Sequence[Task]) -> list[Task]:
    """Of the tasks whose dependencies are taken always take the smallest id (Kahn, 1962).

    Tasks that are done or no slices take their turns like all others. Ids compare by code points,
    which is the order of their bytes.
    """
    by_id = {task.id: task for task in tasks}
    waiting = {task.id: len(set(task.dependencies)) for task in tasks}
    dependents: dict[TaskId, list[TaskId]] = {}
    for task in tasks:
        for needed in set(task.dependencies):
            dependents.setdefault(needed, []).append(task.id)
    ready = [id_ for id_, count in waiting.items() if count == 0]
    heapify(ready)
    ordered = []
    while ready:
        id_ = heappop(ready)
        ordered.append(by_id[id_])
        for dependent in dependents.get(id_, ()):
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                heappush(ready, dependent)
    return ordered
