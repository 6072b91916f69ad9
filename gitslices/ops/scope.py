"""Show what a slice may read and write, and let it write more where nobody else is at work."""

from collections.abc import Sequence
from functools import reduce
from typing import Literal

from msgspec import Struct

from gitslices.core.errors import InputError, Problem, RefusedError, suggest
from gitslices.core.model import UNDER_WAY, Overlap, Slice, SliceId
from gitslices.core.naming import show_path
from gitslices.git.read import read_tree
from gitslices.remote.agreement import agreed
from gitslices.scopes.language.entries import Access, Scope, parse_entries, parse_scope
from gitslices.scopes.language.matcher import compile_scope
from gitslices.scopes.overlap.scope_map import ScopeMap
from gitslices.slices.goals import choose_goal
from gitslices.slices.looks import look_at_each
from gitslices.slices.lookup import get_slice
from gitslices.slices.scopes import widen
from gitslices.slices.snapshot import Snapshot
from gitslices.state.scope_requests import InWay, end_requests, read_open_requests
from gitslices.state.store import Event, Goal, SliceRecord, Store
from gitslices.workspace import Workspace

_EVENT = "scope-allowed"


class AllowRequest(Struct, frozen=True, kw_only=True):
    """One more entry for a slice's write scope, and the reason that `log` will show."""

    slice_id: SliceId
    pattern: str
    reason: str
    goal_id: str | None = None


class Allowance(Struct, frozen=True, kw_only=True):
    """An entry that was added to the write scope after planning."""

    pattern: str
    reason: str
    at: str


class ScopeReport(Struct, frozen=True, kw_only=True):
    """What a slice may read and write now; `allowed` entries are in `write_scope`, too."""

    goal_id: str
    slice_id: SliceId
    read_scope: tuple[str, ...]
    write_scope: tuple[str, ...]
    allowed: tuple[Allowance, ...]


def show_scope(workspace: Workspace, slice_id: SliceId, goal_id: str | None) -> ScopeReport:
    """The scopes of one slice; raises `UnknownSliceError` for an id that no plan has."""
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, goal_id, slice_id)
        record = find_record(store, goal, slice_id)
        return _report(store, goal, record or get_slice(goal, slice_id))


@agreed
def allow_scope(workspace: Workspace, request: AllowRequest) -> ScopeReport:
    """Widen a slice's write scope by one entry; a second time changes nothing.

    Raises `RefusedError`, with the slice in the way and a path that both could touch, when another
    slice under way has anything in common with the entry; `InputError` when it widens nothing
    or no reason is given.
    """
    if not request.reason.strip():
        raise InputError("the reason is empty", hint="say why with --reason TEXT; the log shows it")
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        record = find_record(store, goal, request.slice_id)
        if record is None or record.status not in UNDER_WAY:
            get_slice(goal, request.slice_id)
            raise RefusedError(
                f"slice {request.slice_id!r} has no worktree to write in",
                hint="change its write_set in the task graph, then run: gitslices plan --apply",
            )
        if entries := list_missing(record, request.pattern):
            with store.transaction():
                refuse_narrowing(workspace, record, request.pattern)
                _refuse_overlaps(workspace, store, goal, record, request.pattern)
                store.write_slices([reduce(widen, entries, record)])
                _end_requests(workspace, store, record, request.pattern)
                store.write_events(
                    [
                        make_allowed_event(workspace, record, entry, request.reason)
                        for entry in entries
                    ]
                )
        return _report(store, goal, find_record(store, goal, request.slice_id) or record)


def _end_requests(workspace: Workspace, store: Store, record: SliceRecord, pattern: str) -> None:
    """What was asked for is done."""
    asked = (record.goal_id, record.slice_id, pattern)
    found = [
        one
        for one in read_open_requests(store)
        if (one.goal_id, one.slice_id, one.pattern) == asked
    ]
    end_requests(store, found, at=workspace.now(), ending="allowed")


def find_record(store: Store, goal: Goal, slice_id: SliceId) -> SliceRecord | None:
    """The slice as it is recorded, if it has or had a branch."""
    records = store.read_slices(goal.goal_id)
    return next((record for record in records if record.slice_id == slice_id), None)


def list_missing(record: SliceRecord, pattern: str) -> list[str]:
    """The entries that a pattern stands for and the write scope has not."""
    if pattern in record.write_scope:
        return []
    texts = (entry.text for entry in parse_entries(pattern))
    return [text for text in texts if text not in record.write_scope]


def refuse_narrowing(workspace: Workspace, record: SliceRecord, pattern: str) -> None:
    """Raise `InputError` for a pattern that takes away, or that the scope excludes anyway."""
    entries = parse_entries(pattern)
    if any(entry.excluded for entry in entries):
        raise InputError(
            f"{pattern!r} excludes, so it would narrow the scope",
            hint="name what the slice may write besides",
        )
    matcher = compile_scope(parse_scope((*record.write_scope, pattern)), workspace.folding)
    literals = (entry.path for entry in entries if not entry.is_pattern and entry.path)
    if not all(map(matcher.allows, literals)):
        excluded = ", ".join(one.text for one in parse_scope(record.write_scope).excluded)
        raise InputError(
            f"the write scope excludes {pattern!r}, whatever is added to it: {excluded}",
            hint="change its write_set in the task graph, then run: gitslices plan --apply",
        )


def _refuse_overlaps(
    workspace: Workspace, store: Store, goal: Goal, record: SliceRecord, pattern: str
) -> None:
    words = ("scope", "request", record.slice_id, pattern, "--reason", "TEXT")
    ask = suggest(*words, goal_id=record.goal_id)
    problems = [
        Problem(
            one.slice_id
            if one.goal_id == record.goal_id
            else f"{one.slice_id} of goal {one.goal_id}",
            f"it is under way, and may {one.access} {one.path}",
            "wait until it is merged",
        )
        for one in find_in_way(workspace, store, goal, record, pattern)
    ]
    if problems:
        raise RefusedError(
            f"{pattern!r} is not added to the write scope of slice {record.slice_id!r}",
            hint=f"wait for it with --wait, or ask for it: {ask}",
            problems=problems,
        )


def find_in_way(
    workspace: Workspace, store: Store, goal: Goal, record: SliceRecord, pattern: str
) -> tuple[InWay, ...]:
    """The other slices at work that could touch what `pattern` would add to a scope."""
    others = _find_started(workspace, store, record)
    excluded = [one.text for one in parse_scope(record.write_scope).excluded]
    accesses = [Access(read=Scope(), write=parse_scope((pattern, *excluded)))]
    accesses += [
        Access(read=parse_scope(one.read_scope), write=parse_scope(one.write_scope))
        for one in others
    ]
    tree = read_tree(workspace.repo, record.base_commit, workspace.config)
    shared = parse_scope(goal.graph.unordered) if goal.graph.unordered else None
    scopes = ScopeMap(tree, accesses, "all", shared)
    return tuple(
        InWay(
            goal_id=one.goal_id,
            slice_id=one.slice_id,
            path=show_path(overlap.path),
            access=_name_access(overlap),
        )
        for number, one in enumerate(others, start=1)
        if (overlap := scopes.find_overlap(0, number))
    )


def _name_access(overlap: Overlap) -> Literal["read", "write"]:
    return "read" if overlap.kind == "write_read" else "write"


def _find_started(workspace: Workspace, store: Store, record: SliceRecord) -> Sequence[SliceRecord]:
    """The other slices, of any goal, that somebody has begun and the target does not have yet."""
    started: list[SliceRecord] = []
    for goal in store.read_goals():
        snapshot = Snapshot(workspace, store, goal.plan)
        others = [
            one for one in snapshot.records.values() if one.status in UNDER_WAY and one != record
        ]
        progress = look_at_each(snapshot, snapshot.progress_of, others)
        started += [one for one in others if progress[one.slice_id] == "started"]
    return started


def make_allowed_event(workspace: Workspace, record: SliceRecord, entry: str, reason: str) -> Event:
    """What the log says of an entry that was added; `show` looks its reason up there."""
    return Event(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event=_EVENT,
        detail={"pattern": entry, "reason": reason},
    )


def _report(store: Store, goal: Goal, slice_: SliceRecord | Slice) -> ScopeReport:
    allowed = slice_.allowed_scope if isinstance(slice_, SliceRecord) else ()
    latest = {
        event.detail["pattern"]: event
        for event in store.read_events(goal.goal_id)
        if event.event == _EVENT and event.slice_id == slice_.slice_id
    }
    return ScopeReport(
        goal_id=goal.goal_id,
        slice_id=slice_.slice_id,
        read_scope=slice_.read_scope,
        write_scope=slice_.write_scope,
        allowed=tuple(
            Allowance(pattern=entry, reason=latest[entry].detail["reason"], at=latest[entry].at)
            if entry in latest
            else Allowance(pattern=entry, reason="not in the log any more", at="")
            for entry in allowed
        ),
    )
