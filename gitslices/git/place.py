"""Where a repository is: what git answers, read so that no path passes for another answer."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.errors import MachineError, NotARepositoryError
from gitslices.git.repository import Result
from gitslices.naming import find_path_flaw, show_path

# One process for all: it may take no longer.
QUESTION: Final = (
    "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir",
    "--is-inside-work-tree", "--show-cdup",
)  # fmt: skip
_ANSWER: Final = re.compile(
    r"(?P<own>/.*)\n(?P<common>/.*)\n(?:true\n(?P<up>(?:\.\./)*)|false(?:\n/.*)?)\n"
)


class Place(Struct, frozen=True, kw_only=True):
    """Git's folder for the worktree at hand and the one of all worktrees.

    `up` leads to the top of the worktree; it is None outside of one.
    """

    git_dir: Path
    common_dir: Path
    up: str | None


def read_place(answer: Result, asked: Path) -> Place:
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
    return Place(git_dir=Path(found["own"]), common_dir=Path(found["common"]), up=found["up"])
