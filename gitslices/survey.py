"""Look at the place where worktrees shall be, and change nothing."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gitslices.preflight import Place

_GIT_FOLDER: Final = ("HEAD", "objects", "refs")


def survey_place(root: Path, worktrees: Sequence[Path]) -> Place:
    """What the file system says of `root`; `worktrees` are the repository's that exist."""
    parent = next(one for one in (root, *root.parents) if one.is_dir())
    first = root if parent == root else parent / root.relative_to(parent).parts[0]
    real = parent.resolve()
    space = os.statvfs(parent)
    return Place(
        root=str(root),
        parent=str(parent),
        link=next((str(one) for one in (root, first) if one.is_symlink()), None),
        file=str(first) if first.exists() and not first.is_dir() else None,
        git_folder=next((str(one) for one in (real, *real.parents) if _is_git_folder(one)), None),
        worktree=next((str(one) for one in worktrees if real.is_relative_to(one.resolve())), None),
        writable=os.access(parent, os.W_OK | os.X_OK),
        longest_name=os.pathconf(parent, "PC_NAME_MAX"),
        longest_path=os.pathconf(parent, "PC_PATH_MAX"),
        block=space.f_frsize,
        free_bytes=space.f_bavail * space.f_frsize if space.f_blocks else None,
        free_files=space.f_favail if space.f_files else None,
    )


def _is_git_folder(path: Path) -> bool:
    return all((path / name).exists() for name in _GIT_FOLDER)
