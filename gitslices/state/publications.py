"""Branches that were pushed for review, and the addresses where they are reviewed."""

from collections.abc import Iterable

from msgspec import Struct

from gitslices.core.model import Oid, SliceId
from gitslices.state.store import Store


class Publication(Struct, frozen=True, kw_only=True):
    """What was pushed of a slice last, and where it can be seen, once that is known.

    `number` is None where no forge was asked.
    """

    goal_id: str
    slice_id: SliceId
    pushed: Oid
    url: str | None = None
    number: int | None = None


def read_publications(store: Store, goal_id: str) -> dict[SliceId, Publication]:
    """What was published of one goal."""
    sql = "SELECT slice_id, pushed, url, number FROM publications WHERE goal_id = ?"
    return {
        SliceId(id_): Publication(
            goal_id=goal_id, slice_id=SliceId(id_), pushed=Oid(pushed), url=url, number=number
        )
        for id_, pushed, url, number in store.query(sql, (goal_id,))
    }


def write_publications(store: Store, published: Iterable[Publication]) -> None:
    """Keep these in place of what was known before; the caller holds a transaction."""
    for one in published:
        store.execute(
            "INSERT OR REPLACE INTO publications VALUES (?, ?, ?, ?, ?)",
            (one.goal_id, one.slice_id, one.pushed, one.url, one.number),
        )
