"""Whether all that a commit would hold is plainly the slice's to change.

What `gitslices.ops.check` finds of the index, for the most common case: one common ancestor with
the target, no merge under way, and files in the slice's own scope.
"""

import os
import re
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Final, NoReturn

from gitslices.quick.git_calls import (
    MARK_NAME,
    QUIET,
    NotPlainError,
    ask_folding,
    finish_git,
    free,
    read_folding,
    start_git,
)
from gitslices.quick.scope_file import (
    CompiledScope,
    load_scope,
    open_to_ask,
    read_small,
    refuse_unfinished,
)

YES: Final = 97
"""No exit code that Python, a shell or a signal comes to by itself."""
_RAW: Final = ("--raw", "-z", "--no-renames", "--ignore-submodules=dirty")
_PLAIN_MODES: Final = frozenset({b"000000", b"100644", b"100755", b"120000"})
_NOTHING: Final = b"000000"
_PLAIN_KINDS: Final = frozenset({b"A", b"D", b"M", b"T"})


def refuse_strange_commit(here: str, environ: Mapping[str, str]) -> None:
    """Raise `NotPlainError` unless the commit at hand may plainly be made.

    Git has told its hook by the variables GIT_DIR and GIT_INDEX_FILE what it is about.
    """
    # Tests strike the whole program at points that are not reached here.
    if "GITSLICES_FAULT" in environ or not environ.get("GIT_DIR"):
        raise NotPlainError
    git_dir = os.path.join(here, environ["GIT_DIR"])  # noqa: PTH118
    env = free(environ)
    if environ.get("GIT_INDEX_FILE"):
        env["GIT_INDEX_FILE"] = os.path.join(here, environ["GIT_INDEX_FILE"])  # noqa: PTH118
    if os.path.lexists(os.path.join(git_dir, "MERGE_HEAD")):  # noqa: PTH118
        raise NotPlainError
    common_dir = find_common_dir(git_dir)
    folding = ask_folding(common_dir, free(environ))
    try:
        content = load_scope(git_dir)
        mark = read_small(os.path.join(git_dir, MARK_NAME))  # noqa: PTH118
        refuse_unfinished(common_dir)
        with closing(open_to_ask(common_dir)) as connection:

            def query(sql: str, values: tuple[str, ...]) -> list[tuple[object, ...]]:
                return connection.execute(sql, values).fetchall()

            scope = CompiledScope(content, query, mark)
            base = query(
                "SELECT base_commit FROM slices WHERE goal_id = ? AND slice_id = ?",
                (scope.goal_id, scope.slice_id),
            )[0][0]
            old, new = _read_staged(git_dir, env, scope.target, str(base))
            scope.refuse_strange(old, new)
    finally:
        found = read_folding(folding)
    if scope.folding != found:
        raise NotPlainError


def find_common_dir(git_dir: str) -> str:
    """Git's folder for all worktrees; raise `NotPlainError` where `git_dir` is of no linked one."""
    named = read_small(os.path.join(git_dir, "commondir"))  # noqa: PTH118
    return os.path.normpath(os.path.join(git_dir, os.fsdecode(named.rstrip(b"\n"))))  # noqa: PTH118


def _read_staged(
    git_dir: str, env: Mapping[str, str], target: str, base: str
) -> tuple[list[str], list[str]]:
    """The paths that were there before, and the new ones, in which the index differs."""
    if not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", base):
        raise NotPlainError
    met = _find_met(git_dir, env, target, base)
    if len(met) != 1:
        raise NotPlainError
    listing = finish_git(
        start_git(git_dir, env, *QUIET, "diff-index", "--cached", *_RAW, met[0].decode(), "--")
    )
    old: list[str] = []
    new: list[str] = []
    fields = listing.split(b"\0")[:-1]
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        before, after, _, _, kind = head.removeprefix(b":").split(b" ")
        if not {before, after} <= _PLAIN_MODES or kind not in _PLAIN_KINDS:
            raise NotPlainError
        (new if before == _NOTHING else old).append(path.decode("utf-8", "surrogateescape"))
    return old, new


def _find_met(git_dir: str, env: Mapping[str, str], target: str, base: str) -> list[bytes]:
    """Where HEAD last met the target, or the base: once where the answer is plain."""
    names = [f"refs/heads/{target}"]
    if "/" in target:  # it may be a remote's branch, which counts before a local one
        there = f"refs/remotes/{target}"
        listing = finish_git(start_git(git_dir, env, "for-each-ref", "--format=%(refname)", there))
        names = [there] if there.encode() in listing.split() else names
    told = start_git(git_dir, env, *QUIET, "merge-base", "--all", "HEAD", *names, base)
    return finish_git(told).split()


def main() -> NoReturn:
    """Say yes by an exit code of its own, or nothing at all: then the whole program is to say."""
    try:
        refuse_strange_commit(os.getcwd(), os.environ)  # noqa: PTH109
    # Whatever it is, the whole program knows better words for it.
    except Exception:
        sys.exit(1)
    # Not by way of Python's end, where a stream that is closed could change it.
    os._exit(YES)
