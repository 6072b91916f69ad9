"""What this clone knows of the state that clones share: where it is, and what has not gone there.

A shared goal's truth is in a ref of a remote. These tables hold which one, the files of its last
known commit, and the slices and events that have changed here since.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from gitslices.core.model import Oid, SliceId
from gitslices.state.rows import Row, check_time, convert_row, name_row
from gitslices.state.store import Store

LOCAL_TOKENS: Final = 1 << 29
"""Tokens of goals that stay local begin here in a clone that shares others: no two are alike."""

_COLUMNS: Final = "remote, ref, clone, commit_id, read_at, read_ns, last_token"
# What is shared of a slice, and of a goal.
_WATCHED: Final = (
    "slices", "leases", "gate_runs", "reviews", "attempts", "landings", "conflicts", "on_hold",
    "pushed_work",
)  # fmt: skip
_SHARED: Final = "EXISTS (SELECT 1 FROM shared_goals WHERE goal_id = {row}.goal_id)"
_ROWS: Final = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}


class Sharing(Struct, frozen=True, kw_only=True):
    """The ref that is shared, as it was last read; an empty `commit_id` where it never was.

    `clone` is what others call this one. `read_ns` says when it was read, by the clock that only
    measures; `last_token` is the largest given out.
    """

    remote: str
    ref: str
    clone: str
    commit_id: str
    read_at: str
    read_ns: int
    last_token: int


def find_sharing(store: Store) -> Sharing | None:
    """Where the shared state is; None in a clone that takes part in none."""
    rows = store.query(f"SELECT {_COLUMNS} FROM sharing")  # noqa: S608
    return decode_sharing(name_row(_COLUMNS, rows[0])) if rows else None


def decode_sharing(row: Row) -> Sharing:
    """A row of the one that says where; raise `StateError` if it cannot be read."""
    values = {name: row[name] for name in Sharing.__struct_fields__}
    sharing = convert_row(values, Sharing)
    check_time(sharing.read_at)
    return sharing


def write_sharing(store: Store, sharing: Sharing) -> None:
    """Keep where the shared state is, and how far it has been read."""
    store.execute(
        f"INSERT OR REPLACE INTO sharing (one, {_COLUMNS}) VALUES (1, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (sharing.remote, sharing.ref, sharing.clone, sharing.commit_id, sharing.read_at,
         sharing.read_ns, sharing.last_token),
    )  # fmt: skip


def forget_sharing(store: Store) -> None:
    """Go back to a state of this clone's own: nothing is known of a shared one any more."""
    for table in ("sharing", "shared_goals", "shared_files", "pushed_work", "unshared"):
        store.execute(f"DELETE FROM {table}")  # noqa: S608
    store.execute("DELETE FROM unshared_events")


class TokenRange(Struct, frozen=True, kw_only=True):
    """What the token of a new lease is to be larger than, and smaller than, if that matters."""

    above: int
    below: int | None = None


def bound_token(store: Store, goal_id: str, above: int) -> TokenRange:
    """Where the next token of a goal's leases lies, beyond `above` at least."""
    sharing = find_sharing(store)
    if sharing is None:
        return TokenRange(above=above)
    if goal_id in list_shared_goals(store):
        return TokenRange(above=max(above, sharing.last_token), below=LOCAL_TOKENS)
    return TokenRange(above=max(above, LOCAL_TOKENS))


def find_last_token(store: Store) -> int:
    """The largest token given out that others may know."""
    rows = store.query("SELECT coalesce(max(token), 0) FROM leases WHERE token < ?", [LOCAL_TOKENS])
    return int(rows[0][0])


def free_tokens(store: Store) -> tuple[str, ...]:
    """Give the ended leases of goals that are not shared other tokens; the slices whose are open.

    Among the tokens that are shared each is then one lease's, in every clone.
    """
    local = "token < ? AND goal_id NOT IN (SELECT goal_id FROM shared_goals)"
    open_ = store.query(
        f"SELECT slice_id FROM leases WHERE ended_at IS NULL AND {local}",  # noqa: S608
        (LOCAL_TOKENS,),
    )
    for table in ("attempts", "leases"):
        store.execute(
            f"UPDATE {table} SET token = token + ? WHERE {local}",  # noqa: S608
            (LOCAL_TOKENS, LOCAL_TOKENS),
        )
    return tuple(row[0] for row in open_)


def list_shared_goals(store: Store) -> frozenset[str]:
    """The ids of the goals that are shared."""
    return frozenset(row[0] for row in store.query("SELECT goal_id FROM shared_goals"))


def add_shared_goal(store: Store, goal_id: str) -> None:
    """Share a goal from now on."""
    store.execute("INSERT OR IGNORE INTO shared_goals VALUES (?)", (goal_id,))


def read_files(store: Store) -> dict[str, bytes]:
    """The files of the shared state as they were last read."""
    return dict(store.query("SELECT path, data FROM shared_files"))


def find_file(store: Store, path: str) -> bytes | None:
    """One of them."""
    rows = store.query("SELECT data FROM shared_files WHERE path = ?", (path,))
    return rows[0][0] if rows else None


def write_files(store: Store, files: Mapping[str, bytes | None]) -> None:
    """Keep these files in place of what was known of them; None is one that is gone."""
    for path, data in files.items():
        if data is None:
            store.execute("DELETE FROM shared_files WHERE path = ?", (path,))
        else:
            store.execute("INSERT OR REPLACE INTO shared_files VALUES (?, ?)", (path, data))


class PushedWork(Struct, frozen=True, kw_only=True):
    """A slice that somebody has worked on: in which clone, and its last commit that was pushed."""

    goal_id: str
    slice_id: SliceId
    clone: str
    tip: Oid | None


def read_pushed_work(store: Store, goal_id: str) -> dict[SliceId, PushedWork]:
    """What is known of the slices of a goal that anybody has worked on since it is shared."""
    rows = store.query("SELECT slice_id, clone, tip FROM pushed_work WHERE goal_id = ?", (goal_id,))
    return {
        SliceId(id_): PushedWork(goal_id=goal_id, slice_id=SliceId(id_), clone=clone, tip=tip)
        for id_, clone, tip in rows
    }


def read_elsewhere(store: Store, goal_id: str) -> dict[SliceId, Oid | None]:
    """The slices of a goal that another clone has worked on last, and what it pushed of each."""
    rows = store.query(
        "SELECT slice_id, tip FROM pushed_work, sharing"
        " WHERE goal_id = ? AND pushed_work.clone != sharing.clone",
        (goal_id,),
    )
    return {SliceId(id_): Oid(tip) if tip else None for id_, tip in rows}


def write_pushed_work(store: Store, one: PushedWork) -> None:
    """Keep this in place of what was known before."""
    row = (one.goal_id, one.slice_id, one.clone, one.tip)
    store.execute("INSERT OR REPLACE INTO pushed_work VALUES (?, ?, ?, ?)", row)


def note_work(store: Store, goal_id: str, slice_id: SliceId, tip: Oid | None) -> None:
    """Note what was pushed of a slice, if anything; part of the transaction that tells of it."""
    sharing = find_sharing(store) if tip is not None else None
    if sharing is not None:
        work = PushedWork(goal_id=goal_id, slice_id=slice_id, clone=sharing.clone, tip=tip)
        write_pushed_work(store, work)


def take_work(store: Store, goal_id: str, slice_id: SliceId) -> None:
    """Note that a slice of a shared goal is worked on in this clone from now on."""
    sharing = find_sharing(store)
    if sharing is not None and goal_id in list_shared_goals(store):
        known = read_pushed_work(store, goal_id).get(slice_id)
        work = PushedWork(
            goal_id=goal_id,
            slice_id=slice_id,
            clone=sharing.clone,
            tip=known.tip if known else None,
        )
        write_pushed_work(store, work)


def list_unshared(store: Store) -> tuple[tuple[str, str], ...]:
    """The goals and slices that have changed here since; for a goal itself the slice is empty."""
    return tuple(store.query("SELECT goal_id, slice_id FROM unshared ORDER BY goal_id, slice_id"))


def list_unshared_events(store: Store) -> tuple[int, ...]:
    """The ids of the events that happened here since."""
    return tuple(
        row[0] for row in store.query("SELECT event_id FROM unshared_events ORDER BY event_id")
    )


def set_unshared(
    store: Store, changed: Iterable[tuple[str, str]], events: Iterable[int] = ()
) -> None:
    """Have these, and nothing else, count as what has changed here."""
    store.execute("DELETE FROM unshared")
    store.execute("DELETE FROM unshared_events")
    for row in changed:
        store.execute("INSERT OR IGNORE INTO unshared VALUES (?, ?)", row)
    for event_id in events:
        store.execute("INSERT OR IGNORE INTO unshared_events VALUES (?)", (event_id,))


def watch_changes(store: Store) -> None:
    """Have this connection note every change of what is shared, whoever makes it.

    Triggers of the connection, not of the file: a store that shares nothing has none.
    """
    if not store.query("SELECT 1 FROM shared_goals LIMIT 1"):
        return
    for verb, row in _ROWS.items():
        for table in _WATCHED:
            note = f"unshared VALUES ({row}.goal_id, {row}.slice_id)"
            _watch(store, f"{table}_{verb}", f"{verb} ON main.{table}", row, note)
        _watch(store, f"goals_{verb}", f"{verb} ON main.goals", row,
               f"unshared VALUES ({row}.goal_id, '')")  # fmt: skip
    _watch(store, "events", "INSERT ON main.events", "NEW", "unshared_events VALUES (NEW.event_id)")


def _watch(store: Store, name: str, when: str, row: str, note: str) -> None:
    # Once more in one connection it is there already, as when a goal is shared by it.
    store.execute(
        f"CREATE TEMP TRIGGER IF NOT EXISTS share_{name} AFTER {when} "
        f"WHEN {_SHARED.format(row=row)} BEGIN INSERT OR IGNORE INTO {note}; END"
    )
