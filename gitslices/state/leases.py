"""Leases: who has which slice until when. The rows stay when a lease ends, so tokens only grow."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from gitslices.core.errors import StateError
from gitslices.core.model import SliceId
from gitslices.state.rows import MEND_HINT, Row, check_time, convert_row, name_row
from gitslices.state.store import Store

Ending = Literal["done", "released", "freed", "lapsed", "failed"]
"""Freed is one that somebody else has ended."""

_COLUMNS = (
    "token, goal_id, slice_id, holder, ttl, claimed_at, expires_at, ended_at, ending, waiting, "
    "waiting_since"
)


class Lease(Struct, frozen=True, kw_only=True):
    """One holder's time with one slice; `token` is larger than that of any lease before it.

    Open until `ended_at` is set. An open lease past its deadline has lapsed: its holder may still
    renew it, until somebody else's claim ends it. `waiting` says what a person is to do before its
    holder goes on.
    """

    token: int
    goal_id: str
    slice_id: SliceId
    holder: str
    ttl: Annotated[int, Meta(ge=0, le=10**9)]
    claimed_at: str
    expires_at: str
    ended_at: str | None = None
    ending: Ending | None = None
    waiting: str | None = None
    waiting_since: str | None = None

    def is_live(self, now: str) -> bool:
        """Whether nobody else may have the slice."""
        # As texts: all are as `Workspace.now` writes them, UTC and to the second.
        return self.ended_at is None and now < self.expires_at


def add_lease(store: Store, lease: Lease, *, above: int = 0, below: int | None = None) -> Lease:
    """Open a lease, and return it with its token; the slice has no other open one.

    The token is larger than any that the store has given out, and than `above`; with `below` it is
    smaller than that, and only tokens that are count.
    """
    # `above` is for a store that was lost, or mended with rows missing: holders of before
    # still have their tokens, and none of these may pass for a new one.
    if below is None:
        last = store.query(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'leases'"
        )
    else:
        last = store.query("SELECT coalesce(max(token), 0) FROM leases WHERE token < ?", (below,))
    rows = store.query(
        "INSERT INTO leases (token, goal_id, slice_id, holder, ttl, claimed_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING token",
        (max(above, last[0][0]) + 1, lease.goal_id, lease.slice_id, lease.holder, lease.ttl,
         lease.claimed_at, lease.expires_at),
    )  # fmt: skip
    return msgspec.structs.replace(lease, token=rows[0][0])


def put_lease(store: Store, lease: Lease) -> None:
    """Keep a lease that was opened elsewhere, in place of what is known of its token."""
    known = store.query("SELECT goal_id, slice_id FROM leases WHERE token = ?", (lease.token,))
    if known and known[0] != (lease.goal_id, lease.slice_id):
        raise StateError(f"token {lease.token} is given out twice", hint=MEND_HINT)
    values = msgspec.structs.asdict(lease)
    store.execute(
        f"INSERT OR REPLACE INTO leases ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
        tuple(values[name] for name in _COLUMNS.split(", ")),
    )


def has_leases(store: Store) -> bool:
    """Whether any lease was ever opened, as far as the store knows."""
    return bool(store.query("SELECT 1 FROM leases LIMIT 1"))


def read_open_leases(store: Store, goal_id: str | None = None) -> tuple[Lease, ...]:
    """The leases of one goal or of all that nobody has ended, lapsed ones among them."""
    return _read(store, "ended_at IS NULL AND (?1 IS NULL OR goal_id = ?1)", goal_id)


def find_open_lease(store: Store, goal_id: str, slice_id: str) -> Lease | None:
    """The open lease of a slice."""
    found = _read(store, "ended_at IS NULL AND goal_id = ? AND slice_id = ?", goal_id, slice_id)
    return found[0] if found else None


def list_once_leased(store: Store, goal_id: str) -> tuple[SliceId, ...]:
    """The slices of a goal that somebody has, or had."""
    rows = store.query("SELECT DISTINCT slice_id FROM leases WHERE goal_id = ?", (goal_id,))
    return tuple(SliceId(row[0]) for row in rows)


def read_lease_history(store: Store, goal_id: str, slice_id: str) -> tuple[Lease, ...]:
    """Every lease a slice has had, the first one in front."""
    return _read(store, "goal_id = ? AND slice_id = ?", goal_id, slice_id)


def renew_lease(store: Store, token: int, *, ttl: int, expires_at: str) -> None:
    """Move the deadline of an open lease."""
    store.execute(
        "UPDATE leases SET ttl = ?, expires_at = ? WHERE token = ? AND ended_at IS NULL",
        (ttl, expires_at, token),
    )


def rename_holder(store: Store, token: int, holder: str) -> None:
    """Give an open lease another holder, who goes by another name and is the same."""
    store.execute(
        "UPDATE leases SET holder = ? WHERE token = ? AND ended_at IS NULL", (holder, token)
    )


def write_waiting(store: Store, token: int, waiting: str | None, *, since: str | None) -> None:
    """Set what the holder of an open lease waits for, None for nothing."""
    store.execute(
        "UPDATE leases SET waiting = ?, waiting_since = ? WHERE token = ? AND ended_at IS NULL",
        (waiting, since, token),
    )


def end_lease(store: Store, token: int, *, at: str, ending: Ending) -> None:
    """Close a lease for good."""
    store.execute(
        "UPDATE leases SET ended_at = ?, ending = ? WHERE token = ? AND ended_at IS NULL",
        (at, ending, token),
    )


def _read(store: Store, condition: str, *values: object) -> tuple[Lease, ...]:
    rows = store.query(
        f"SELECT {_COLUMNS} FROM leases WHERE {condition} ORDER BY token",  # noqa: S608
        values,
    )
    return tuple(decode_lease(name_row(_COLUMNS, row)) for row in rows)


def decode_lease(row: Row) -> Lease:
    """A row of the leases; raise `StateError` if it cannot be read."""
    lease = convert_row(row, Lease)
    # Deadlines are compared as texts: what is no time could be later than all of them for ever.
    check_time(lease.claimed_at)
    check_time(lease.expires_at)
    return lease
