"""Open a repository without GitPython, whose import costs more than all that a hook may take."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from gitslices.errors import MachineError
from gitslices.git.place import QUESTION, read_place
from gitslices.git.repository import NO_VARIABLES, Repository, Result


def probe_repository(directory: Path, git_dir: Path | None = None) -> Repository:
    """Open the repository that holds `directory`, or the one that `git_dir` names.

    One git process; raises as `read_place` does.
    """
    there = ("--git-dir", str(git_dir)) if git_dir else ("-C", str(directory))
    place = read_place(_execute((*there, *QUESTION), None, NO_VARIABLES), git_dir or directory)
    top = None if place.up is None else Path(os.path.abspath(directory / place.up))  # noqa: PTH100
    return Repository(top, place.git_dir, place.common_dir, _execute)


def _execute(argv: tuple[str, ...], data: bytes | None, env: Mapping[str, str]) -> Result:
    try:
        done = subprocess.run(
            ["git", *argv],
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C", "LANGUAGE": "C", **env},
        )
    except FileNotFoundError as error:
        raise MachineError("there is no git on PATH", hint="install git 2.38 or newer") from error
    return Result(done.returncode, done.stdout, done.stderr)
