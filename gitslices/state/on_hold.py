"""Slices that a person keeps from workers for now."""

from collections.abc import Mapping

from msgspec import Struct

from gitslices.core.model import SliceId
from gitslices.state.store import Store


class OnHold(Struct, frozen=True, kw_only=True):
    """Who keeps a slice from workers, since when and why."""

    goal_id: str
    slice_id: SliceId
    reason: str
    held_by: str
    at: str


def read_on_hold(store: Store, goal_id: str) -> Mapping[SliceId, OnHold]:
    """The slices of one goal that are on hold."""
    sql = "SELECT slice_id, reason, held_by, at FROM on_hold WHERE goal_id = ? ORDER BY slice_id"
    return {
        SliceId(id_): OnHold(
            goal_id=goal_id, slice_id=SliceId(id_), reason=reason, held_by=held_by, at=at
        )
        for id_, reason, held_by, at in store.query(sql, (goal_id,))
    }


def write_on_hold(store: Store, one: OnHold) -> None:
    """Keep a slice from workers, for this reason instead of an earlier one."""
    row = (one.goal_id, one.slice_id, one.reason, one.held_by, one.at)
    store.execute("INSERT OR REPLACE INTO on_hold VALUES (?, ?, ?, ?, ?)", row)


def delete_on_hold(store: Store, goal_id: str, slice_id: SliceId) -> None:
    """Leave a slice to workers again."""
    store.execute("DELETE FROM on_hold WHERE goal_id = ? AND slice_id = ?", (goal_id, slice_id))
