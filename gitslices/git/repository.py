"""A Git repository: everything that starts git goes through `Repository`."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from gitslices.core.errors import DiskError, GitError
from gitslices.core.faults import reach
from gitslices.git.links import find_admin_folder

# Bookkeeping must not run what a repository's settings name: hooks and a file-system monitor.
QUIET: Final = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")

# Git dies, before it has done anything, of what others do to worktrees meanwhile: `commondir` of
# one that is being added is empty for a moment, and `locked` may go before git has read it.
_TORN: Final = (b"/commondir", b"/locked': No such file")

# Seconds to wait before trying again.
TORN_PAUSES: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


class Result(Struct, frozen=True):
    """What a finished git command left: its exit status and both outputs, undecoded."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output, with bytes that are no UTF-8 surrogate-escaped."""
        return self.stdout.decode("utf-8", "surrogateescape")

    @property
    def complaint(self) -> str:
        """Standard error, for a message."""
        return self.stderr.decode("utf-8", "replace").strip()


Runner = Callable[[tuple[str, ...], bytes | None, Mapping[str, str]], Result]
"""Starts git with arguments, standard input and further variables, and waits for it."""

NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})


class Repository:
    """One repository with all its worktrees.

    `git_dir` belongs to the worktree at hand, whose top is `worktree` (None in a bare repository),
    `common_dir` to all worktrees. `runner` is GitPython's, or the probe's where time is short.
    """

    def __init__(
        self, worktree: Path | None, git_dir: Path, common_dir: Path, runner: Runner
    ) -> None:
        self.worktree = worktree
        self.git_dir = git_dir
        self.common_dir = common_dir
        self._execute = runner

    def run(
        self,
        *args: str,
        input: bytes | None = None,  # noqa: A002
        ok: tuple[int, ...] = (0,),
        env: Mapping[str, str] = NO_VARIABLES,
    ) -> Result:
        """Run git on the repository as a whole; raise `GitError` unless its status is in `ok`."""
        # The current directory may be gone; git with `--git-dir` alone would want to know it.
        folder = str(self.common_dir)
        argv = ("-C", folder, "--git-dir", folder, *QUIET, *args)
        return self._run(argv, args, input, ok, env, None)

    def run_at(
        self,
        worktree: Path,
        *args: str,
        input: bytes | None = None,  # noqa: A002
        ok: tuple[int, ...] = (0,),
        hooks: bool = False,
        env: Mapping[str, str] = NO_VARIABLES,
    ) -> Result:
        """Run git in one worktree; with `hooks` as the user would, else for bookkeeping."""
        quiet = () if hooks else QUIET
        return self._run(("-C", str(worktree), *quiet, *args), args, input, ok, env, worktree)

    def _run(
        self,
        argv: tuple[str, ...],
        shown: tuple[str, ...],
        data: bytes | None,
        ok: tuple[int, ...],
        env: Mapping[str, str],
        worktree: Path | None,
    ) -> Result:
        command = _describe(shown)
        point = f"git:{command.replace(' ', '-')}"
        try:
            reach(f"{point}:before")
            result = self._execute(argv, data, env)
            for pause in TORN_PAUSES:
                if result.status != 128 or not any(sign in result.stderr for sign in _TORN):
                    break
                time.sleep(pause)
                result = self._execute(argv, data, env)
            reach(f"{point}:after")
        except OSError as error:
            raise DiskError(f"cannot run git {command}: {error.strerror}") from error
        if result.status not in ok:
            hint = _find_hint(result, worktree)
            raise GitError(command, result.status, result.complaint, hint=hint)
        return result


def _find_hint(result: Result, worktree: Path | None) -> str | None:
    if b"/commondir" in result.stderr:
        return "a worktree is half made; repair it: gitslices doctor --fix"
    if worktree is None:
        return None
    if not worktree.is_dir():
        return f"{str(worktree)!r} is gone; see what can be done: gitslices doctor"
    admin = find_admin_folder(worktree)
    if admin is not None and not admin.is_dir():
        return f"git's link to {str(worktree)!r} is broken; repair it: gitslices doctor --fix"
    return None


def _describe(args: tuple[str, ...]) -> str:
    """The subcommand with its first words: enough to recognise it, short enough for a message."""
    settings = {place + 1 for place, word in enumerate(args) if word == "-c"}
    words = [
        word
        for place, word in enumerate(args)
        if not word.startswith("-") and place not in settings
    ]
    return " ".join(words[:2]) if args[0] in {"worktree", "stash"} else words[0]
