"""Who asks to write what, and which slices are in the way; the rows stay when a request ends."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from gitslices.core.model import SliceId
from gitslices.state.rows import Row, convert_row, decode_row, name_row
from gitslices.state.store import Store

RequestEnding = Literal["granted", "landed", "allowed"]
"""Somebody granted it; the slices in the way have landed; `scope allow` did what it asks for."""


class InWay(Struct, frozen=True, kw_only=True):
    """A slice at work that could touch a `path` of what is asked for, until it has `granted` it."""

    goal_id: str
    slice_id: SliceId
    path: str
    access: Literal["read", "write"]
    granted: bool = False


class ScopeRequest(Struct, frozen=True, kw_only=True):
    """That a slice may write `pattern`, too; `holder` asked for it."""

    request_id: int = 0
    goal_id: str
    slice_id: SliceId
    pattern: str
    reason: str
    holder: str
    at: str
    in_way: tuple[InWay, ...]
    ended_at: str | None = None
    ending: RequestEnding | None = None

    def finds_in_way(self, goal_id: str, slice_id: str) -> InWay | None:
        """How that slice is in the way, if it is and has not granted it."""
        return next(
            (
                one
                for one in self.in_way
                if (one.goal_id, one.slice_id) == (goal_id, slice_id) and not one.granted
            ),
            None,
        )


class AskedScope(Struct, frozen=True, kw_only=True):
    """What another slice asks to write that a slice at work could touch, at `path` say."""

    goal_id: str
    slice_id: SliceId
    pattern: str
    reason: str
    holder: str
    at: str
    path: str


def list_asked(
    requests: Iterable[ScopeRequest], goal_id: str, slice_id: str
) -> tuple[AskedScope, ...]:
    """What is asked for that this slice is in the way of, and has not granted."""
    return tuple(
        AskedScope(
            goal_id=one.goal_id,
            slice_id=one.slice_id,
            pattern=one.pattern,
            reason=one.reason,
            holder=one.holder,
            at=one.at,
            path=found.path,
        )
        for one in requests
        if (found := one.finds_in_way(goal_id, slice_id))
    )


_COLUMNS: Final = ", ".join(field.name for field in msgspec.structs.fields(ScopeRequest))


def write_request(store: Store, request: ScopeRequest) -> None:
    """Keep a request; one that is open for the same pattern is replaced."""
    store.execute(
        "DELETE FROM scope_requests"
        " WHERE goal_id = ? AND slice_id = ? AND pattern = ? AND ended_at IS NULL",
        (request.goal_id, request.slice_id, request.pattern),
    )
    store.execute(
        "INSERT INTO scope_requests"
        " (goal_id, slice_id, pattern, reason, holder, at, in_way) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            request.goal_id, request.slice_id, request.pattern, request.reason, request.holder,
            request.at, msgspec.json.encode(request.in_way),
        ),
    )  # fmt: skip


def read_open_requests(store: Store) -> tuple[ScopeRequest, ...]:
    """The requests of all slices that nobody has answered, the oldest first."""
    return _read(store, "ended_at IS NULL")


def read_requests(store: Store, goal_id: str) -> tuple[ScopeRequest, ...]:
    """All requests of a goal's slices, ended ones among them."""
    return _read(store, "goal_id = ?", goal_id)


def write_in_way(store: Store, request: ScopeRequest, in_way: Sequence[InWay]) -> None:
    """Record which slices are in the way now."""
    store.execute(
        "UPDATE scope_requests SET in_way = ? WHERE request_id = ?",
        (msgspec.json.encode(in_way), request.request_id),
    )


def end_requests(
    store: Store, requests: Iterable[ScopeRequest], *, at: str, ending: RequestEnding
) -> None:
    """Record that requests are answered."""
    for one in requests:
        store.execute(
            "UPDATE scope_requests SET ended_at = ?, ending = ? WHERE request_id = ?",
            (at, ending, one.request_id),
        )


def _read(store: Store, condition: str, *values: object) -> tuple[ScopeRequest, ...]:
    rows = store.query(
        f"SELECT {_COLUMNS} FROM scope_requests WHERE {condition} "  # noqa: S608
        "ORDER BY request_id",
        values,
    )
    return tuple(decode_request(name_row(_COLUMNS, row)) for row in rows)


def decode_request(row: Row) -> ScopeRequest:
    """A row of the requests; raise `StateError` if it cannot be read."""
    in_way = decode_row(row["in_way"], tuple[InWay, ...])
    return convert_row({**row, "in_way": in_way}, ScopeRequest)
