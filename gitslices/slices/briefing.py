"""What whoever works on a slice is told of its task."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from gitslices.core.model import FINISHED, Slice, SliceId, TaskGraph
from gitslices.rules.attempts import Previous
from gitslices.scopes.language.entries import Entry, Scope, parse_scope
from gitslices.slices.attempts import count_attempts, find_failure, read_previous
from gitslices.slices.environment import name_run_log
from gitslices.state.leases import Lease
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


class Briefing(Struct, frozen=True, kw_only=True):
    """The task of a slice, and what lies around it.

    `scope` says in words what may be written. `waits_for` are the slices that must land first,
    `dependents` those that wait for this one. `previous` is the last attempt, if it failed; `log`
    what the last command of a run printed.
    """

    ok: bool = True
    goal_id: str
    slice_id: SliceId
    title: str
    description: str
    acceptance: tuple[str, ...]
    metadata: dict[str, Any]
    gates: tuple[str, ...]
    review_needs: tuple[str, ...]
    scope: str
    waits_for: tuple[SliceId, ...]
    dependents: tuple[SliceId, ...]
    attempt: int
    previous: Previous | None
    log: str | None


def make_briefing(
    workspace: Workspace, store: Store, goal: Goal, slice_: Slice, lease: Lease | None
) -> Briefing:
    """What is to be told of a slice to whoever has `lease`, or asks while nobody has it.

    git is asked only where an attempt has failed.
    """
    goal_id, id_ = goal.goal_id, slice_.slice_id
    records = {one.slice_id: one for one in store.read_slices(goal_id)}
    record = records.get(id_)
    task = next(task for task in goal.graph.tasks if task.id == slice_.task_id)
    finished = {one.slice_id for one in records.values() if one.status in FINISHED}
    failure = find_failure(store, goal_id, id_, before=lease) if id_ not in finished else None
    scopes = record or slice_
    return Briefing(
        goal_id=goal_id,
        slice_id=id_,
        title=task.title or id_,
        description=task.description,
        acceptance=task.acceptance,
        metadata=task.metadata,
        gates=slice_.gates,
        review_needs=slice_.review_needs,
        scope=_describe_scope(scopes.write_scope, scopes.read_scope, goal.graph),
        waits_for=tuple(one for one in slice_.dependencies if one not in finished),
        dependents=tuple(one.slice_id for one in goal.plan.slices if id_ in one.dependencies),
        attempt=count_attempts(store, goal_id, id_, lease),
        previous=read_previous(workspace, record, failure, goal.plan.target)
        if record and failure
        else None,
        log=_find_log(workspace, record) if record else None,
    )


def _find_log(workspace: Workspace, record: SliceRecord) -> str | None:
    log = name_run_log(workspace, record.worktree_path)
    return str(log) if log.exists() else None


def _describe_scope(write: Sequence[str], read: Sequence[str], graph: TaskGraph) -> str:
    """What the entries of a slice's scopes mean, in sentences."""
    return " ".join(_list_sentences(parse_scope(write), parse_scope(read), graph))


def _list_sentences(write: Scope, read: Scope, graph: TaskGraph) -> Iterator[str]:
    yield f"Write only {_join(write)}."
    if read.entries:
        yield f"Nobody else changes {_join(read)} meanwhile."
    if graph.shared:
        yield f"Others append to {', '.join(graph.shared)} as well: the lines of all are kept."
    if graph.relaxed:
        yield f"Others may change {', '.join(graph.relaxed)} meanwhile: a merge may conflict there."


def _join(scope: Scope) -> str:
    *rest, last = map(_describe_entry, scope.included)
    included = f"{', '.join(rest)} and {last}" if rest else last
    excluded = ", ".join(map(_describe_entry, scope.excluded))
    return f"{included}, but not {excluded}" if excluded else included


def _describe_entry(entry: Entry) -> str:
    if entry.names_whole_repository:
        return "anything in the repository"
    text = entry.text.removeprefix("!")
    if entry.is_pattern:
        return f"what matches {text}"
    return f"{text} and all beneath it" if text.endswith("/") else text
