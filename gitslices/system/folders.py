"""Folders made, moved, compared, deleted; what the file system says of the place for worktrees."""

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.faults import reach
from gitslices.core.files import follow_folder, make_folder
from gitslices.rules.worktree_root import Place
from gitslices.system.mounts import find_mounts_beneath

_EXPIRED: Final = "expired"


def set_expired(folder: Path, name: str) -> None:
    """Set a folder of the trash aside for `delete_expired`; from now on it cannot come back."""
    place = folder.parent.parent / _EXPIRED / name
    try:
        if os.path.lexists(folder):
            place.parent.mkdir(mode=0o700, exist_ok=True)
            # One step: what `undo` can bring back is in the trash whole, or not any more.
            reach("rename:expired")
            folder.rename(place)
    except OSError as error:
        raise DiskError(f"cannot move {str(folder)!r}: {error.strerror}") from error
    remove_empty(folder.parent)


def remove_empty(*folders: Path) -> None:
    """Remove those of `folders` in which nothing is left, and nothing else."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def delete_expired(trash: Path) -> None:
    """Delete what `set_expired` has set aside, as far as that goes."""
    expired = trash / _EXPIRED
    # Through a link, the walk and its chmod would reach folders of somebody else's.
    if trash.is_symlink() or expired.is_symlink() or not expired.is_dir():
        return
    delete_tree(expired)


def delete_tree(top: Path) -> None:
    """Delete a folder with all it holds, as far as the file system lets us; links stay links.

    What is mounted in it stays, with the folders that lead there: its files are somebody else's.
    """
    mounts = find_mounts_beneath(top)
    if not mounts:
        _delete_whole(top)
    elif os.path.realpath(top) not in mounts:
        for entry in top.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                delete_tree(entry)
            else:
                entry.unlink(missing_ok=True)


def _delete_whole(top: Path) -> None:
    for folder in _find_folders(top):
        # A folder without write permission, such as a module cache, cannot be emptied.
        with suppress(OSError):
            folder.chmod(0o700)
    shutil.rmtree(top, ignore_errors=True)


def _find_folders(top: Path) -> Iterator[Path]:
    """Every real folder beneath `top`, each before its contents are looked at."""
    for folder, names, _ in os.walk(top):
        yield from (path for name in names if not (path := Path(folder, name)).is_symlink())


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


# In the folder that stands for one elsewhere: where that is.
_ELSEWHERE: Final = "elsewhere"


def make_scratch(folder: Path, root: Path | None = None) -> Path:
    """A new folder to work in: `folder` itself, or one of its name in `root`."""
    try:
        folder.mkdir(mode=0o700)
        follow_folder(folder)
        if root is None:
            return folder
        # Noted first: what is made elsewhere must be found again from here.
        (folder / _ELSEWHERE).write_text(str(root / folder.name), "utf-8", "surrogateescape")
        make_worktree_root(root)
        (root / folder.name).mkdir(mode=0o700)
    except OSError as error:
        raise DiskError(f"cannot make {str(root or folder)!r}: {error.strerror}") from error
    return root / folder.name


def clear_scratch(folder: Path) -> None:
    """Delete what `make_scratch` has made for `folder`, if it has."""
    with suppress(OSError):
        elsewhere = Path((folder / _ELSEWHERE).read_text("utf-8", "surrogateescape"))
        # Only what bears the name of this very operation is ours to delete.
        if elsewhere.name == folder.name:
            delete_tree(elsewhere)
    delete_tree(folder)


_CHUNK: Final = 1 << 20
_LARGE: Final = 1 << 26
"""Beyond this size, a file with the size and the time of the other counts as its copy."""


def is_copied(path: Path, other: Path) -> bool:
    """Whether everything at and beneath `path` is at `other` with the same content.

    What `other` has besides does not matter; what cannot be read counts as missing.
    """
    # A list and no recursion: folders may be nested deeper than Python calls.
    waiting = [(path, other)]
    try:
        while waiting:
            here, there = waiting.pop()
            if stat.S_ISDIR(here.lstat().st_mode):
                if not stat.S_ISDIR(there.lstat().st_mode):
                    return False
                waiting += [(here / name, there / name) for name in os.listdir(here)]  # noqa: PTH208
            elif not _is_same(here, there):
                return False
    except OSError:
        return False
    return True


def _is_same(here: Path, there: Path) -> bool:
    mine = here.lstat()
    if stat.S_ISLNK(mine.st_mode):
        return there.is_symlink() and here.readlink() == there.readlink()
    if not stat.S_ISREG(mine.st_mode):
        return True  # a socket, a pipe: nothing is in it
    other = there.lstat()
    if not stat.S_ISREG(other.st_mode) or mine.st_size != other.st_size:
        return False
    if mine.st_size > _LARGE:
        return mine.st_mtime_ns == other.st_mtime_ns
    return _has_same_content(here, there)


def _has_same_content(here: Path, there: Path) -> bool:
    with here.open("rb") as one, there.open("rb") as two:
        while chunk := one.read(_CHUNK):
            if chunk != two.read(_CHUNK):
                return False
        # Compared to the end: it may have grown since the sizes were the same.
        return not two.read(1)
