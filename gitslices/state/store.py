"""The SQLite store: goals with their plans, slices with their status, and the log of events."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from gitslices.core.errors import StateError
from gitslices.core.faults import reach
from gitslices.core.model import BranchName, Oid, Plan, SliceId, SliceStatus, TaskGraph
from gitslices.core.naming import TaskName, find_task_name
from gitslices.state.database import Shape, open_database, read_shape, translate_errors
from gitslices.state.rows import MEND_HINT, Row, convert_row, decode_row, name_row

STORE_NAME: Final = "state.sqlite3"
# A claimed slice is a provisioned one with an open lease: kept in one place, it cannot disagree.
_STATUS: Final = """
CASE WHEN status = 'provisioned' AND EXISTS (
  SELECT 1 FROM leases
  WHERE goal_id = slices.goal_id AND slice_id = slices.slice_id AND ended_at IS NULL
) THEN 'claimed' ELSE status END
"""


class SliceRecord(Struct, frozen=True, kw_only=True):
    """A slice that has, or had, a branch and a worktree.

    `allowed_scope` are those entries of `write_scope` that its plan does not have.
    `filling_operation` is the one that is writing its files, empty once they are all there;
    `sparse` the digest of the patterns it is checked out by, empty for a whole tree; `port` the
    first of its own `ports`, 0 for none; `checkout_scope` what a sparse worktree has besides.
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
    checkout_scope: tuple[str, ...] = ()
    ports: int = 1

    @property
    def planned_scopes(self) -> tuple[tuple[str, ...], ...]:
        """The scopes as planned, without what was allowed since; in the order of `Slice.scopes`."""
        allowed = self.allowed_scope
        planned = tuple(entry for entry in self.write_scope if entry not in allowed)
        return self.read_scope, planned, self.checkout_scope


_COLUMNS: Final = SliceRecord.__struct_encode_fields__
_SCOPES: Final = ("read_scope", "write_scope", "allowed_scope", "checkout_scope")
_GOAL_COLUMNS: Final = "goal_id, graph, plan, applied_at, digest, closed_at"
EVENT_COLUMNS: Final = "at, goal_id, slice_id, event, detail"
_IS_COMMIT: Final = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?").fullmatch


class Goal(Struct, frozen=True, kw_only=True):
    """A goal as it was last applied; `closed_at` where somebody has ended it since."""

    goal_id: str
    graph: TaskGraph
    plan: Plan
    applied_at: str
    closed_at: str | None = None


class _PlannedName(Struct, frozen=True):
    slice_id: str
    worktree_name: str


class _PlannedNames(Struct, frozen=True):
    slices: tuple[_PlannedName, ...]


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened to a goal or one of its slices, for `gitslices log`."""

    at: str
    goal_id: str
    slice_id: SliceId | None
    event: str
    detail: dict[str, Any]


def write_event_condition(goal_id: str | None, slice_id: str | None) -> str:
    """SQL for the events of one goal, the parameter ?1, or of all, and of one slice, ?2, or of all.

    Not as one text that asks whether a parameter is NULL: SQLite would use no index for it.
    """
    parts = {"goal_id = ?1": goal_id, "slice_id = ?2": slice_id}
    return " AND ".join(part for part, value in parts.items() if value is not None) or "TRUE"


class Store:
    """An open store; every method is one transaction or part of `transaction()`.

    `opened_from` is the git directory of the worktree at hand, if it was opened from one. What
    `before_commit` does is part of each transaction: where it raises, nothing is written.
    """

    def __init__(self, connection: sqlite3.Connection, opened_from: Path | None = None) -> None:
        self._db = connection
        self.opened_from = opened_from
        self.before_commit: Callable[[Store], None] | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all or nothing: take the write lock at once, commit at the end of the block."""
        with translate_errors():
            reach("store:begin")
            # Deferred, of two that have read and then write one is refused at once: it would have
            # to write upon what it has not seen, and no timeout helps.
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            if self.before_commit is not None:
                self.before_commit(self)
            # Not around the block: an error of a file or of git in there is not the store's.
            with translate_errors():
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
        rows = self.query(f"SELECT {_GOAL_COLUMNS} FROM goals ORDER BY rowid")  # noqa: S608
        return tuple(decode_goal(name_row(_GOAL_COLUMNS, row)) for row in rows)

    def read_goal(self, goal_id: str) -> Goal | None:
        """One goal, or None when it was never applied."""
        rows = self.query(
            f"SELECT {_GOAL_COLUMNS} FROM goals WHERE goal_id = ?",  # noqa: S608
            (goal_id,),
        )
        return decode_goal(name_row(_GOAL_COLUMNS, rows[0])) if rows else None

    def read_names(self) -> dict[tuple[str, str], TaskName]:
        """What slices of all goals have been called, as far as their plans can be read."""
        names = {}
        records = self.query("SELECT goal_id, slice_id, branch_name FROM slices")
        for goal_id, slice_id, branch in records:
            # One that has left the graph is in no plan any more.
            names[goal_id, slice_id] = find_task_name("--".join(branch.rsplit("/", 2)[1:]))
        for goal_id, plan in self.query("SELECT goal_id, plan FROM goals"):
            with suppress(StateError):
                for one in decode_row(plan, _PlannedNames).slices:
                    names[goal_id, one.slice_id] = find_task_name(one.worktree_name)
        return {key: name for key, name in names.items() if name}

    def write_goal(self, goal: Goal) -> None:
        """Add a goal, or replace what it was last applied with."""
        graph, plan = msgspec.json.encode(goal.graph), msgspec.json.encode(goal.plan)
        self.execute(
            f"INSERT INTO goals ({_GOAL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) "  # noqa: S608
            # Not OR REPLACE: that is a new row, and goals are listed in the order of their rows.
            "ON CONFLICT (goal_id) DO UPDATE SET graph = excluded.graph, plan = excluded.plan, "
            "applied_at = excluded.applied_at, digest = excluded.digest, "
            "closed_at = excluded.closed_at",
            (goal.goal_id, graph, plan, goal.applied_at, _make_digest(graph, plan), goal.closed_at),
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
                f"INSERT OR REPLACE INTO slices ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608
                _encode_slice(record),
            )

    def write_filled(self, records: Sequence[SliceRecord]) -> None:
        """Note that the worktrees of `records` have their files, and change nothing else."""
        for record in records:
            self.execute(
                # Not whole records: filling takes long, without a lock, and what was allowed to a
                # slice meanwhile would be undone.
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
            if self.find_slice(before.goal_id, before.slice_id) != before:
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

    def demand_setup(self, record: SliceRecord) -> None:
        """Note that a worktree needs its set-up again, and change nothing else."""
        self.execute(
            "UPDATE slices SET needs_setup = 1 WHERE goal_id = ? AND slice_id = ?",
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
            f"SELECT {EVENT_COLUMNS} FROM events "  # noqa: S608
            f"WHERE {write_event_condition(goal_id, slice_id)} "
            "ORDER BY event_id DESC LIMIT ?3",
            (goal_id, slice_id, -1 if last is None else last),
        )
        return tuple(decode_event(name_row(EVENT_COLUMNS, row)) for row in reversed(rows))

    def _read_records(self, condition: str, *values: object) -> tuple[SliceRecord, ...]:
        columns = ", ".join(_STATUS if name == "status" else name for name in _COLUMNS)
        rows = self.query(
            f"SELECT {columns} FROM slices WHERE {condition} "  # noqa: S608
            "ORDER BY goal_id, slice_id",
            values,
        )
        return tuple(decode_slice(dict(zip(_COLUMNS, row, strict=True))) for row in rows)

    def read_data_version(self) -> int:
        """A number that is another one as soon as somebody else has written to the store."""
        return int(self.query("PRAGMA data_version")[0][0])

    def read_shape(self) -> Shape:
        """The tables and indexes that there are."""
        with translate_errors():
            return read_shape(self._db)

    def list_columns(self, table: str) -> dict[str, str | None]:
        """The columns of a table in their order, each with its default value as SQL, if any."""
        return dict(self.query("SELECT name, dflt_value FROM pragma_table_info(?)", (table,)))

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of one question, for the modules that keep a table of their own."""
        with translate_errors():
            # All at once: a cursor left open fails outside of this block, and the WAL grows.
            return self._db.execute(sql, values).fetchall()

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        """Carry out one statement, likewise."""
        with translate_errors():
            self._db.execute(sql, values)

    def execute_if_free(self, sql: str, values: Sequence[object] = ()) -> None:
        """The same, but raise `BusyError` at once where somebody else is writing."""
        ((timeout,),) = self.query("PRAGMA busy_timeout")
        self.query("PRAGMA busy_timeout = 0")
        try:
            self.execute(sql, values)
        finally:
            self.query(f"PRAGMA busy_timeout = {timeout}")


@contextmanager
def open_store(folder: Path, *, timeout: float, opened_from: Path | None = None) -> Iterator[Store]:
    """The store in `folder`, made or migrated if need be; as it is where nothing can be written.

    A writer that waits longer than `timeout` seconds for another gets `BusyError`. Raises
    `StateError` when the file is no store, or one of a newer gitslices.
    """
    with open_database(folder / STORE_NAME, timeout=timeout) as connection:
        yield Store(connection, opened_from)


def decode_goal(row: Row) -> Goal:
    """A row of the goals; raise `StateError` if it is not as it was written."""
    graph, plan = row["graph"], row["plan"]
    values = {"graph": decode_row(graph, TaskGraph), "plan": decode_row(plan, Plan)}
    # One flipped bit in a name leaves JSON that can be read, and a plan that contradicts itself.
    as_bytes = isinstance(graph, bytes) and isinstance(plan, bytes)
    if row["digest"] is not None and not (as_bytes and row["digest"] == _make_digest(graph, plan)):
        raise StateError(
            f"the plan of goal {row['goal_id']!r} is not as it was written", hint=MEND_HINT
        )
    return convert_row({**row, **values}, Goal)


def decode_event(row: Row) -> Event:
    """A row of the events; raise `StateError` if it cannot be read."""
    return convert_row({**row, "detail": decode_row(row["detail"], dict[str, Any])}, Event)


def _make_digest(graph: bytes, plan: bytes) -> str:
    # With a length, or bytes could go from one of the two to the other unnoticed.
    return sha256(b"%d\0%b%b" % (len(graph), graph, plan)).hexdigest()


def _encode_slice(record: SliceRecord) -> tuple[object, ...]:
    values = {name: getattr(record, name) for name in SliceRecord.__struct_fields__}
    # It is worked out from the leases when it is read: kept here, it would outlive them.
    if record.status == "claimed":
        values["status"] = "provisioned"
    for name in _SCOPES:
        values[name] = msgspec.json.encode(values[name]).decode()
    return tuple(values.values())


def decode_slice(row: Row) -> SliceRecord:
    """A row of the slices; raise `StateError` if it cannot be read."""
    values = dict(row)
    for name in _SCOPES:
        values[name] = decode_row(values[name], tuple[str, ...])
    values["needs_setup"] = bool(values["needs_setup"])
    return check_record(convert_row(values, SliceRecord))


def check_record(record: SliceRecord) -> SliceRecord:
    """`record`, if its names can be those of something; else raise `StateError`."""
    names = (record.goal_id, record.slice_id, record.branch_name, record.filling_operation)
    # These become paths and names for git, and folders to delete: damage must not choose them.
    flaws = (
        not _IS_COMMIT(record.base_commit),
        not record.worktree_path.startswith("/"),
        any("\0" in name for name in (*names, record.worktree_path)),
        "/" in record.filling_operation,
    )
    if any(flaws):
        raise StateError(f"a row of the store cannot be read: {record.slice_id!r}", hint=MEND_HINT)
    return record
