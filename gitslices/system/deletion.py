"""The trash on disk: what is too old is set aside, then deleted; with no git in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.faults import reach
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
