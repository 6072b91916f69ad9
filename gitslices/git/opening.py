"""Open a repository through GitPython: the way in for every command that may take its time."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Without git GitPython would fail to import; this way the first command says what is missing.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
import git

from gitslices.errors import GitTooOldError, MachineError, NotARepositoryError
from gitslices.git.repository import Repository, Result, Runner

MINIMUM_VERSION: Final = (2, 38)
INSTALL: Final = "install git 2.38 or newer"


def open_repository(directory: Path, git_dir: Path | None = None) -> Repository:
    """Open the repository that holds `directory`, or the one that `git_dir` names.

    Raises `NotARepositoryError` where there is none, `MachineError` where git refuses to open it
    (`safe.directory`), `GitTooOldError` below git 2.38.
    """
    if not directory.is_dir():
        raise NotARepositoryError(f"there is no directory {str(directory)!r}")
    where = git_dir or directory
    try:
        found = git.Repo(where, search_parent_directories=git_dir is None)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError, FileNotFoundError) as error:
        raise NotARepositoryError(
            f"{str(where)!r} is in no Git repository",
            hint="run gitslices inside a repository, or name one with -C DIR",
        ) from error
    _check_version(found.git)
    own, common = _ask_where(found.git, directory, git_dir)
    top = found.working_tree_dir
    return Repository(Path(top) if top else None, own, common, _make_runner(git.Git(str(common))))


def _check_version(door: git.Git) -> None:
    try:
        version = door.version_info
    except git.GitCommandNotFound as error:
        raise MachineError("there is no git on PATH", hint=INSTALL) from error
    if version < MINIMUM_VERSION:
        have = ".".join(map(str, version))
        raise GitTooOldError(f"git {have} is too old", hint=INSTALL)


def _ask_where(door: git.Git, directory: Path, git_dir: Path | None) -> tuple[Path, Path]:
    """The repository's two folders from git itself, which refuses one that it does not trust."""
    place = ("--git-dir", str(git_dir)) if git_dir else ("-C", str(directory))
    result = _execute(
        door,
        (*place, "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir"),
        None,
        {},
    )
    if result.status != 0:
        raise MachineError(f"git refuses {str(git_dir or directory)!r}: {result.complaint}")
    own, common = result.text.splitlines()
    return Path(own), Path(common)


def _make_runner(door: git.Git) -> Runner:
    return lambda argv, data, env: _execute(door, argv, data, env)


def _execute(
    door: git.Git, argv: tuple[str, ...], data: bytes | None, env: Mapping[str, str]
) -> Result:
    try:
        process = door.execute(
            ["git", *argv],
            istream=None if data is None else subprocess.PIPE,
            as_process=True,
            env=dict(env),
        )
    except git.GitCommandNotFound as error:
        raise MachineError("there is no git on PATH", hint=INSTALL) from error
    stdout, stderr = process.communicate(data)
    return Result(process.returncode, stdout, stderr)
