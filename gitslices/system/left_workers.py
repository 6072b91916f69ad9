"""Commands that outlive who started them, found and ended: those of a killed run, and servers.

Each command inherits an open file that is locked, and a variable that names it. A process of it
that closes the one or drops the other is found by what it still has.
"""

import fcntl
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import BusyError, DiskError

VARIABLE: Final = "GITSLICES_WORKER"
_LOCK: Final = "worker-{}.lock"
_GRACE: Final = 5.0
"""Seconds between the request to end and the end."""
_PAUSE: Final = 0.02


class _Worker(Struct, frozen=True):
    """What the processes of one command have in common: a variable's value, and an open file."""

    name: str
    descriptor: int


@contextmanager
def mark_worker(folder: Path, *, grace: float = _GRACE) -> Iterator[_Worker]:
    """Marks for a command that is about to work in the place that `folder` stands for.

    What was started there before and outlived its run is ended first, and given `grace` seconds for
    that twice. Raises `BusyError` where it cannot be ended.
    """
    name = uuid.uuid4().hex
    path = folder / _LOCK.format(name)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(_LOCK.format("*")):
            end_left(left, grace=grace)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from error
    try:
        # A lock of the open file, not of the process: whoever inherits it holds it, too.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield _Worker(name, descriptor)
    finally:
        # From here on it has ended by itself, and what it may have left in the background is meant.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def start_in_background(
    path: Path, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str], log: Path
) -> bool:
    """Start a program that works on when this process has ended; `end_left` ends it by `path`.

    Not while the one that was started by the same `path` is at work: then it is False.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with log.open("ab") as output:
            subprocess.Popen(
                argv, cwd=cwd, env={**environ, VARIABLE: _find_name(path)},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, pass_fds=(descriptor,),
            )  # fmt: skip
    except BlockingIOError:
        return False
    except OSError as error:
        raise DiskError(f"cannot run {argv[-1]!r} in {str(cwd)!r}: {error.strerror}") from error
    finally:
        os.close(descriptor)
    return True


def _find_name(path: Path) -> str:
    return path.stem.partition("-")[2]


def end_left(path: Path, *, grace: float = _GRACE) -> None:
    """End the processes of the command that `path` was locked for, and forget it.

    Raises `BusyError` where they cannot be ended.
    """
    name = _find_name(path)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in _find_processes(path, name):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, number)
        if _wait_for_end(path, name, grace):
            path.unlink(missing_ok=True)
            return
    raise BusyError(
        "a command that was started there is still at work",
        hint=f"end it; it has {VARIABLE}={name} in its environment",
    )


def _wait_for_end(path: Path, name: str, grace: float) -> bool:
    give_up = time.monotonic() + grace
    while _is_locked(path) or _find_processes(path, name):
        if time.monotonic() > give_up:
            return False
        time.sleep(_PAUSE)
    return True


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _find_processes(path: Path, name: str) -> list[int]:
    """Processes that were started with the variable or have the file open, where `/proc` tells.

    Not by numbers noted before: the system gives these to others again.
    """
    wanted = f"{VARIABLE}={name}".encode()
    # Without this process: run by such a command, it has the variable itself.
    others = (one for one in Path("/proc").glob("[0-9]*") if one.name != str(os.getpid()))
    return [int(one.name) for one in others if _has_variable(one, wanted) or _has_open(one, path)]


def _has_variable(process: Path, wanted: bytes) -> bool:
    with suppress(OSError):
        return wanted in (process / "environ").read_bytes().split(b"\0")
    return False


def _has_open(process: Path, path: Path) -> bool:
    with suppress(OSError):
        return any(str(one.readlink()) == str(path) for one in (process / "fd").iterdir())
    return False
