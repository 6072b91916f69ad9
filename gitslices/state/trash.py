"""What was removed, when, and where it waits: the store's table of the trash."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from gitslices.state.journal import Removal
from gitslices.state.store import Store, decode_row


class Trashed(Struct, frozen=True, kw_only=True):
    """A slice that `operation` took away at `at`."""

    operation: str
    at: str
    removal: Removal


def read_trash(store: Store) -> tuple[Trashed, ...]:
    """All that is in the trash, the oldest first."""
    rows = store.query("SELECT operation, at, removal FROM trash ORDER BY rowid")
    return tuple(
        Trashed(operation=operation, at=at, removal=decode_row(removal, Removal))
        for operation, at, removal in rows
    )


def is_in_trash(store: Store, operation: str, removal: Removal) -> bool:
    """Whether the trash holds what `operation` did to that slice."""
    return bool(
        store.query(
            "SELECT 1 FROM trash WHERE operation = ? AND goal_id = ? AND slice_id = ?",
            (operation, removal.record.goal_id, removal.record.slice_id),
        )
    )


def write_trash(store: Store, trashed: Sequence[Trashed]) -> None:
    """Add to the trash, or replace what is known of something in it."""
    for one in trashed:
        record = one.removal.record
        store.execute(
            "INSERT INTO trash VALUES (?, ?, ?, ?, ?) ON CONFLICT (operation, goal_id, slice_id) "
            "DO UPDATE SET at = excluded.at, removal = excluded.removal",
            (one.operation, record.goal_id, record.slice_id, one.at,
             msgspec.json.encode(one.removal)),
        )  # fmt: skip


def delete_trash(store: Store, operation: str, removals: Sequence[Removal]) -> None:
    """Forget what was brought back, or is gone for good."""
    for removal in removals:
        store.execute(
            "DELETE FROM trash WHERE operation = ? AND goal_id = ? AND slice_id = ?",
            (operation, removal.record.goal_id, removal.record.slice_id),
        )
