"""Folders for worktrees, on disk: found, made and taken back, with no git in it."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.faults import reach
from gitslices.core.files import make_folder
from gitslices.rules.worktree_root import Place
from gitslices.system.mounts import find_mounts_beneath

_TRASH_NAMES: Final = ("trash", ".gitslices-trash")


def find_occupied(paths: Sequence[str]) -> frozenset[str]:
    """Those of `paths` where something is, be it only a dangling symbolic link."""
    return frozenset(path for path in paths if _exists(Path(path)))


def make_worktree_root(root: Path) -> None:
    """Make the folder that holds all worktrees; raise `DiskError` if it is a link or a file."""
    # git follows a link there: one that the repository tracks would lead worktrees anywhere.
    if root.is_symlink():
        raise DiskError(
            f"the worktree root {str(root)!r} is a symbolic link",
            hint=f"name the real folder: git config gitslices.worktreeRoot {root.resolve()}",
        )
    try:
        reach("mkdir:root")
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the worktree root {str(root)!r}: {error.strerror}") from error


def make_leaf(path: Path) -> None:
    """Make the empty folder of one worktree; raise `DiskError` if anything is there already."""
    try:
        # Not left to git: `git worktree add` takes an empty folder of anybody's for its own, mkdir
        # fails where somebody was first.
        reach("mkdir:worktree")
        path.mkdir()
    except OSError as error:
        raise DiskError(f"cannot make {str(path)!r}: {error.strerror}") from error


def remove_leaf(path: Path) -> None:
    """Take back a folder of `make_leaf`, as long as nobody has put anything into it."""
    with suppress(OSError):
        path.rmdir()


def _exists(path: Path) -> bool:
    # `exists` follows links, and says no to one that dangles.
    return path.is_symlink() or path.exists()


def choose_trash(path: Path, state_folder: Path) -> Path:
    """Where `path` can be renamed to: the state folder, or beside it on another file system."""
    # A rename is one step. Between file systems it would be a copy, which a kill cuts short.
    if not path.exists() or path.stat().st_dev == state_folder.stat().st_dev:
        return state_folder / _TRASH_NAMES[0]
    return path.parent / _TRASH_NAMES[1]


def is_away(place: Path) -> bool:
    """Whether not even the trash is there that `place` was put into: its disk may be elsewhere.

    The one of the state folder is on the repository's own disk, which is never away.
    """
    trash = next((folder for folder in place.parents if folder.name == _TRASH_NAMES[1]), None)
    return trash is not None and not trash.exists()


def move_to_trash(path: Path, place: Path) -> None:
    """Rename `path` to `place`, unless that has happened already."""
    if not _exists(path) or _exists(place):
        return
    for folder in place.parents:
        # Through a link the files would go wherever that leads.
        if folder.name in _TRASH_NAMES and folder.is_symlink():
            raise DiskError(f"{str(folder)!r} is a symbolic link", hint="remove the link")
    try:
        reach("mkdir:trash")
        make_folder(place.parent)
        reach("rename:trash")
        path.rename(place)
    except OSError as error:
        raise DiskError(f"cannot move {str(path)!r} to the trash: {error.strerror}") from error


def take_from_trash(place: Path, path: Path) -> None:
    """Rename `place` back to `path`, unless nothing was moved."""
    if _exists(path) or not _exists(place):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        reach("rename:back")
        place.rename(path)
    except OSError as error:
        raise DiskError(f"cannot move {str(place)!r} out of the trash: {error.strerror}") from error


def delete_folder(path: Path, *, first: str = "", last: str = "") -> None:
    """Delete a folder and all beneath it, the entry `first` before and `last` after the others."""
    mounted = find_mounts_beneath(path)
    if mounted:
        raise DiskError(f"{mounted[0]!r} is mounted there", hint=f"unmount it: umount {mounted[0]}")
    try:
        reach("delete:folder")
        for entry in sorted(path.iterdir(), key=lambda one: (one.name == last, one.name != first)):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        path.rmdir()
    except OSError as error:
        raise DiskError(f"cannot delete {str(path)!r}: {error.strerror}") from error


_GIT_FOLDER: Final = ("HEAD", "objects", "refs")


def survey_place(root: Path, worktrees: Sequence[Path]) -> Place:
    """What the file system says of `root`; `worktrees` are the repository's that exist."""
    # The root need not be there yet: the nearest folder above it that is answers in its place.
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
        # Some file systems count no blocks, or no files: then it is not known, which is not full.
        free_bytes=space.f_bavail * space.f_frsize if space.f_blocks else None,
        free_files=space.f_favail if space.f_files else None,
    )


def _is_git_folder(path: Path) -> bool:
    return all((path / name).exists() for name in _GIT_FOLDER)
