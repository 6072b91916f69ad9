"""A wider scope asked for while others are at work; granted by them, or once they have landed."""

import time
from collections.abc import Sequence
from functools import reduce
from typing import Final

from msgspec import Struct, structs

from gitslices.core.errors import InputError, RefusedError, suggest
from gitslices.core.model import UNDER_WAY, SliceId
from gitslices.ops.scope import (
    AllowRequest,
    ScopeReport,
    allow_scope,
    find_in_way,
    find_record,
    list_missing,
    make_allowed_event,
    refuse_narrowing,
    show_scope,
)
from gitslices.remote.agreement import agreed, told
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_slice
from gitslices.slices.scopes import widen
from gitslices.state.scope_requests import (
    InWay,
    RequestEnding,
    ScopeRequest,
    end_requests,
    read_open_requests,
    write_in_way,
    write_request,
)
from gitslices.state.store import Event, Goal, SliceRecord, Store
from gitslices.workspace import Workspace

_PAUSE: Final = 0.1
_LONGEST: Final = 5.0
"""Seconds until git is asked again, though nobody has written to the store meanwhile."""


class AskRequest(Struct, frozen=True, kw_only=True):
    """A slice that is to write `pattern`, why, and who asks."""

    slice_id: SliceId
    pattern: str
    reason: str
    holder: str
    goal_id: str | None = None


class AskReport(Struct, frozen=True, kw_only=True):
    """What `gitslices scope request --json` and `grant` print: the request as it stands now.

    `granted` where the slice may write it; `in_way` are slices at work that could touch it.
    """

    goal_id: str
    slice_id: SliceId
    pattern: str
    reason: str
    granted: bool
    in_way: tuple[InWay, ...]


@told
def ask_for_scope(workspace: Workspace, request: AskRequest) -> AskReport:
    """Leave a request that stands until it is granted; asking again renews it.

    Raises `InputError` for a pattern that widens nothing or a blank reason, `RefusedError` for a
    slice without a worktree.
    """
    if not request.reason.strip():
        raise InputError("the reason is empty", hint="say why with --reason TEXT")
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        record = _get_record(store, goal, request.slice_id)
        if not list_missing(record, request.pattern):
            return _report(record, request.pattern, request.reason, (), granted=True)
        refuse_narrowing(workspace, record, request.pattern)
        in_way = find_in_way(workspace, store, goal, record, request.pattern)
        made = ScopeRequest(
            goal_id=goal.goal_id,
            slice_id=request.slice_id,
            pattern=request.pattern,
            reason=request.reason,
            holder=request.holder,
            at=workspace.now(),
            in_way=in_way,
        )
        with store.transaction():
            write_request(store, made)
            store.write_events([_make_event(workspace, made, "scope-requested")])
        return _report(record, request.pattern, request.reason, in_way, granted=False)


def _get_record(store: Store, goal: Goal, slice_id: SliceId) -> SliceRecord:
    record = find_record(store, goal, slice_id)
    if record is None or record.status not in UNDER_WAY:
        get_slice(goal, slice_id)
        raise RefusedError(
            f"slice {slice_id!r} has no worktree to write in",
            hint="change its write_set in the task graph, then run: gitslices plan --apply",
        )
    return record


class GrantRequest(Struct, frozen=True, kw_only=True):
    """Whose request is granted: that for `pattern`, or the only one.

    `granting` is the slice at hand; it speaks for itself, where it is in the way. Without one a
    person speaks for all.
    """

    slice_id: SliceId
    pattern: str | None = None
    goal_id: str | None = None
    granting: tuple[str, str] | None = None


@agreed
def grant_scope(workspace: Workspace, request: GrantRequest) -> AskReport:
    """Let a slice write what it asked for; raise `RefusedError` where nothing was asked for.

    Both may then write the same paths: `conflicts` watches them, and whoever merges later brings
    them together.
    """
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        record = _get_record(store, goal, request.slice_id)
        asked = _choose(store, goal, request)
        now_in_way = find_in_way(workspace, store, goal, record, asked.pattern)
        in_way = _mark_granted(asked, now_in_way, request.granting)
        if request.granting and not any(
            (one.goal_id, one.slice_id) == request.granting for one in in_way
        ):
            raise RefusedError(
                f"slice {request.granting[1]!r} is not in the way of {asked.pattern!r}",
                hint="others grant it, or somebody outside of slices",
            )
        left = tuple(one for one in in_way if not one.granted)
        with store.transaction():
            if left:
                write_in_way(store, asked, in_way)
            else:
                _carry_out(workspace, store, asked, "granted")
        return _report(record, asked.pattern, asked.reason, left, granted=not left)


def _choose(store: Store, goal: Goal, request: GrantRequest) -> ScopeRequest:
    own = [
        one
        for one in read_open_requests(store)
        if (one.goal_id, one.slice_id) == (goal.goal_id, request.slice_id)
    ]
    found = [one for one in own if request.pattern in {None, one.pattern}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(one.pattern) for one in own)
    if not own:
        raise RefusedError(
            f"slice {request.slice_id!r} asks for nothing",
            hint=f"to widen it all the same: {_suggest_allow(goal, request)}",
        )
    raise RefusedError(
        f"slice {request.slice_id!r} asks for {names}", hint="name the pattern that is granted"
    )


def _suggest_allow(goal: Goal, request: GrantRequest) -> str:
    pattern = request.pattern or "PATTERN"
    words = ("scope", "allow", request.slice_id, pattern, "--reason", "TEXT")
    return suggest(*words, goal_id=goal.goal_id)


def _mark_granted(
    asked: ScopeRequest, in_way: Sequence[InWay], granting: tuple[str, str] | None
) -> tuple[InWay, ...]:
    """Those in the way now, with the word of those who have given it before or give it now."""
    before = {(one.goal_id, one.slice_id) for one in asked.in_way if one.granted}
    return tuple(
        structs.replace(
            one,
            granted=granting is None
            or (one.goal_id, one.slice_id) == granting
            or (one.goal_id, one.slice_id) in before,
        )
        for one in in_way
    )


def grant_landed(workspace: Workspace, store: Store) -> tuple[ScopeRequest, ...]:
    """Grant every request that had somebody in its way who is there no more; which they are.

    What nobody was in the way of is for a person to grant.
    """
    granted = []
    for asked in read_open_requests(store):
        goal = store.read_goal(asked.goal_id)
        record = store.find_slice(asked.goal_id, asked.slice_id)
        if not asked.in_way or goal is None or record is None or record.status not in UNDER_WAY:
            continue
        in_way = _mark_granted(
            asked, find_in_way(workspace, store, goal, record, asked.pattern), ("", "")
        )
        with store.transaction():
            if any(not one.granted for one in in_way):
                if in_way != asked.in_way:
                    write_in_way(store, asked, in_way)
                continue
            _carry_out(workspace, store, asked, "landed")
        granted.append(asked)
    return tuple(granted)


def _carry_out(
    workspace: Workspace, store: Store, asked: ScopeRequest, ending: RequestEnding
) -> None:
    """Widen the scope as it is recorded now; in a transaction."""
    record = store.find_slice(asked.goal_id, asked.slice_id)
    if record is not None:
        entries = list_missing(record, asked.pattern)
        store.write_slices([reduce(widen, entries, record)] if entries else [])
        store.write_events(
            [make_allowed_event(workspace, record, entry, asked.reason) for entry in entries]
        )
    end_requests(store, [asked], at=workspace.now(), ending=ending)
    store.write_events([_make_event(workspace, asked, "scope-granted", by=ending)])


def wait_for_scope(workspace: Workspace, request: AskRequest, *, seconds: float) -> ScopeReport:
    """Let a slice write more as soon as nobody is in the way, or it is granted.

    The request stays when the time is over, or the wait is broken off. Raises as `allow_scope`
    does, then as if it had not waited.
    """
    give_up = time.monotonic() + seconds
    asked = ask_for_scope(workspace, request)
    while True:
        goal_id = asked.goal_id
        allowed = AllowRequest(
            slice_id=request.slice_id,
            pattern=request.pattern,
            reason=request.reason,
            goal_id=goal_id,
        )
        try:
            return allow_scope(workspace, allowed)
        except RefusedError as error:
            if not error.problems or time.monotonic() >= give_up:
                raise
        with workspace.open_store() as store:
            written = store.read_data_version()
            again = min(give_up, time.monotonic() + _LONGEST)
            while time.monotonic() < again and store.read_data_version() == written:
                time.sleep(_PAUSE)
        if _is_granted(workspace, goal_id, request):
            return show_scope(workspace, request.slice_id, goal_id)


def _is_granted(workspace: Workspace, goal_id: str, request: AskRequest) -> bool:
    with workspace.open_store() as store:
        record = store.find_slice(goal_id, request.slice_id)
    return record is not None and not list_missing(record, request.pattern)


def _report(
    record: SliceRecord, pattern: str, reason: str, in_way: tuple[InWay, ...], *, granted: bool
) -> AskReport:
    return AskReport(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        pattern=pattern,
        reason=reason,
        granted=granted,
        in_way=in_way,
    )


def _make_event(workspace: Workspace, asked: ScopeRequest, event: str, **detail: str) -> Event:
    return Event(
        at=workspace.now(),
        goal_id=asked.goal_id,
        slice_id=asked.slice_id,
        event=event,
        detail={"pattern": asked.pattern, "reason": asked.reason, **detail},
    )
