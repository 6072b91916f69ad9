"""Git, started without what its hooks are given; `subprocess` would cost more than git itself."""

import os
from collections.abc import Mapping
from typing import Final

MARK_NAME: Final = "gitslices-slice"
"""The file in git's folder for a worktree that says whose it is."""

LOCAL_VARIABLES: Final = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""What ties git to one repository, worktree, index or file of settings.

`git rev-parse --local-env-vars`, less the two that carry `git -c` settings: those are the user's
wish for the whole command.
"""

QUIET: Final = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.safecrlf=false",
)  # fmt: skip
"""Bookkeeping must not run what a repository's settings name: hooks and a file-system monitor.

Nor does it put a user's line endings at stake, which core.safecrlf would have git die of.
"""


class NotPlainError(Exception):
    """The whole program is to be asked."""


def free(environ: Mapping[str, str]) -> dict[str, str]:
    """The same variables without those that tie git to a place."""
    return {name: value for name, value in environ.items() if name not in LOCAL_VARIABLES}


def start_git(folder: str, env: Mapping[str, str], *args: str) -> tuple[int, int]:
    """Start git on the folder of git's own; return its process and where to read its answer."""
    reading, writing = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, writing, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    ]
    argv = ["git", "-C", folder, "--git-dir", folder, *args]
    try:
        process = os.posix_spawnp("git", argv, env, file_actions=actions)
    except OSError as error:
        raise NotPlainError from error
    finally:
        os.close(writing)
    return process, reading


def finish_git(started: tuple[int, int], ok: tuple[int, ...] = (0,)) -> bytes:
    """What a started git has answered; raise `NotPlainError` unless its status is in `ok`."""
    process, reading = started
    with os.fdopen(reading, "rb") as answer:
        data = answer.read()
    if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) not in ok:
        raise NotPlainError
    return data


def ask_folding(common_dir: str, env: Mapping[str, str]) -> tuple[int, int]:
    """Have git look up how the repository compares paths; `read_folding` is the answer."""
    wanted = "^core\\.(ignorecase|precomposeunicode)$"
    return start_git(common_dir, env, "config", "--null", "--get-regexp", wanted)


def read_folding(started: tuple[int, int]) -> list[bool]:
    """Whether case does not count, and whether composed characters are one with their parts."""
    found = {}
    for entry in finish_git(started, ok=(0, 1)).decode("utf-8", "replace").split("\0"):
        key, equals, value = entry.partition("\n")
        # A key without `=` is git's shorthand for true.
        found[key] = not equals or value.lower() in {"true", "yes", "on", "1"}
    return [found.get("core.ignorecase", False), found.get("core.precomposeunicode", False)]
