"""What a slice may write, compiled: regular expressions, and whose new paths come first.

A file of its own in git's folder for the worktree. It says from what it was compiled, word by word
as the store has it, and counts for nothing as soon as the store says anything else.
"""

import json
import os
import re
import sqlite3
import stat
from hashlib import sha256
from typing import Any, Final

from gitslices.quick.git_calls import NotPlainError

FILE_NAME: Final = "gitslices-scope"
_STORE_PATH: Final = "gitslices/state.sqlite3"
_FORMAT: Final = b"gitslices scope 1 "
_LARGEST: Final = 16 * 1024 * 1024
# All that a kill leaves for others to complete, and what is under way meanwhile.
_LEFT: Final = ("intent.json", "operation-", "scratch-")

_Atom = list[Any]
"""A literal `[head, directory_only]`, or `[head, directory_only, regex]`; of an empty head all."""
Matcher = dict[str, list[_Atom]]
_Query = Any
"""Runs one statement with its values, and gives the rows."""


def seal(content: dict[str, Any]) -> bytes:
    """The bytes of a scope file."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return _FORMAT + sha256(body).hexdigest().encode() + b"\n" + body


def load_scope(git_dir: str) -> dict[str, Any]:
    """The content of a worktree's scope file; raise `NotPlainError` where it is not as sealed."""
    data = read_small(os.path.join(git_dir, FILE_NAME))  # noqa: PTH118
    head, _, body = data.partition(b"\n")
    if head != _FORMAT + sha256(body).hexdigest().encode():
        raise NotPlainError
    content = json.loads(body)
    if not isinstance(content, dict):
        raise NotPlainError
    return content


def read_small(path: str) -> bytes:
    """The bytes of a regular file of limited size; raise `NotPlainError` for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST:
                raise NotPlainError
            data = os.read(descriptor, facts.st_size + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NotPlainError from error
    if len(data) != facts.st_size:
        raise NotPlainError
    return data


def refuse_unfinished(common_dir: str) -> None:
    """Raise `NotPlainError` while branches and worktrees change, or after a kill in that."""
    names = os.listdir(os.path.join(common_dir, "gitslices"))  # noqa: PTH118, PTH208
    if any(name.startswith(_LEFT) for name in names):
        raise NotPlainError


def open_to_ask(common_dir: str) -> sqlite3.Connection:
    """The store, to be asked and never waited for; all answers are of one moment."""
    path = os.path.join(common_dir, _STORE_PATH)  # noqa: PTH118
    if not os.path.isfile(path):  # noqa: PTH113
        raise NotPlainError
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("BEGIN")
    return connection


def read_sources(query: _Query, goal_id: str, slice_id: str) -> dict[str, Any]:
    """What a scope file is compiled from, as the store has it now."""
    own = query(
        "SELECT write_scope, status FROM slices WHERE goal_id = ? AND slice_id = ?",
        (goal_id, slice_id),
    )
    goals = query("SELECT goal_id, digest FROM goals ORDER BY rowid", ())
    version = query("PRAGMA user_version", ())
    if len(own) != 1 or not all(digest for _, digest in goals):
        raise NotPlainError
    return {
        "version": version[0][0],
        "goal_id": goal_id,
        "slice_id": slice_id,
        "own": list(own[0]),
        "goals": [list(row) for row in goals],
    }


def read_others(query: _Query, under_way: list[str]) -> list[list[str]]:
    """The slices under way, each with its write scope."""
    rows = query("SELECT goal_id, slice_id, status, write_scope FROM slices", ())
    return [[goal, one, scope] for goal, one, status, scope in rows if status in under_way]


def is_current(content: dict[str, Any], query: _Query, mark: bytes, folding: list[bool]) -> bool:
    """Whether all of a scope file is as store, settings and mark have it now."""
    sources = content["sources"]
    known = [[goal, one, scope] for goal, one, scope, _ in content["others"]]
    return bool(
        content["folding"] == folding
        and content["mark"].encode() == mark
        and sources == read_sources(query, sources["goal_id"], sources["slice_id"])
        and known == read_others(query, content["under_way"])
    )


class CompiledScope:
    """A scope file that has been found to say what the store says."""

    def __init__(self, content: dict[str, Any], query: _Query, mark: bytes) -> None:
        """Raise `NotPlainError` where the store or the mark says otherwise."""
        sources = content["sources"]
        if mark != content["mark"].encode():
            raise NotPlainError
        if sources != read_sources(query, sources["goal_id"], sources["slice_id"]):
            raise NotPlainError
        self.goal_id: str = sources["goal_id"]
        self.slice_id: str = sources["slice_id"]
        self.target: str = content["target"]
        self.folding: list[bool] = content["folding"]
        self._own: Matcher = content["own"]
        self._shared: Matcher = content["shared"]
        self._others: list[Any] = content["others"]
        self._known: dict[tuple[str, str], str] = {
            (goal, one): scope for goal, one, scope, _ in self._others
        }
        self._under_way: list[str] = content["under_way"]
        self._query = query

    def refuse_strange(self, old: list[str], new: list[str]) -> None:
        """Raise `NotPlainError` unless the slice may plainly change all of these paths.

        `new` are those that may be new: they may belong to another slice that comes first.
        """
        for path in (*old, *new):
            if not path.isascii() or not allows(self._own, self._fold(path)):
                raise NotPlainError
        claimed = [path for path in new if not allows(self._shared, self._fold(path))]
        if not claimed:
            return
        for goal, one, scope in read_others(self._query, self._under_way):
            if self._known.get((goal, one)) != scope:
                raise NotPlainError
        for _, _, _, matcher in self._others:
            if any(matcher and allows(matcher, self._fold(path)) for path in claimed):
                raise NotPlainError

    def _fold(self, path: str) -> str:
        return path.lower() if self.folding[0] else path


def allows(matcher: Matcher, path: str) -> bool:
    """Whether a folded path is plainly in a scope."""
    inside = any(_covers(atom, path) for atom in matcher["included"])
    # What excludes directories only excludes a submodule, too: what it is nobody has asked here.
    return inside and not any(
        _covers(atom, path) or _covers(atom, path + "/") for atom in matcher["excluded"]
    )


def _covers(atom: _Atom, path: str) -> bool:
    head, directory_only, *regex = atom
    if regex:
        near = not head or path.startswith(head)
        return near and re.compile(regex[0], re.DOTALL).match(path) is not None
    if path == head:
        return not directory_only
    return not head or path.startswith(head + "/")
