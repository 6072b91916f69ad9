"""What slices touched, and what they were refused: how well their scopes were declared."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from gitslices.core.model import SliceId
from gitslices.state.rows import Row, convert_row, decode_row, name_row
from gitslices.state.store import Store

RefusedBy = Literal["guard", "hook"]


class Refusal(Struct, frozen=True, kw_only=True):
    """A path that a slice was kept from, how often, and by what the last time."""

    goal_id: str
    slice_id: SliceId
    path: str
    refused_by: RefusedBy
    times: int
    at: str


_COLUMNS: Final = ", ".join(field.name for field in msgspec.structs.fields(Refusal))


def write_touched(store: Store, goal_id: str, slice_id: str, paths: Iterable[str]) -> None:
    """Keep what a slice has changed in the target, instead of what was kept before."""
    row = (goal_id, slice_id, msgspec.json.encode(tuple(paths)))
    store.execute("INSERT OR REPLACE INTO touched VALUES (?, ?, ?)", row)


def read_touched(store: Store, goal_id: str) -> Mapping[str, tuple[str, ...]]:
    """What the slices of a goal have changed, of those that gitslices merged."""
    rows = store.query("SELECT slice_id, paths FROM touched WHERE goal_id = ?", (goal_id,))
    return {id_: decode_row(paths, tuple[str, ...]) for id_, paths in rows}


def decode_touched(row: Row) -> tuple[str, ...]:
    """The paths of a row; raise `StateError` if it cannot be read."""
    return decode_row(row["paths"], tuple[str, ...])


def count_refusals(
    store: Store, key: tuple[str, str], paths: Iterable[str], *, by: RefusedBy, at: str
) -> None:
    """Count that a slice was kept from each of `paths`; in a transaction."""
    for path in paths:
        store.execute(
            f"INSERT INTO refusals ({_COLUMNS}) VALUES (?, ?, ?, ?, 1, ?)"  # noqa: S608
            " ON CONFLICT (goal_id, slice_id, path) DO UPDATE"
            " SET times = times + 1, refused_by = excluded.refused_by, at = excluded.at",
            (*key, path, by, at),
        )


def read_refusals(store: Store, goal_id: str) -> tuple[Refusal, ...]:
    """What the slices of a goal were kept from."""
    rows = store.query(
        f"SELECT {_COLUMNS} FROM refusals WHERE goal_id = ? ORDER BY slice_id, path",  # noqa: S608
        (goal_id,),
    )
    return tuple(decode_refusal(name_row(_COLUMNS, row)) for row in rows)


def decode_refusal(row: Row) -> Refusal:
    """A row of the refusals; raise `StateError` if it cannot be read."""
    return convert_row(row, Refusal)
