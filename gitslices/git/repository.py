"""A Git repository: everything that starts git goes through `Repository`."""

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from gitslices.core.errors import DiskError, GitError, GitLockedError, GitslicesError
from gitslices.core.faults import reach
from gitslices.git.links import find_admin_folder
from gitslices.quick.git_calls import QUIET

# Git dies, before it has done anything, of what others do to worktrees meanwhile: `commondir` of
# one that is being added is empty for a moment, and `locked` may go before git has read it.
_TORN: Final = (b"/commondir", b"/locked': No such file")

_DOCTOR: Final = "see what is wrong: gitslices doctor"

# Seconds to wait before trying again.
TORN_PAUSES: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)

# It also dies of a lock that another git holds for a moment; only for references it waits itself.
_LOCKED: Final = re.compile(
    rb"could not lock config file (?P<config>.+): File exists"
    rb"|Unable to create '(?P<lock>.+\.lock)': File exists"
)
_LOCK_PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


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
    def lines(self) -> list[str]:
        """Standard output line by line."""
        # Not by splitlines: git lets a name hold what Python takes for the end of a line (U+2028).
        return self.text.split("\n")[:-1]

    @property
    def complaint(self) -> str:
        """Standard error on one line, for a message."""
        said = ""
        for line in filter(str.strip, self.stderr.decode("utf-8", "replace").splitlines()):
            # Git indents what it lists, below a line that ends in a colon.
            gap = "" if not said else " " if said.endswith(":") else "; "
            said += (", " if gap == "; " and line[0].isspace() else gap) + line.strip()
        return said


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
        hooks: bool = False,
        env: Mapping[str, str] = NO_VARIABLES,
        git_dir: Path | None = None,
    ) -> Result:
        """Run git on the repository as a whole; raise `GitError` unless its status is in `ok`.

        With `git_dir`, git's own folder of a worktree, HEAD and index are those of that worktree.
        """
        # The current directory may be gone; git with `--git-dir` alone would want to know it. With
        # `-C` alone `safe.bareRepository=explicit` forbids to take such a folder for a repository.
        folder = str(git_dir or self.common_dir)
        quiet = () if hooks else QUIET
        argv = ("-C", folder, "--git-dir", folder, *quiet, *args)
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
            result = self._execute_patiently(argv, data, ok, env)
            reach(f"{point}:after")
        except OSError as error:
            raise DiskError(f"cannot run git {command}: {error.strerror}") from error
        if result.status not in ok:
            raise _make_error(command, result, worktree)
        return result

    def _execute_patiently(
        self, argv: tuple[str, ...], data: bytes | None, ok: tuple[int, ...], env: Mapping[str, str]
    ) -> Result:
        """Run git again while it dies at once of what others do for a moment."""
        # Each cause has pauses of its own: waiting for the one leaves the other its full time.
        waits = {_is_torn: iter(TORN_PAUSES), _is_locked: iter(_LOCK_PAUSES)}
        while True:
            result = self._execute(argv, data, env)
            cause = next((one for one in waits if result.status not in ok and one(result)), None)
            pause = next(waits[cause], None) if cause else None
            if pause is None:
                return result
            time.sleep(pause)


def _is_torn(result: Result) -> bool:
    return result.status == 128 and any(sign in result.stderr for sign in _TORN)


def _is_locked(result: Result) -> bool:
    return _LOCKED.search(result.stderr) is not None


def _make_error(command: str, result: Result, worktree: Path | None) -> GitslicesError:
    locked = _LOCKED.search(result.stderr)
    if locked is None:
        hint = _find_hint(result, worktree)
        return GitError(command, result.status, result.complaint, hint=hint)
    path = (locked["lock"] or locked["config"] + b".lock").decode("utf-8", "replace")
    return GitLockedError(
        f"git {command} cannot go on: {path!r} exists; a git command is at work, or was killed",
        hint="try again when it has ended; if no git runs there, delete the file",
    )


def _find_hint(result: Result, worktree: Path | None) -> str | None:
    if b"/commondir" in result.stderr:
        return "a worktree is half made; repair it: gitslices doctor --fix"
    if worktree is None:
        return _DOCTOR if _is_astray(result) else None
    if not worktree.is_dir():
        return f"{str(worktree)!r} is gone; see what can be done: gitslices doctor"
    admin = find_admin_folder(worktree)
    if admin is not None and not admin.is_dir():
        return f"git's link to {str(worktree)!r} is broken; repair it: gitslices doctor --fix"
    return _DOCTOR if _is_astray(result) else None


def _is_astray(result: Result) -> bool:
    return not result.stderr.strip() or b"must be run in a work tree" in result.stderr


def _describe(args: tuple[str, ...]) -> str:
    """The subcommand with its first words: enough to recognise it, short enough for a message."""
    settings = {place + 1 for place, word in enumerate(args) if word == "-c"}
    words = [
        word
        for place, word in enumerate(args)
        if not word.startswith("-") and place not in settings
    ]
    return " ".join(words[:2]) if args[0] in {"worktree", "stash"} else words[0]


def has_hook(repo: Repository, worktree: Path, name: str, hooks_path: Path | None) -> bool:
    """Whether git would find the hook `name`; `hooks_path` is `core.hooksPath` as configured."""
    # A relative core.hooksPath counts from the top of each worktree (git-config, core.hooksPath).
    folder = worktree / hooks_path if hooks_path else repo.common_dir / "hooks"
    return os.access(folder / name, os.X_OK)


def read_hooks_folder(repo: Repository, worktree: Path) -> Path:
    """Where git looks for hooks in a worktree, by the settings that hold there alone, too."""
    said = repo.run_at(worktree, "rev-parse", "--git-path", "hooks", hooks=True).text
    # git answers relative to where it was asked, unless the folder is elsewhere.
    return worktree / said.removesuffix("\n")


def run_hook(repo: Repository, worktree: Path, name: str, *args: str) -> str | None:
    """Run the hook `name`, if there is one, in a worktree; return what it said on failure."""
    result = repo.run_at(
        worktree, "hook", "run", "--ignore-missing", name, "--", *args,
        hooks=True, ok=tuple(range(256)),
    )  # fmt: skip
    if result.status == 0:
        return None
    return f"exit status {result.status}" + (f": {result.complaint}" if result.complaint else "")
