"""The folder that holds all state of one repository."""

import os
import stat
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError

FOLDER_NAME: Final = "gitslices"
# Followed by the id of an operation: its lock and what it fills, and where it works meanwhile.
OPERATION: Final = "operation-"
SCRATCH: Final = "scratch-"
# The file that tells the repository from all others.
IDENTITY_NAME: Final = "identity"
_ASIDE: Final = "damaged-"
_PRIVATE: Final = 0o700
_OTHERS: Final = 0o077
# What git gives its folders where core.sharedRepository shares them with a group.
_SHARED: Final = stat.S_ISGID | stat.S_IWGRP
_OF_GROUP: Final = stat.S_ISGID | stat.S_IRWXU | stat.S_IRWXG


def list_operations(folder: Path) -> set[str]:
    """The operations that have left something in the state folder, dead or alive."""
    with suppress(FileNotFoundError):
        names = [path.stem for path in folder.iterdir()]
        return {
            name.removeprefix(start)
            for start in (OPERATION, SCRATCH)
            for name in names
            if name.startswith(start)
        }
    return set()


def make_aside(folder: Path) -> Path:
    """A new folder beside the state, for damaged files that are kept as they are."""
    for number in count(1):
        place = folder / f"{_ASIDE}{number}"
        # To make it is the question: of two that look at once, one gets the number.
        with suppress(FileExistsError):
            place.mkdir(mode=_PRIVATE)
            return place
    raise AssertionError("numbers do not end")


def make_state_folder(common_dir: Path) -> Path:
    """`<common_dir>/gitslices`, made if it is not there yet; nobody else may look into it.

    But the group may to whom git has given the repository.
    """
    folder = common_dir / FOLDER_NAME
    # It would lead the state, and the change of modes below, to anybody's folder.
    if folder.is_symlink():
        raise DiskError(f"{str(folder)!r} is a symbolic link", hint="remove the link")
    try:
        folder.mkdir(mode=_PRIVATE, exist_ok=True)
        shared = common_dir.stat().st_mode & _SHARED == _SHARED
        found = folder.stat()
        # Only the owner may change a mode; the others of the group find it done.
        if shared and found.st_uid == os.geteuid() and found.st_mode & _OF_GROUP != _OF_GROUP:
            folder.chmod(_OF_GROUP)
        elif found.st_mode & (stat.S_IRWXO if shared else _OTHERS):
            folder.chmod(_OF_GROUP if shared else _PRIVATE)
    except OSError as error:
        raise DiskError(f"cannot make {str(folder)!r}: {error.strerror}") from error
    return folder
