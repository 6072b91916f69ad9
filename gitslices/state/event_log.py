"""The log of events, read page by page and kept within bounds."""

from collections.abc import Iterator
from typing import Final

from gitslices.state.rows import name_row
from gitslices.state.store import EVENT_COLUMNS, Event, Store, decode_event, write_event_condition

_PAGE: Final = 1_000
# What is looked up in the log later; there are no more of them than slices and allowances.
_KEPT: Final = "('merged', 'scope-allowed')"
# A file shrinks where half of it, and this many pages (4 MiB), are free.
_FREE_PAGES: Final = 1_024


Subject = tuple[str, str | None]
"""What an event is about: a goal, and the slice of it, if it is one."""


class EventLog:
    """The events of one goal or of all, of one slice or of all, the oldest first.

    Each time it is gone through, they are read anew, a page at a time: a reader that waits, a pager
    say, keeps neither a million of them in memory nor the store from being written to.
    """

    def __init__(
        self, store: Store, goal_id: str | None, slice_id: str | None, last: int | None = None
    ) -> None:
        self._store = store
        self._wanted = (goal_id, slice_id)
        self._condition = write_event_condition(goal_id, slice_id)
        self._first = 0 if last is None else self._find_first(last)

    def _find_first(self, last: int) -> int:
        (found,) = self._store.query(
            f"SELECT min(event_id) FROM (SELECT event_id FROM events WHERE {self._condition} "  # noqa: S608
            "ORDER BY event_id DESC LIMIT ?3)",
            (*self._wanted, last),
        )
        return found[0] or 0

    def __iter__(self) -> Iterator[Event]:
        after = self._first - 1
        while True:
            rows = self._store.query(
                # From an id on, not by OFFSET: between two pages rows may be added and trimmed.
                f"SELECT event_id, {EVENT_COLUMNS} FROM events WHERE event_id > ?3 "  # noqa: S608
                f"AND {self._condition} ORDER BY event_id LIMIT {_PAGE}",
                (*self._wanted, after),
            )
            for _, *row in rows:
                yield decode_event(name_row(EVENT_COLUMNS, row))
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def list_subjects(self) -> tuple[Subject, ...]:
        """The goals and slices that the events are about, each pair once."""
        rows = self._store.query(
            "SELECT DISTINCT goal_id, slice_id FROM events "  # noqa: S608
            f"WHERE event_id >= ?3 AND {self._condition}",
            (*self._wanted, self._first),
        )
        return tuple((goal_id, slice_id) for goal_id, slice_id in rows)


def find_trimmable(store: Store, keep: int) -> bool:
    """Whether there are events before the newest `keep`, without counting them all."""
    (found,) = store.query(
        f"SELECT (SELECT max(event_id) FROM events) - min(event_id) "  # noqa: S608
        f"FROM (SELECT event_id FROM events WHERE event NOT IN {_KEPT} ORDER BY event_id LIMIT 1)"
    )
    return found[0] is not None and found[0] >= keep


def trim_events(store: Store, *, keep: int, before: str, least: int) -> int:
    """Forget the oldest events: all but the newest `keep`, and those `before` that time.

    The newest `least` stay whatever a clock says. So do merges and allowances, which are looked up
    later. In small steps, so that nobody waits for long; returns how many are gone.
    """
    oldest, old = _find_nth(store, keep), _find_nth(store, min(least, keep))
    gone = 0
    while True:
        with store.transaction():
            rows = store.query(
                f"SELECT event_id FROM events WHERE event NOT IN {_KEPT} "  # noqa: S608
                f"AND (event_id <= ?1 OR (event_id <= ?2 AND at < ?3)) LIMIT {_PAGE}",
                (oldest, old, before),
            )
            for row in rows:
                store.execute("DELETE FROM events WHERE event_id = ?", row)
        gone += len(rows)
        if len(rows) < _PAGE:
            return gone


def _find_nth(store: Store, number: int) -> int:
    """The newest event of those that come before the newest `number`; 0 where none does."""
    rows = store.query(
        "SELECT event_id FROM events ORDER BY event_id DESC LIMIT 1 OFFSET ?", [number]
    )
    return rows[0][0] if rows else 0


def compact_store(store: Store) -> bool:
    """Give what is free in the store's file back to the disk, where that is most of it."""
    free, whole = (store.query(f"PRAGMA {name}")[0][0] for name in ("freelist_count", "page_count"))
    if free < _FREE_PAGES or free * 2 < whole:
        return False
    # It writes the whole file anew and needs room for a second one: so only where that pays.
    store.execute("VACUUM")
    return True
