"""What can still be read of a damaged store, taken over into a new one."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec import Struct

from gitslices.core.errors import StateError
from gitslices.state.attempts import decode_failure
from gitslices.state.database import COMPANIONS, NewerStateError, make_shape, read_shape
from gitslices.state.leases import decode_lease
from gitslices.state.proofs import decode_gate_run, decode_review
from gitslices.state.schema import SCHEMA_VERSION
from gitslices.state.scope_record import decode_refusal, decode_touched
from gitslices.state.scope_requests import decode_request
from gitslices.state.sharing import decode_sharing
from gitslices.state.store import (
    STORE_NAME,
    Store,
    decode_event,
    decode_goal,
    decode_slice,
    open_store,
)
from gitslices.state.trash import decode_trashed

_Row = dict[str, Any]

# The second where SQLite's own message quotes damaged bytes.
_UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)

# What a fresh store of ours begins with, up to what changes with every write: the signature, the
# size of a page, and how the file is to be read (https://sqlite.org/fileformat.html).
_HEADER: Final = b"SQLite format 3\0" + bytes((0x10, 0x00, 2, 2, 0, 64, 32, 32))


def _check_texts(row: _Row) -> None:
    """The tables that hold nothing but names and commits."""


_CHECKS: Final[Mapping[str, Callable[[_Row], object]]] = {
    "goals": decode_goal,
    "slices": decode_slice,
    "events": decode_event,
    "trash": decode_trashed,
    "leases": decode_lease,
    "gate_runs": decode_gate_run,
    "reviews": decode_review,
    "attempts": decode_failure,
    "landings": _check_texts,
    "conflicts": _check_texts,
    "trial_merges": _check_texts,
    "verdicts": _check_texts,
    "scope_requests": decode_request,
    "publications": _check_texts,
    "on_hold": _check_texts,
    "touched": decode_touched,
    "refusals": decode_refusal,
    "sharing": decode_sharing,
    "shared_goals": _check_texts,
    "pushed_work": _check_texts,
}


class Salvage(Struct, frozen=True, kw_only=True):
    """How many rows of each table were taken over, and the tables of which some were not."""

    kept: Mapping[str, int]
    lost: tuple[str, ...]


def find_damage(folder: Path) -> str | None:
    """What is wrong with the store in `folder`, in words; None where all of it can be read.

    A store of a newer gitslices is not damaged, unless it has exactly the tables of this one.
    """
    path = folder / STORE_NAME
    # Not `exists`: a link that leads nowhere is in the way, too.
    if not os.path.lexists(path):
        return None
    if not path.is_file():
        return "it is no file"
    try:
        with open_store(folder, timeout=1) as store:
            return _find_gap(store) or _find_broken_page(store) or _find_broken_row(store)
    except NewerStateError as error:
        return error.message if _has_our_tables(path) else None
    except StateError as error:
        return error.message


def rebuild(folder: Path, aside: Path) -> Salvage:
    """Put a new store in the place of a damaged one, of which `aside` gets a copy as it is.

    The caller holds the topology lock. Killed on the way, it leaves the damaged store or the new.
    """
    path = folder / STORE_NAME
    found = [one for end in ("", *COMPANIONS) if (one := Path(f"{path}{end}")).is_file()]
    for one in found:
        shutil.copy2(one, aside / one.name)
    # From a second copy: SQLite writes to what it opens, and so does the mending of a header.
    # Inside of `aside`, because only within one file system can the new store be renamed.
    with TemporaryDirectory(dir=aside) as scratch:
        old, new = Path(scratch, "old"), Path(scratch, "new")
        old.mkdir()
        new.mkdir()
        for one in found:
            shutil.copy2(one, old / one.name)
        salvage = _take_over(old / STORE_NAME, new)
        if path.is_dir():
            path.rename(aside / STORE_NAME)
        # Before the new store comes: an old WAL beside it would be read as its own.
        for one in reversed(found[1:] if path in found else found):
            one.unlink()
        (new / STORE_NAME).replace(path)
    return salvage


def _find_gap(store: Store) -> str | None:
    for name, columns in make_shape(SCHEMA_VERSION).items():
        if missing := sorted(columns - store.read_shape().get(name, set()), key=str):
            return f"{name}: {missing[0] or 'it'} is missing"
    return None


def _find_broken_page(store: Store) -> str | None:
    said = str(store.query("PRAGMA integrity_check(1)")[0][0])
    return None if said == "ok" else " ".join(said.split())


def _find_broken_row(store: Store) -> str | None:
    for table, check in _CHECKS.items():
        names = store.list_columns(table)
        for row in store.query(f"SELECT * FROM {table}"):  # noqa: S608
            try:
                check(dict(zip(names, row, strict=True)))
            except StateError as error:
                return f"{table}: {error.message}"
    return None


def _has_our_tables(path: Path) -> bool:
    with (
        suppress(*_UNREADABLE),
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection,
    ):
        return read_shape(connection) == make_shape(SCHEMA_VERSION)
    return False


def _take_over(old: Path, folder: Path) -> Salvage:
    kept: dict[str, int] = {}
    lost: list[str] = []
    connection = _open_damaged(old)
    with open_store(folder, timeout=1) as store:
        if connection is None:
            return Salvage(kept={}, lost=tuple(_CHECKS))
        with closing(connection), store.transaction():
            for table, check in _CHECKS.items():
                rows, is_whole = _read_rows(connection, table, store.list_columns(table))
                kept[table] = sum(_take(store, table, row, check) for row in rows)
                if not is_whole or kept[table] < len(rows):
                    lost.append(table)
    return Salvage(kept=kept, lost=tuple(lost))


def _open_damaged(path: Path) -> sqlite3.Connection | None:
    """A connection that reads what it can: as it is, without what was written last, mended."""
    for prepare in (None, _drop_companions, _mend_header):
        with suppress(OSError, *_UNREADABLE):
            if prepare is not None:
                prepare(path)
            connection = sqlite3.connect(path, isolation_level=None)
            # Bytes that are no UTF-8 would end the reading.
            connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            # A table that cannot be understood must not keep the others from being read.
            connection.execute("PRAGMA writable_schema = ON")
            if read_shape(connection):
                return connection
            connection.close()
    return None


def _drop_companions(path: Path) -> None:
    for end in COMPANIONS:
        Path(f"{path}{end}").unlink(missing_ok=True)


def _mend_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(_HEADER)


def _read_rows(
    connection: sqlite3.Connection, table: str, columns: Mapping[str, str | None]
) -> tuple[list[_Row], bool]:
    """The rows of a table from both ends up to what cannot be read, and whether that is all."""
    with suppress(*_UNREADABLE):
        there = read_shape(connection).get(table)
        if there is None:
            return [], False
        shown = ", ".join(
            # What an older store has no column for gets what a migration would put there.
            f'"{name}"' if name in there else f"{default or 'NULL'}"
            for name, default in columns.items()
        )
        found: dict[int, _Row] = {}
        # Reading ends at the first broken page: what lies behind it is had from the other end.
        for direction in ("ASC", "DESC"):
            sql = f"SELECT rowid, {shown} FROM {table} ORDER BY rowid {direction}"  # noqa: S608
            rows = (
                (row[0], dict(zip(columns, row[1:], strict=True)))
                for row in _query(connection, sql)
            )
            try:
                # What came before an error stays in `found`.
                found.update(rows)
            except _UNREADABLE:
                continue
            return [found[place] for place in sorted(found)], True
        return [found[place] for place in sorted(found)], False
    return [], False


def _query(connection: sqlite3.Connection, sql: str) -> Iterator[Sequence[Any]]:
    # A generator, so that also a statement that cannot be prepared fails where rows are taken.
    yield from connection.execute(sql)


def _take(store: Store, table: str, row: _Row, check: Callable[[_Row], object]) -> bool:
    """Whether a row can be read, and stand beside those that were taken over before."""
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    try:
        check(row)
        # A row that is there twice breaks a UNIQUE: SQLite undoes this one statement, no more.
        store.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
            tuple(row.values()),
        )
    except (StateError, UnicodeEncodeError):
        return False
    return True
