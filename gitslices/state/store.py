"""The SQLite store: goals with their plans, slices with their status, and the log of events."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from gitslices.core.decoding import convert, decode_json
from gitslices.core.errors import BusyError, DiskError, GitslicesError, StateError
from gitslices.core.faults import reach
from gitslices.core.model import BranchName, Oid, Plan, SliceId, SliceStatus, TaskGraph
from gitslices.state.schema import LANDING_TABLES, LEASE_TABLES

T = TypeVar("T")

STORE_NAME: Final = "state.sqlite3"
SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE goals (
  goal_id TEXT PRIMARY KEY,
  graph BLOB NOT NULL,
  plan BLOB NOT NULL,
  applied_at TEXT NOT NULL
) STRICT;
CREATE TABLE slices (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  status TEXT NOT NULL,
  branch_name TEXT NOT NULL UNIQUE,
  worktree_path TEXT NOT NULL UNIQUE,
  base_commit TEXT NOT NULL,
  read_scope TEXT NOT NULL,
  write_scope TEXT NOT NULL,
  allowed_scope TEXT NOT NULL,
  filler TEXT NOT NULL,
  sparse TEXT NOT NULL,
  port INTEGER NOT NULL,
  needs_setup INTEGER NOT NULL,
  PRIMARY KEY (goal_id, slice_id)
) STRICT;
CREATE TABLE events (
  event_id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  goal_id TEXT NOT NULL,
  slice_id TEXT,
  event TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE TABLE trash (
  operation TEXT NOT NULL,
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  at TEXT NOT NULL,
  removal BLOB NOT NULL,
  PRIMARY KEY (operation, goal_id, slice_id)
) STRICT;
"""
_TABLES: Final = (_SCHEMA, LEASE_TABLES, LANDING_TABLES)
# A claimed slice is a provisioned one with an open lease: kept in one place, it cannot disagree.
_STATUS: Final = """
CASE WHEN status = 'provisioned' AND EXISTS (
  SELECT 1 FROM leases
  WHERE goal_id = slices.goal_id AND slice_id = slices.slice_id AND ended_at IS NULL
) THEN 'claimed' ELSE status END
"""


_DISK_CODES: Final = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
})  # fmt: skip


class SliceRecord(Struct, frozen=True, kw_only=True):
    """A slice that has, or had, a branch and a worktree.

    `allowed_scope` are those entries of `write_scope` that its plan does not have.
    `filling_operation` is the one that is writing its files, empty once they are all there;
    `sparse` the digest of the patterns it is checked out by, empty for a whole tree; `port` its
    own, 0 for none.
    """

    goal_id: str
    slice_id: SliceId
    status: SliceStatus
    branch_name: BranchName
    worktree_path: str
    base_commit: Oid
    read_scope: tuple[str, ...]
    write_scope: tuple[str, ...]
    allowed_scope: tuple[str, ...] = ()
    # Called `filler` where it is kept: stores, and the records inside intents and trash, that are
    # there already hold that name, and a migration of all three would gain nothing.
    filling_operation: str = field(default="", name="filler")
    sparse: str = ""
    port: int = 0
    needs_setup: bool = False

    @property
    def planned_write_scope(self) -> tuple[str, ...]:
        """The write scope as planned, without what was allowed since."""
        return tuple(entry for entry in self.write_scope if entry not in self.allowed_scope)


_COLUMNS: Final = SliceRecord.__struct_encode_fields__


class Goal(Struct, frozen=True, kw_only=True):
    """A goal as it was last applied."""

    goal_id: str
    graph: TaskGraph
    plan: Plan
    applied_at: str


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened to a goal or one of its slices, for `gitslices log`."""

    at: str
    goal_id: str
    slice_id: SliceId | None
    event: str
    detail: dict[str, Any]


class Store:
    """An open store; every method is one transaction or part of `transaction()`.

    `opened_from` is the git directory of the worktree at hand, if it was opened from one.
    """

    def __init__(self, connection: sqlite3.Connection, opened_from: Path | None = None) -> None:
        self._db = connection
        self.opened_from = opened_from

    def close(self) -> None:
        """Close the connection; uncommitted work is rolled back."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all or nothing: take the write lock at once, commit at the end of the block."""
        with _translate_errors():
            reach("store:begin")
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            with _translate_errors():
                reach("store:commit")
                self._db.commit()
        except BaseException:
            self._db.rollback()
            raise

    def read_goal_ids(self) -> tuple[str, ...]:
        """The ids of all goals, the one applied first in front."""
        return tuple(row[0] for row in self.query("SELECT goal_id FROM goals ORDER BY rowid"))

    def read_goals(self) -> tuple[Goal, ...]:
        """All goals, the one applied first in front."""
        rows = self.query("SELECT goal_id, graph, plan, applied_at FROM goals ORDER BY rowid")
        return tuple(_decode_goal(row) for row in rows)

    def read_goal(self, goal_id: str) -> Goal | None:
        """One goal, or None when it was never applied."""
        rows = self.query(
            "SELECT goal_id, graph, plan, applied_at FROM goals WHERE goal_id = ?", (goal_id,)
        )
        return _decode_goal(rows[0]) if rows else None

    def write_goal(self, goal: Goal) -> None:
        """Add a goal, or replace what it was last applied with."""
        self.execute(
            "INSERT INTO goals VALUES (?, ?, ?, ?) ON CONFLICT (goal_id) DO UPDATE SET "
            "graph = excluded.graph, plan = excluded.plan, applied_at = excluded.applied_at",
            (
                goal.goal_id,
                msgspec.json.encode(goal.graph),
                msgspec.json.encode(goal.plan),
                goal.applied_at,
            ),
        )

    def read_slices(self, goal_id: str | None = None) -> tuple[SliceRecord, ...]:
        """The slices of one goal or of all."""
        return self._read_records("?1 IS NULL OR goal_id = ?1", goal_id)

    def find_slice(self, goal_id: str, slice_id: str) -> SliceRecord | None:
        """What is known of one slice."""
        found = self._read_records("goal_id = ? AND slice_id = ?", goal_id, slice_id)
        return found[0] if found else None

    def write_slices(self, records: Sequence[SliceRecord]) -> None:
        """Add slices, or replace what is known of them."""
        marks = ", ".join("?" * len(_COLUMNS))
        for record in records:
            self.execute(
                f"INSERT OR REPLACE INTO slices VALUES ({marks})",  # noqa: S608
                _encode_slice(record),
            )

    def write_filled(self, records: Sequence[SliceRecord]) -> None:
        """Note that the worktrees of `records` have their files, and change nothing else."""
        for record in records:
            self.execute(
                "UPDATE slices SET filler = '' WHERE goal_id = ? AND slice_id = ?",
                (record.goal_id, record.slice_id),
            )

    def write_status(self, goal_id: str, slice_id: SliceId, status: SliceStatus) -> None:
        """Change the status of a slice and nothing else."""
        self.execute(
            "UPDATE slices SET status = ? WHERE goal_id = ? AND slice_id = ?",
            (status, goal_id, slice_id),
        )

    def swap_slice(self, before: SliceRecord, after: SliceRecord) -> bool:
        """Replace what is known of a slice if that is still `before`; tell whether it was."""
        with self.transaction():
            if before not in self.read_slices(before.goal_id):
                return False
            self.write_slices([after])
        return True

    def write_sparse(self, record: SliceRecord, digest: str) -> None:
        """Change what a worktree is checked out by and nothing else."""
        self.execute(
            "UPDATE slices SET sparse = ? WHERE goal_id = ? AND slice_id = ?",
            (digest, record.goal_id, record.slice_id),
        )

    def clear_setup(self, record: SliceRecord) -> None:
        """Note that a worktree needs no set-up any more, and change nothing else."""
        self.execute(
            "UPDATE slices SET needs_setup = 0 WHERE goal_id = ? AND slice_id = ?",
            (record.goal_id, record.slice_id),
        )

    def delete_slice(self, record: SliceRecord) -> None:
        """Forget a slice; its events stay."""
        self.execute(
            "DELETE FROM slices WHERE goal_id = ? AND slice_id = ?",
            (record.goal_id, record.slice_id),
        )

    def write_events(self, events: Sequence[Event]) -> None:
        """Append to the log."""
        for event in events:
            self.execute(
                "INSERT INTO events (at, goal_id, slice_id, event, detail) VALUES (?, ?, ?, ?, ?)",
                (
                    event.at,
                    event.goal_id,
                    event.slice_id,
                    event.event,
                    msgspec.json.encode(event.detail).decode(),
                ),
            )

    def read_events(
        self, goal_id: str | None = None, slice_id: str | None = None, *, last: int | None = None
    ) -> tuple[Event, ...]:
        """The log of one goal or of all, of one slice or of all, oldest first; the `last` ones."""
        rows = self.query(
            "SELECT at, goal_id, slice_id, event, detail FROM events "
            "WHERE (?1 IS NULL OR goal_id = ?1) AND (?2 IS NULL OR slice_id = ?2) "
            "ORDER BY event_id DESC LIMIT ?3",
            (goal_id, slice_id, -1 if last is None else last),
        )
        return tuple(
            Event(
                at=row[0],
                goal_id=row[1],
                slice_id=row[2],
                event=row[3],
                detail=decode_row(row[4], dict[str, Any]),
            )
            for row in reversed(rows)
        )

    def _read_records(self, condition: str, *values: object) -> tuple[SliceRecord, ...]:
        columns = ", ".join(_STATUS if name == "status" else name for name in _COLUMNS)
        rows = self.query(
            f"SELECT {columns} FROM slices WHERE {condition} "  # noqa: S608
            "ORDER BY goal_id, slice_id",
            values,
        )
        return tuple(_decode_slice(row) for row in rows)

    def read_data_version(self) -> int:
        """A number that is another one as soon as somebody else has written to the store."""
        return int(self.query("PRAGMA data_version")[0][0])

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of one question, for the modules that keep a table of their own."""
        with _translate_errors():
            return self._db.execute(sql, values).fetchall()

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        """Carry out one statement, likewise."""
        with _translate_errors():
            self._db.execute(sql, values)


@contextmanager
def open_store(folder: Path, *, timeout: float, opened_from: Path | None = None) -> Iterator[Store]:
    """The store in `folder`, made or migrated if need be.

    A writer that waits longer than `timeout` seconds for another gets `BusyError`. Raises
    `StateError` when the file is no store, or one of a newer gitslices.
    """
    path = folder / STORE_NAME
    with _translate_errors(path):
        reach("store:open")
        connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    with closing(Store(connection, opened_from)) as store:
        with _translate_errors(path):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        _migrate(store, connection, path)
        yield store


def _migrate(store: Store, connection: sqlite3.Connection, path: Path) -> None:
    if _read_version(connection, path) == SCHEMA_VERSION:
        return
    with store.transaction():
        version = _read_version(connection, path)
        if version > SCHEMA_VERSION:
            raise StateError(
                f"{str(path)!r} was written by a newer gitslices (schema {version})",
                hint="upgrade gitslices",
            )
        if version == 0:
            for statement in "".join(_TABLES).split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _read_version(connection: sqlite3.Connection, path: Path) -> int:
    with _translate_errors(path):
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _translate_errors(path: Path | None = None) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _translate(error, path) from error


def _translate(error: sqlite3.Error | OSError, path: Path | None) -> GitslicesError:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    where = repr(str(path)) if path else "the store of this repository"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(f"{where} is being written by another gitslices", hint="try again")
    if isinstance(error, OSError) or code in _DISK_CODES:
        return DiskError(f"cannot write {where}: {error}")
    return StateError(
        f"cannot use {where}: {error}",
        hint="move the file aside; the worktrees and branches it lists stay as they are",
    )


def decode_row(data: bytes | str, kind: type[T]) -> T:
    """What a column holds in JSON; raise `StateError` if it cannot be read."""
    try:
        return decode_json(data, kind)
    except msgspec.MsgspecError as error:
        raise StateError(
            f"a row of the store cannot be read: {error}", hint="upgrade gitslices"
        ) from error


def _decode_goal(row: tuple[Any, ...]) -> Goal:
    goal_id, graph, plan, applied_at = row
    return Goal(
        goal_id=goal_id,
        graph=decode_row(graph, TaskGraph),
        plan=decode_row(plan, Plan),
        applied_at=applied_at,
    )


def _encode_slice(record: SliceRecord) -> tuple[object, ...]:
    values = {name: getattr(record, name) for name in SliceRecord.__struct_fields__}
    if record.status == "claimed":
        values["status"] = "provisioned"
    for name in ("read_scope", "write_scope", "allowed_scope"):
        values[name] = msgspec.json.encode(values[name]).decode()
    return tuple(values.values())


def _decode_slice(row: tuple[Any, ...]) -> SliceRecord:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("read_scope", "write_scope", "allowed_scope"):
        values[name] = decode_row(values[name], tuple[str, ...])
    values["needs_setup"] = bool(values["needs_setup"])
    return convert(values, SliceRecord)
