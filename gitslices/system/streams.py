"""The standard streams as the caller left them: some are closed, some cannot be written."""

import errno
import io
import os
import sys
from typing import Any, Final, TextIO

_CLOSED: Final = "standard output is closed"


class _ClosedOutput(io.RawIOBase):
    """Standard output where there is none: writing fails, so that nothing is lost in silence."""

    is_dropping = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if not self.is_dropping:
            raise OSError(errno.EIO, _CLOSED)
        return memoryview(data).nbytes


def open_closed_streams() -> None:
    """Give closed standard streams their numbers back, so that no file of ours gets them."""
    # In the order of their numbers: each takes the lowest that is free.
    if sys.stdin is None:
        sys.stdin = os.fdopen(_open_null(os.O_RDONLY))
    if sys.stdout is None:
        _open_null(os.O_WRONLY)
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_ClosedOutput()))
    if sys.stderr is None:
        sys.stderr = os.fdopen(_open_null(os.O_WRONLY), "w")


def drop_unwritten() -> None:
    """Drop what the streams do not take.

    Python would try again at exit, and end with 120; and from 3.13 on when it frees the stream, and
    then tell of it.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            # What is left in the buffer goes to the null device: kept, it would be tried again at
            # exit.
            _take_writing(stream)
            stream.flush()


def _take_writing(stream: TextIO) -> None:
    raw = getattr(stream.buffer, "raw", None)
    if isinstance(raw, _ClosedOutput):
        raw.is_dropping = True
        return
    # Put in its place and not closed: the next file to be opened would get the number.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def _open_null(flags: int) -> int:
    # The lowest free number is what is given out: that of the stream which is closed.
    number = os.open(os.devnull, flags)
    # Python opens files that a child does not get; without this one, a child's first file would be
    # its standard output.
    os.set_inheritable(number, True)
    return number
