"""Commands of the repository, each run by a shell in a process group of its own."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import DiskError
from gitslices.core.files import make_folder

_GRACE: Final = 5.0
"""Seconds between the request to end and the end."""
_TAIL: Final = 4096


class Ended(Struct, frozen=True, kw_only=True):
    """How a command ended; `status` is None when it had to be stopped."""

    status: int | None
    last_line: str

    @property
    def failure(self) -> str:
        """Why it did not succeed, with the last that it printed."""
        how = "it took too long" if self.status is None else f"exit status {self.status}"
        return f"{how}: {self.last_line}" if self.last_line else how


class Shell:
    """Runs commands from several threads at once, and can end all that are under way."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(
        self, command: str, *, cwd: Path, environ: Mapping[str, str], timeout: float, log: Path
    ) -> Ended:
        """Run `command` with `sh`, nothing on standard input and both outputs appended to `log`."""
        try:
            make_folder(log.parent)
            with log.open("ab") as output:
                process = self._start(("/bin/sh", "-c", command), cwd, environ, output.fileno())
        except OSError as error:
            raise DiskError(f"cannot run {command!r}: {error}") from error
        if process is None:
            return Ended(status=None, last_line="")
        try:
            status: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            status = None
        with self._guard:
            self._running.discard(process)
        return Ended(status=status, last_line=read_last_line(log))

    def attend(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        log: Path,
        every: float,
        on_beat: Callable[[], None],
        inherited: tuple[int, ...] = (),
    ) -> Ended:
        """Run the program `argv`, however long it takes, calling `on_beat` `every` few seconds.

        Where that raises, the program is ended first. It gets the open files `inherited`.
        """
        try:
            make_folder(log.parent)
            with log.open("wb") as output:
                process = self._start(argv, cwd, environ, output.fileno(), inherited)
        except OSError as error:
            missing = "/" in argv[0] and not (cwd / argv[0]).exists()
            raise DiskError(
                f"cannot run {argv[0]!r} in {str(cwd)!r}: {error.strerror}",
                hint="commit it there, or name it by an absolute path" if missing else None,
            ) from error
        if process is None:
            return Ended(status=None, last_line="")
        try:
            status = _wait(process, every, on_beat)
        except BaseException:
            _end(process)
            raise
        finally:
            with self._guard:
                self._running.discard(process)
        # Asked to end, a command may still exit with any status, 0 among them.
        return Ended(status=None if self._stopped else status, last_line=read_last_line(log))

    def stop(self) -> None:
        """End every command under way with all its children, and start no more."""
        with self._guard:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _end(process)

    def _start(
        self,
        argv: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        output: int,
        inherited: tuple[int, ...] = (),
    ) -> subprocess.Popen[bytes] | None:
        with self._guard:
            if self._stopped:
                return None
            # Still under the guard: else `stop` could miss a command that is just starting.
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=environ,
                # A command that asks something would wait for ever: nobody is there to answer.
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A group of its own, so that its children end with it, and that the Ctrl-C of the
                # terminal reaches only gitslices, which then ends all in order.
                start_new_session=True,
                pass_fds=inherited,
            )
            self._running.add(process)
            return process


@contextmanager
def open_shell() -> Iterator[Shell]:
    """A shell whose commands end with the block when an exception, Ctrl-C say, leaves it."""
    shell = Shell()
    try:
        yield shell
    except BaseException:
        shell.stop()
        raise


def _wait(process: subprocess.Popen[bytes], every: float, on_beat: Callable[[], None]) -> int:
    while True:
        try:
            return process.wait(every)
        except subprocess.TimeoutExpired:
            on_beat()


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        # Also where the shell has ended in time: children that it left are in its group.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def read_last_line(log: Path) -> str:
    """The last line of a log that is not blank."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        lines = file.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
