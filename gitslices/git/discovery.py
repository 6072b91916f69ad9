"""Where a repository is, by its files alone or by git's answer; opened without GitPython."""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import MachineError, NotARepositoryError
from gitslices.core.naming import find_path_flaw, show_path
from gitslices.git.links import find_admin_folder, list_admin_folders
from gitslices.git.repository import NO_VARIABLES, Repository, Result


def find_common_dir(directory: Path, git_dir: Path | None = None) -> Path | None:
    """The folder that all worktrees share, of the repository around `directory` or at `git_dir`."""
    # Without git: it may fail where a worktree is half made, and many processes are asked for this.
    if git_dir is not None:
        return _find_shared(git_dir)
    for folder in (directory, *directory.parents):
        if (folder / ".git").is_dir():
            return folder / ".git"
        linked = find_admin_folder(folder)
        if linked is not None:
            return _find_shared(linked)
        if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
            return _find_shared(folder)
    return None


def find_top(directory: Path) -> Path | None:
    """The top of the worktree around `directory`."""
    above = (directory, *directory.parents)
    return next((folder for folder in above if (folder / ".git").exists()), None)


def find_torn_folders(common_dir: Path) -> tuple[Path, ...]:
    """Git's folders for worktrees whose `commondir` says nothing: git fails of a single one."""
    folders = list_admin_folders(common_dir)
    return tuple(folder for folder in folders if _is_torn(folder))


def mend_torn_folder(folder: Path) -> None:
    """Write the `commondir` that git writes."""
    (folder / "commondir").write_text("../..\n")


def _find_shared(git_dir: Path) -> Path:
    return git_dir.parent.parent if git_dir.parent.name == "worktrees" else git_dir


def _is_torn(folder: Path) -> bool:
    try:
        return not (folder / "commondir").read_bytes().strip()
    except FileNotFoundError:
        # git writes that one first: where `commondir` is missing beside it, git died in between.
        return (folder / "gitdir").exists()
    except OSError:
        return False


# One process for all: it may take no longer.
QUESTION: Final = (
    "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir",
    "--is-inside-work-tree", "--show-cdup",
)  # fmt: skip
_ANSWER: Final = re.compile(
    r"(?P<own>/.*)\n(?P<common>/.*)\n(?:true\n(?P<up>(?:\.\./)*)|false(?:\n/.*)?)\n"
)


class RepositoryPlace(Struct, frozen=True, kw_only=True):
    """Git's folder for the worktree at hand and the one of all worktrees.

    `up` leads to the top of the worktree; it is None outside of one.
    """

    git_dir: Path
    common_dir: Path
    up: str | None


def read_place(answer: Result, asked: Path) -> RepositoryPlace:
    """Git's `answer` to `QUESTION`, put in the directory or the git directory `asked`.

    Raises `NotARepositoryError` where there is none, `MachineError` where git refuses to open it
    (`safe.directory`) or its path cannot be written down.
    """
    if answer.status != 0:
        if b"not a git repository (or any" in answer.stderr:
            raise NotARepositoryError(asked)
        # Of a linked worktree git then names the folder that is not there.
        moved = b"not a git repository: " in answer.stderr
        hint = "if the repository was moved, run in it: gitslices doctor --fix" if moved else None
        if b"(safe.bareRepository " in answer.stderr:
            hint = f"name it: GIT_DIR={shlex.quote(str(asked))}"
        raise MachineError(f"git refuses {str(asked)!r}: {answer.complaint}", hint=hint)
    found = _ANSWER.fullmatch(answer.text)
    # A path with a line break makes lines too many.
    path = found["common"] if found else str(asked.resolve())
    flaw = find_path_flaw(path) if found else "has a line break in it"
    if found is None or flaw:
        raise MachineError(
            f"the repository's path '{show_path(path)}' {flaw}",
            hint="give the folder another name, in UTF-8 and on one line",
        )
    return RepositoryPlace(
        git_dir=Path(found["own"]), common_dir=Path(found["common"]), up=found["up"]
    )


def probe_repository(directory: Path, git_dir: Path | None = None) -> Repository:
    """Open the repository that holds `directory`, or the one that `git_dir` names.

    One git process; raises as `read_place` does.
    """
    there = ("--git-dir", str(git_dir)) if git_dir else ("-C", str(directory))
    place = read_place(_execute((*there, *QUESTION), None, NO_VARIABLES), git_dir or directory)
    # Not --show-toplevel: it dies where there is no work tree, and follows the links in a path.
    top = None if place.up is None else Path(os.path.abspath(directory / place.up))  # noqa: PTH100
    return Repository(top, place.git_dir, place.common_dir, _execute)


def _execute(argv: tuple[str, ...], data: bytes | None, env: Mapping[str, str]) -> Result:
    try:
        done = subprocess.run(
            ["git", *argv],
            input=data,
            # What comes on a hook's own standard input is for us, and not for a git of ours.
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            check=False,
            # In English, as GitPython does it: a few messages of git's are searched for words.
            env={**os.environ, "LC_ALL": "C", "LANGUAGE": "C", **env},
        )
    except FileNotFoundError as error:
        raise MachineError("there is no git on PATH", hint="install git 2.38 or newer") from error
    return Result(done.returncode, done.stdout, done.stderr)
