"""Bring ignored files along into a new worktree, sharing their blocks where the disk can."""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.model import RepoPath

# linux/fs.h: make one file share the blocks of another, until one of them is written to.
_FICLONE: Final = 0x40049409
_PARTIAL: Final = ".gitslices-partial"
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


def copy_included(source: Path, target: Path, paths: Sequence[RepoPath]) -> tuple[str, ...]:
    """Copy `paths` from one worktree to another; return what was left out, and why.

    Nothing that is there already is replaced, and nothing is written through a symbolic link.
    Raises `DiskError` when the disk is full.
    """
    remarks = []
    safe: set[Path] = {target}
    for path in paths:
        try:
            remark = _copy(source, target, path, safe)
        except OSError as error:
            # A full disk is no matter of this file: every further one would fail as well.
            if error.errno in _FULL:
                raise DiskError(f"cannot copy {path!r}: {error.strerror}") from error
            remark = error.strerror or str(error)
        if remark:
            remarks.append(f"{path!r} was not brought along: {remark}")
    return tuple(remarks)


def _copy(source: Path, target: Path, path: RepoPath, safe: set[Path]) -> str | None:
    origin, copy = source / path, target / path
    mode = origin.lstat().st_mode
    if stat.S_ISDIR(mode):
        return "it is a repository of its own"
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        return "it is no regular file"
    if stat.S_ISLNK(mode) and not _stays_inside(source, path):
        return "it is a symbolic link out of the repository"
    if not _make_folder(copy.parent, safe):
        return f"{str(copy.parent)!r} is no folder in the new worktree"
    if os.path.lexists(copy):
        return None
    # Renamed once it is whole: half a file, left by a kill, would pass for one that was there.
    partial = copy.with_name(copy.name + _PARTIAL)
    partial.unlink(missing_ok=True)
    if stat.S_ISLNK(mode):
        partial.symlink_to(origin.readlink())
    else:
        _copy_file(origin, partial)
    partial.replace(copy)
    return None


def _stays_inside(source: Path, path: RepoPath) -> bool:
    """Whether a link leads, by its text and in truth, to a place in the worktree."""
    # Its text counts in the new worktree: an absolute one would lead back into the old.
    pointed = (source / path).readlink()
    place = os.path.normpath(PurePosixPath(path).parent / pointed)
    inside = place.split("/")[0] not in {"..", ".git"}
    real = Path(os.path.realpath(source / path)).is_relative_to(os.path.realpath(source))
    return not pointed.is_absolute() and inside and real


def _make_folder(folder: Path, safe: set[Path]) -> bool:
    """Make a folder beneath those known to be `safe`; tell whether no link is on the way to it."""
    if folder in safe:
        return True
    if not _make_folder(folder.parent, safe):
        return False
    with suppress(FileExistsError):
        folder.mkdir()
    if not stat.S_ISDIR(folder.lstat().st_mode):
        return False
    safe.add(folder)
    return True


def _copy_file(origin: Path, copy: Path) -> None:
    # It may have become a link since it was looked at.
    descriptor = os.open(origin, os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, "rb") as reader, copy.open("xb") as writer:  # noqa: PTH123
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError:  # another file system, or one without shared blocks
            shutil.copyfileobj(reader, writer)
    shutil.copystat(origin, copy, follow_symlinks=False)
