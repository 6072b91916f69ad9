"""Whether what one folder has is in another one, too: files compared, links never followed."""

import os
import stat
from pathlib import Path
from typing import Final

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
