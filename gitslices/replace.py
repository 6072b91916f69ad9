"""Files replaced whole: a reader finds the old bytes or the new ones, never half of them."""

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.errors import DiskError

# What files end with that are being written.
PARTIAL: Final = ".tmp"


def replace_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put `data` at `path`, readable by the user alone unless `mode`, less the umask, allows more.

    Raises `DiskError` if that cannot be.
    """
    partial = name_partial(path)
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from error


def name_partial(path: Path) -> Path:
    """Where to write what is to be at `path`; every call gives another name."""
    return path.with_name(f"{path.name}.{uuid.uuid4().hex}{PARTIAL}")
