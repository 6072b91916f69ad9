"""What was removed, when, and where it waits: the store's table of the trash."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from gitslices.state.journal import Removal
from gitslices.state.rows import Row, check_time, convert_row, decode_row, name_row
from gitslices.state.store import Store, check_record

_COLUMNS: Final = "operation, at, removal, aged, looked_at"


class Trashed(Struct, frozen=True, kw_only=True):
    """A slice that `operation` took away at `at`.

    For `aged` seconds it was seen in the trash until `looked_at`: see `count_age`.
    """

    operation: str
    at: str
    removal: Removal
    aged: Annotated[int, Meta(ge=0, le=1 << 40)] = 0
    looked_at: str | None = None


def count_trash(store: Store) -> int:
    """How many slices are in the trash."""
    return int(store.query("SELECT count(*) FROM trash")[0][0])


def read_trash(store: Store) -> tuple[Trashed, ...]:
    """All that is in the trash, the oldest first."""
    rows = store.query(f"SELECT {_COLUMNS} FROM trash ORDER BY rowid")  # noqa: S608
    return tuple(decode_trashed(name_row(_COLUMNS, row)) for row in rows)


def decode_trashed(row: Row) -> Trashed:
    """A row of the trash; raise `StateError` if it cannot be read."""
    trashed = convert_row({**row, "removal": decode_row(row["removal"], Removal)}, Trashed)
    # By these names branches are made again and folders deleted.
    check_record(trashed.removal.record)
    check_time(trashed.at)
    check_time(trashed.looked_at or trashed.at)
    return trashed


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
            "INSERT INTO trash VALUES (?, ?, ?, ?, ?, ?, ?) "
            # Not OR REPLACE, as for goals: the oldest is the first row.
            "ON CONFLICT (operation, goal_id, slice_id) DO UPDATE SET at = excluded.at, "
            "removal = excluded.removal, aged = excluded.aged, looked_at = excluded.looked_at",
            (one.operation, record.goal_id, record.slice_id, one.at,
             msgspec.json.encode(one.removal), one.aged, one.looked_at),
        )  # fmt: skip


def write_age(store: Store, trashed: Trashed) -> None:
    """Note how old something in the trash was seen to be, and change nothing else."""
    record = trashed.removal.record
    store.execute(
        "UPDATE trash SET aged = ?, looked_at = ? "
        "WHERE operation = ? AND goal_id = ? AND slice_id = ?",
        (trashed.aged, trashed.looked_at, trashed.operation, record.goal_id, record.slice_id),
    )


def delete_trash(store: Store, operation: str, removals: Sequence[Removal]) -> None:
    """Forget what was brought back, or is gone for good."""
    for removal in removals:
        store.execute(
            "DELETE FROM trash WHERE operation = ? AND goal_id = ? AND slice_id = ?",
            (operation, removal.record.goal_id, removal.record.slice_id),
        )
