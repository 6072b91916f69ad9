"""What was mined of a history, in a file of its own: it can be made again at any time."""

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gitslices.core.model import Oid, RepoPath
from gitslices.git.changes import LoggedChange
from gitslices.history.past import is_counted
from gitslices.history.words import find_words
from gitslices.state.database import COMPANIONS, translate_errors

HISTORY_NAME: Final = "history.db"
_FORMAT: Final = 2
"""Another number makes the file new: it goes up with the tables and with what counts as a word."""

_TABLES: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE changes (number INTEGER PRIMARY KEY, commit_id BLOB, files BLOB);
CREATE TABLE paths (id INTEGER PRIMARY KEY, path BLOB, changes BLOB);
CREATE INDEX paths_by_path ON paths (path);
CREATE TABLE words (word TEXT PRIMARY KEY, changes BLOB) WITHOUT ROWID;
CREATE TABLE trials (key BLOB PRIMARY KEY, merged) WITHOUT ROWID;
"""

_NUMBER: Final = "I"
_BATCH: Final = 500
"""How many values one question may have; SQLite takes 32,766, older ones 999."""


@contextmanager
def open_history_cache(folder: Path | None, *, timeout: float) -> Iterator["HistoryCache"]:
    """The cache in the state folder, made where there is none or one that cannot be read.

    Without a folder it is in memory, for a history that is looked at once.
    """
    if folder is None:
        yield open_passing_cache()
        return
    path = folder / HISTORY_NAME
    with translate_errors(path):
        try:
            connection = _connect(str(path), timeout)
        except sqlite3.DatabaseError:
            # Of an older format, or damaged: nothing in it is worth more than the time to mine.
            _delete(path)
            connection = _connect(str(path), timeout)
        try:
            yield HistoryCache(connection)
        finally:
            connection.close()


def open_passing_cache() -> "HistoryCache":
    """One in memory, for a history that is looked at once."""
    return HistoryCache(_connect(":memory:", 0))


def _delete(path: Path) -> None:
    for name in (path.name, *(path.name + ending for ending in COMPANIONS)):
        with suppress(FileNotFoundError):
            path.with_name(name).unlink()


def _connect(path: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        # What a power cut takes is mined again.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
        connection.execute("COMMIT")
        if version not in {0, _FORMAT}:
            raise sqlite3.DatabaseError(f"format {version}")
    except BaseException:
        connection.close()
        raise
    return connection


class HistoryCache:
    """The changes of one history, asked as a `Past`, and extended as it grows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._paths: dict[int, RepoPath | None] = {}
        self._read_facts()

    def _read_facts(self) -> None:
        facts = dict(self._connection.execute("SELECT name, value FROM facts"))
        self.tip = Oid(facts["tip"]) if "tip" in facts else None
        self.seen = int(facts.get("seen", 0))
        self.count = int(facts.get("count", 0))
        self.lengths = bytes(facts.get("lengths", b""))

    def clear(self) -> None:
        """Forget everything."""
        self._connection.execute("BEGIN IMMEDIATE")
        for table in ("facts", "changes", "paths", "words"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608
        self._connection.execute("COMMIT")
        self._paths.clear()
        self._read_facts()

    def add(self, tip: Oid, logged: Sequence[LoggedChange]) -> None:
        """Add commits that come after all that are there, the oldest first; `tip` is the newest.

        A commit that does not count still renames.
        """
        since = self.tip
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._read_facts()
            # Another process has added them meanwhile.
            if self.tip == since:
                lengths = _Addition(self._connection, self.count).add(logged)
                self._write_facts(tip, self.seen + len(logged), self.lengths + lengths)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._paths.clear()
        self._read_facts()

    def _write_facts(self, tip: Oid, seen: int, lengths: bytes) -> None:
        facts = {"tip": tip, "seen": seen, "count": len(lengths), "lengths": lengths}
        self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    def read_saying(self, word: str) -> Sequence[int]:
        """The changes whose title has a word."""
        return self._read_numbers("SELECT changes FROM words WHERE word = ?", word)

    def read_changing(self, path: RepoPath) -> Sequence[int]:
        """The changes that touched the file that is now at `path`."""
        return self._read_numbers("SELECT changes FROM paths WHERE path = ?", _encode(path))

    def _read_numbers(self, statement: str, value: str | bytes) -> Sequence[int]:
        row = self._connection.execute(statement, (value,)).fetchone()
        return _unpack(row[0]) if row else ()

    def read_files(self, numbers: Iterable[int]) -> Mapping[int, tuple[RepoPath, ...]]:
        """What changes touched, by the names of today; a file that has none is left out."""
        ids = {
            number: _unpack(files)
            for number, files in self._select(
                "SELECT number, files FROM changes WHERE number", numbers
            )
        }
        wanted = {id_ for files in ids.values() for id_ in files} - self._paths.keys()
        for id_, path in self._select("SELECT id, path FROM paths WHERE id", wanted):
            self._paths[id_] = None if path is None else _decode(path)
        named = self._paths
        return {
            number: tuple(name for id_ in files if (name := named[id_]) is not None)
            for number, files in ids.items()
        }

    def read_commits(self, numbers: Iterable[int]) -> Mapping[int, Oid]:
        """The ids of changes."""
        rows = self._select("SELECT number, commit_id FROM changes WHERE number", numbers)
        return {number: Oid(commit.hex()) for number, commit in rows}

    def find_trial(self, key: bytes) -> bool | None:
        """Whether a merge came out well that was tried before, by what it was made of."""
        row = self._connection.execute("SELECT merged FROM trials WHERE key = ?", (key,)).fetchone()
        return bool(row[0]) if row else None

    def keep_trial(self, key: bytes, *, merged: bool) -> None:
        """Remember how a merge came out."""
        self._connection.execute("INSERT OR REPLACE INTO trials VALUES (?, ?)", (key, merged))

    def _select(self, statement: str, values: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        wanted = list(values)
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            yield from self._connection.execute(f"{statement} IN ({marks})", part)


class _Addition:
    """Changes on their way into the tables: numbered from `count`, files known by their ids."""

    def __init__(self, connection: sqlite3.Connection, count: int) -> None:
        self._connection = connection
        self._count = count
        rows = connection.execute("SELECT path, id FROM paths WHERE path IS NOT NULL")
        self._ids: dict[RepoPath, int] = {_decode(path): id_ for path, id_ in rows}
        (largest,) = connection.execute("SELECT max(id) FROM paths").fetchone()
        self._next = (largest or 0) + 1
        self._names: dict[int, RepoPath | None] = {}
        self._by_path: defaultdict[int, array[int]] = defaultdict(_make_numbers)
        self._by_word: defaultdict[str, array[int]] = defaultdict(_make_numbers)

    def add(self, logged: Iterable[LoggedChange]) -> bytes:
        """How many words the titles of those have that count."""
        rows, lengths = [], bytearray()
        for change in logged:
            ids = self._find_ids(change)
            if not is_counted(change.author, change.email, len(change.touched)):
                continue
            words = find_words(change.title)
            for id_ in ids:
                self._by_path[id_].append(self._count)
            for word in words:
                self._by_word[word].append(self._count)
            rows.append((self._count, bytes.fromhex(change.commit), array(_NUMBER, ids).tobytes()))
            lengths.append(min(len(words), 255))
            self._count += 1
        self._write(rows)
        return bytes(lengths)

    def _find_ids(self, change: LoggedChange) -> list[int]:
        ids: dict[int, None] = {}
        for path in change.touched:
            former = change.renamed.get(path)
            id_ = self._ids.get(path) if former is None else self._rename(former, path)
            if id_ is None:
                id_, self._next = self._next, self._next + 1
                self._ids[path] = id_
                self._names[id_] = path
            ids[id_] = None
        return list(ids)

    def _rename(self, former: RepoPath, path: RepoPath) -> int | None:
        """The file that was at `former`; what was at `path` before has no name any more."""
        id_ = self._ids.pop(former, None)
        if id_ is None:
            return self._ids.get(path)
        before = self._ids.get(path)
        if before is not None:
            self._names[before] = None
        self._ids[path] = id_
        self._names[id_] = path
        return id_

    def _write(self, rows: Sequence[tuple[int, bytes, bytes]]) -> None:
        self._connection.executemany("INSERT INTO changes VALUES (?, ?, ?)", rows)
        self._connection.executemany(
            "INSERT INTO paths VALUES (?, ?, x'') ON CONFLICT DO UPDATE SET path = excluded.path",
            [(id_, None if path is None else _encode(path)) for id_, path in self._names.items()],
        )
        self._connection.executemany(
            "UPDATE paths SET changes = CAST(changes || ? AS BLOB) WHERE id = ?",
            [(numbers.tobytes(), id_) for id_, numbers in self._by_path.items()],
        )
        self._connection.executemany(
            "INSERT INTO words VALUES (?, ?) ON CONFLICT DO UPDATE"
            " SET changes = CAST(changes || excluded.changes AS BLOB)",
            [(word, numbers.tobytes()) for word, numbers in sorted(self._by_word.items())],
        )


def _make_numbers() -> "array[int]":
    return array(_NUMBER)


def _unpack(data: bytes) -> "array[int]":
    numbers = _make_numbers()
    numbers.frombytes(data)
    return numbers


def _encode(path: RepoPath) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _decode(path: bytes) -> RepoPath:
    return RepoPath(path.decode("utf-8", "surrogateescape"))
