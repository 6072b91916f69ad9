"""Open a repository through GitPython: the way in for every command that may take its time."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Without git GitPython would fail to import; this way the first command says what is missing.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
import git

from gitslices.core.errors import GitTooOldError, MachineError, NotARepositoryError
from gitslices.git.discovery import QUESTION, read_place
from gitslices.git.repository import NO_VARIABLES, Repository, Result, Runner

_MINIMUM_VERSION: Final = (2, 38)
_INSTALL: Final = "install git 2.38 or newer"


def open_repository(directory: Path, git_dir: Path | None = None) -> Repository:
    """Open the repository that holds `directory`, or the one that `git_dir` names.

    Raises as `read_place` does, and `GitTooOldError` below git 2.38.
    """
    door = git.Git()
    _check_version(door)
    there = ("--git-dir", str(git_dir)) if git_dir else ("-C", str(directory))
    where = git_dir or directory
    place = read_place(_execute(door, (*there, *QUESTION), None, NO_VARIABLES), where)
    try:
        top = git.Repo(where, search_parent_directories=git_dir is None).working_tree_dir
    except git.InvalidGitRepositoryError as error:
        raise NotARepositoryError(where) from error
    runner = _make_runner(git.Git(str(place.common_dir)))
    return Repository(Path(top) if top else None, place.git_dir, place.common_dir, runner)


def _check_version(door: git.Git) -> None:
    try:
        version = door.version_info
    except git.GitCommandNotFound as error:
        raise MachineError("there is no git on PATH", hint=_INSTALL) from error
    if version < _MINIMUM_VERSION:
        have = ".".join(map(str, version))
        raise GitTooOldError(f"git {have} is too old", hint=_INSTALL)


def _make_runner(door: git.Git) -> Runner:
    return lambda argv, data, env: _execute(door, argv, data, env)


def _execute(
    door: git.Git, argv: tuple[str, ...], data: bytes | None, env: Mapping[str, str]
) -> Result:
    try:
        # As a process, for its bytes as they are: else GitPython decodes and trims them.
        process = door.execute(
            ["git", *argv],
            istream=None if data is None else subprocess.PIPE,
            as_process=True,
            env=env,
        )
    except git.GitCommandNotFound as error:
        raise MachineError("there is no git on PATH", hint=_INSTALL) from error
    stdout, stderr = process.communicate(data)
    return Result(process.returncode, stdout, stderr)
