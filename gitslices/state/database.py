"""SQLite as the store needs it: how it is opened, migrated, and what its failures mean."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from gitslices.core.errors import BusyError, DiskError, GitslicesError, StateError
from gitslices.core.faults import reach
from gitslices.core.files import follow_folder
from gitslices.state.schema import MIGRATIONS, SCHEMA_VERSION
from gitslices.system.mounts import Mount, find_mount

# The machine's fault and no flaw of the store: to mend the store would help against none of them.
_DISK_CODES: Final = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
})  # fmt: skip
# Beside the database: what was written last, and the index of it that processes share.
COMPANIONS: Final = ("-wal", "-shm", "-journal")


class NewerStateError(StateError):
    """The number of the tables is one that no gitslices up to this one has written."""


Shape = dict[str, set[str | None]]
"""The columns of each table, and of each index none."""


@contextmanager
def open_database(path: Path, *, timeout: float) -> Iterator[sqlite3.Connection]:
    """A connection to the database at `path`, which has the tables of today.

    Where its folder or the file itself cannot be written, it can be read all the same.
    """
    # The folder, too: SQLite makes its companions there, and cannot write without them.
    writable = os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))
    with translate_errors(path):
        reach("store:open")
        connection = _connect(path, timeout) if writable else _connect_to_read(path, timeout)
    with closing(connection):
        if writable:
            _migrate(connection, path)
        yield connection


def _choose_journal(mount: Mount | None) -> str:
    """How SQLite keeps a write whole on that file system.

    With WAL readers and writers do not wait for each other, but its index is memory that processes
    share: two machines have no such memory, and damage the file (https://sqlite.org/wal.html).
    """
    return "DELETE" if mount is not None and mount.is_network else "WAL"


def _connect(path: Path, timeout: float) -> sqlite3.Connection:
    # None, or Python begins transactions of its own accord, and deferred ones.
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        connection.execute(f"PRAGMA journal_mode = {_choose_journal(find_mount(path.parent))}")
        # A token that was given out, and a removal that was begun, must outlive a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        _share(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _share(path: Path) -> None:
    # SQLite gives files that come later beside the store the mode that the store has.
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        place = path.with_name(name)
        if place.exists() and place.stat().st_uid == os.geteuid():
            follow_folder(place)


def _connect_to_read(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection that writes nothing, with the tables of today.

    Beside others at work SQLite needs their shared memory; where nobody can be, for nobody has left
    any, the file is taken as it is, and what was written last as a copy of both.
    """
    name = f"file:{quote(str(path))}?mode=ro"
    wal = Path(f"{path}-wal")
    try:
        connection = _try(sqlite3.connect(name, uri=True, timeout=timeout, isolation_level=None))
    except sqlite3.OperationalError:
        if wal.exists() and wal.stat().st_size:
            connection = _copy(path, wal)
        else:
            # It takes no lock and reads no WAL: right only where nothing is in one.
            connection = _try(sqlite3.connect(f"{name}&immutable=1", uri=True))
    # An older store cannot be migrated where nothing may be written; a copy of it can.
    if _read_version(connection) != SCHEMA_VERSION:
        connection = _take_to_memory(connection)
        _migrate(connection, path)
    # A copy in memory would take what is written, and lose it at the end of the process.
    connection.execute("PRAGMA query_only = ON")
    return connection


def _try(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        # A connection is had even where the shared memory is not: only the first question tells.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _copy(path: Path, wal: Path) -> sqlite3.Connection:
    # Imported here: hooks and claims open a store, and hardly ever one that is out of reach.
    import shutil
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        shutil.copyfile(path, copy)
        shutil.copyfile(wal, f"{copy}-wal")
        return _take_to_memory(_try(sqlite3.connect(copy)))


def _take_to_memory(connection: sqlite3.Connection) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:", isolation_level=None)
    with closing(connection):
        connection.backup(memory)
    return memory


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    with translate_errors(path):
        if _read_version(connection) == SCHEMA_VERSION:
            return
        # The version is read again below it: of two that start at once, one finds it done.
        connection.execute("BEGIN IMMEDIATE")
        try:
            for script in MIGRATIONS[_find_version(connection, path) :]:
                # Not executescript: it commits first, and a kill would leave half a migration.
                for statement in script.split(";\n"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def _find_version(connection: sqlite3.Connection, path: Path) -> int:
    """Which gitslices has made the tables: by the number, or by what they are where it is lost."""
    version, shape = _read_version(connection), read_shape(connection)
    if version > SCHEMA_VERSION:
        raise NewerStateError(
            f"{str(path)!r} was written by a newer gitslices (schema {version})",
            hint="upgrade gitslices; where no newer one was ever used: gitslices doctor",
        )
    if not shape:
        return 0
    # A dump of SQLite's has everything but the number.
    known = [number for number in range(SCHEMA_VERSION + 1) if make_shape(number) == shape]
    if not known:
        raise StateError(
            f"{str(path)!r} has other tables than gitslices makes",
            hint="see what can still be read, and mend it: gitslices doctor",
        )
    return known[-1]


def read_shape(connection: sqlite3.Connection) -> Shape:
    """The tables and indexes that a database has, without SQLite's own."""
    rows = connection.execute(
        "SELECT m.name, c.name FROM sqlite_master AS m LEFT JOIN pragma_table_info(m.name) AS c "
        "WHERE m.type IN ('table', 'index') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall()
    return {table: {column for other, column in rows if other == table} for table, _ in rows}


def make_shape(version: int) -> Shape:
    """The tables that gitslices made when `version` was the newest."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in MIGRATIONS[:version]:
            connection.executescript(script)
        return read_shape(connection)


def _read_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def translate_errors(path: Path | None = None) -> Iterator[None]:
    """Failures of SQLite as those of gitslices."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        # The last of them where SQLite's own message quotes damaged bytes.
        raise _translate(error, path) from error


def _translate(error: Exception, path: Path | None) -> GitslicesError:
    # The low byte is the kind; above it stands what SQLite was at, SQLITE_IOERR_FSYNC say.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    where = repr(str(path)) if path else "the store of this repository"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(f"{where} is being written by another gitslices", hint="try again")
    if isinstance(error, OSError) or code in _DISK_CODES:
        return DiskError(f"cannot write {where}: {error}")
    return StateError(
        f"cannot use {where}: {error}",
        hint="worktrees and branches stay as they are; see what can be read, and mend it: "
        "gitslices doctor",
    )
