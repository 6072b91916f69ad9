"""A program on a terminal of its own, typed at and read as by a person."""

import os
import pty
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 60


class Terminal:
    """What is written on the terminal since the last wait is `seen`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def wait_for(self, text: str) -> str:
        """What was written up to `text`; fails where it does not come."""
        deadline = time.monotonic() + _LONGEST
        while text not in self.seen:
            ready, _, _ = select.select([self._descriptor], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} did not come: {self.seen!r}"
            self.seen += self._read()
        before, found, self.seen = self.seen.partition(text)
        return before + found

    def _read(self) -> str:
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux's word for the end of a terminal
            data = b""
        assert data, f"the program has ended: {self.seen!r}"
        return data.decode(errors="replace")


@contextmanager
def open_terminal(
    argv: Sequence[str], directory: Path, environ: Mapping[str, str]
) -> Iterator[Terminal]:
    """Run `argv` on a terminal until the end of the block."""
    process, descriptor = pty.fork()
    if process == 0:
        try:
            os.chdir(directory)
            os.execvpe(argv[0], list(argv), dict(environ))  # noqa: S606
        finally:
            os._exit(127)
    try:
        yield Terminal(descriptor)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(descriptor)
