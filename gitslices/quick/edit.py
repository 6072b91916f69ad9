"""Whether a coding agent plainly may write the file that it is about to write.

What `gitslices.agents.guard` answers to an edit of one file by Claude Code, in the slice that the
session was started in. For all else the whole program is started in this one's place, with the same
standard input.
"""

import faulthandler
import json
import os
import select
import stat
import sys
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import datetime
from typing import Any, Final, NoReturn

from gitslices.quick.commit import YES, find_common_dir
from gitslices.quick.git_calls import MARK_NAME, NotPlainError, ask_folding, free, read_folding
from gitslices.quick.scope_file import CompiledScope, load_scope, open_to_ask, read_small

_CHUNK: Final = 1 << 16
_LONGEST: Final = 1 << 26
_PATIENCE: Final = 5.0
"""Seconds without a further byte after which a document counts as cut off."""
_LIMIT: Final = 12.0
_PAUSE: Final = 60
"""Seconds between two heartbeats of one session."""
_TOOLS: Final = frozenset({"Write", "Edit", "MultiEdit"})
_FIELDS: Final = frozenset({
    "file_path", "content", "old_string", "new_string", "replace_all", "edits",
})  # fmt: skip


def refuse_strange_edit(data: bytes, here: str, environ: Mapping[str, str]) -> None:
    """Raise `NotPlainError` unless the file that the payload names may plainly be written."""
    payload = _decode(data)
    cwd, path = _read_payload(payload)
    session = os.path.join(here, cwd)  # noqa: PTH118
    started = _find_slice(os.path.join(here, environ.get("CLAUDE_PROJECT_DIR", "")))  # noqa: PTH118
    current = _find_slice(session) or _find_slice(here)
    place = started or current
    if place is None or (started and current and started != current):
        raise NotPlainError
    top, admin = place
    inner = _find_inner(os.path.join(session, path), top)  # noqa: PTH118
    common_dir = find_common_dir(admin)
    folding = ask_folding(common_dir, free(environ))
    try:
        _refuse_strange_path(common_dir, admin, inner, folding_is=folding)
    except BaseException:
        with suppress(NotPlainError):
            read_folding(folding)
        raise


def _refuse_strange_path(
    common_dir: str, admin: str, inner: str, folding_is: tuple[int, int]
) -> None:
    content = load_scope(admin)
    mark = read_small(os.path.join(admin, MARK_NAME))  # noqa: PTH118
    with closing(open_to_ask(common_dir)) as connection:

        def query(sql: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
            return connection.execute(sql, values).fetchall()

        scope = CompiledScope(content, query, mark)
        leases = query(
            "SELECT ttl, expires_at FROM leases "
            "WHERE goal_id = ? AND slice_id = ? AND ended_at IS NULL",
            (scope.goal_id, scope.slice_id),
        )
        if any(_is_due(ttl, expires_at) for ttl, expires_at in leases):
            raise NotPlainError
        # Whether it is new, only git knows: as if it were.
        scope.refuse_strange([], [inner])
    if scope.folding != read_folding(folding_is):
        raise NotPlainError


def _is_due(ttl: int, expires_at: str) -> bool:
    """Whether the deadline of a lease is to be moved by now, as the whole program does."""
    left = datetime.fromisoformat(expires_at).timestamp() - time.time()
    return left <= ttl - min(_PAUSE, ttl // 4) + 1


def _decode(data: bytes) -> dict[str, Any]:
    # What other readers of JSON refuse: they are to say so.
    if b"\\ud" in data.lower():
        raise NotPlainError
    payload = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    if not isinstance(payload, dict):
        raise NotPlainError
    return payload


def _refuse_constant(name: str) -> NoReturn:
    raise NotPlainError(name)


def _read_payload(payload: Mapping[str, Any]) -> tuple[str, str]:
    """Where the session is, and the file that it is about to write."""
    given, cwd = payload.get("tool_input"), payload.get("cwd", "")
    if payload.get("tool_name") not in _TOOLS or "workspace_roots" in payload:
        raise NotPlainError
    if not isinstance(given, dict) or not given.keys() <= _FIELDS:
        raise NotPlainError
    path = given.get("file_path")
    if not isinstance(path, str) or not isinstance(cwd, str) or "\0" in cwd + path:
        raise NotPlainError
    if not path.strip() or not path.isascii() or (cwd and not cwd.strip()):
        raise NotPlainError
    return cwd, path


def _find_slice(directory: str) -> tuple[str, str] | None:
    """The worktree of a slice that a directory is in, and git's own folder for it."""
    folder = os.path.realpath(directory)
    while True:
        link = os.path.join(folder, ".git")  # noqa: PTH118
        # A folder is of a repository inside the slice, or around it.
        if os.path.lexists(link) and not os.path.isdir(link):  # noqa: PTH112
            start, named = b"gitdir: ", read_small(link).rstrip(b"\n")
            admin = os.path.join(folder, os.fsdecode(named.removeprefix(start)))  # noqa: PTH118
            if named.startswith(start) and os.path.lexists(os.path.join(admin, MARK_NAME)):  # noqa: PTH118
                return folder, os.path.normpath(admin)
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            return None
        folder = above


def _find_inner(path: str, top: str) -> str:
    """`path` from the top of the worktree; raise `NotPlainError` unless it is a file of that."""
    folder, name = os.path.split(path)
    real = os.path.realpath(path)
    # A symbolic link is two paths: itself, and where it leads.
    if name in {"", ".", ".."} or os.path.join(os.path.realpath(folder), name) != real:  # noqa: PTH118
        raise NotPlainError
    inner = real.removeprefix(top + "/")
    names = inner.split("/")
    if inner == real or any(one.lower() == ".git" for one in names):
        raise NotPlainError
    if os.path.lexists(real) and not stat.S_ISREG(os.lstat(real).st_mode):
        raise NotPlainError
    for count in range(1, len(names)):
        if os.path.lexists(os.path.join(top, *names[:count], ".git")):  # noqa: PTH118
            raise NotPlainError
    return inner


def _read_input(descriptor: int) -> bytes:
    """All that the whole program would read of standard input: until then it cannot be asked."""
    data = bytearray()
    while len(data) <= _LONGEST:
        # Not read to the end: some tools leave it open, and the hook would wait until it is killed.
        if not select.select([descriptor], [], [], _PATIENCE)[0]:
            break
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            break
        data += chunk
        if data.rstrip().endswith(b"}") and len(chunk) < _CHUNK:
            with suppress(ValueError, RecursionError):
                json.JSONDecoder().raw_decode(data.decode().lstrip())
                break
    return bytes(data)


def _hand_over(tool: str, data: bytes | None) -> NoReturn:
    if data is not None:
        # Imported here: nearly every edit is plain.
        from tempfile import TemporaryFile

        with TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            os.dup2(file.fileno(), 0)
    argv = (sys.executable, "-P", "-m", "gitslices.agents.guard", tool)
    os.execv(sys.executable, argv)  # noqa: S606


def main(tool: str) -> NoReturn:
    """Say yes by an exit code of its own, or have the whole program answer."""
    with suppress(Exception):
        faulthandler.dump_traceback_later(_LIMIT, exit=True, file=2)
    data = None
    try:
        data = _read_input(0)
        if tool != "claude" or "GITSLICES_FAULT" in os.environ:
            raise NotPlainError
        refuse_strange_edit(data, os.getcwd(), os.environ)  # noqa: PTH109
    # Whatever it is, the whole program knows better words for it.
    except Exception:
        faulthandler.cancel_dump_traceback_later()
        _hand_over(tool, data)
    os._exit(YES)
