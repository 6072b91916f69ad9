"""Files written for the user."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from gitslices.errors import InputError


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all; what was there before stays until then.

    Raises `InputError` where the file cannot be written.
    """
    partial = None
    try:
        descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)  # noqa: PTH101
        Path(partial).replace(path)
    except OSError as error:
        if partial:
            with suppress(OSError):
                Path(partial).unlink(missing_ok=True)
        raise InputError(
            f"{str(path)!r} cannot be written: {error.strerror}", hint="name another file with -o"
        ) from error
