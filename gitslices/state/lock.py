"""Locks between processes: filelock on files that stay, so that a killed holder frees them."""

import json
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from gitslices.core.errors import BusyError, DiskError
from gitslices.core.faults import reach
from gitslices.core.files import follow_folder
from gitslices.state.folder import OPERATION

# filelock asks again and again; every 50 ms, as it does unless told, some of 64 starved.
_POLL_SECONDS: Final = 0.02


@contextmanager
def hold_lock(folder: Path, name: str, *, timeout: float, purpose: str) -> Iterator[None]:
    """Hold `<folder>/<name>.lock` for the duration of the block.

    `purpose` is what others are told who wait in vain. Raises `BusyError` after `timeout` seconds,
    naming the holder.
    """
    lock = _make_lock(folder, name)
    path = Path(lock.lock_file)
    try:
        reach(f"lock:{name}")
        lock.acquire(timeout=timeout)
    except Timeout as error:  # an OSError, too: so it comes first
        raise BusyError(
            f"{_read_holder(path)} still works on this repository after {timeout:g} s",
            hint="try again later, or wait longer with --lock-timeout SECONDS",
        ) from error
    except OSError as error:
        raise DiskError(f"cannot lock {str(path)!r}: {error.strerror or error}") from error
    try:
        _write_holder(path, purpose)
        yield
    finally:
        # Before the lock is free: a moment later the note may be the next holder's.
        _remove(_holder_file(path))
        lock.release()


@contextmanager
def hold_operation(folder: Path, operation: str, *, timeout: float) -> Iterator[None]:
    """Show that `operation` is alive for the duration of the block, and leave no file behind."""
    lock = _make_lock(folder, f"{OPERATION}{operation}")
    path = Path(lock.lock_file)
    try:
        reach("lock:operation")
        lock.acquire(timeout=timeout)
    except Timeout as error:
        raise BusyError(f"operation {operation} is under way", hint="try again later") from error
    except OSError as error:
        raise DiskError(f"cannot lock {str(path)!r}: {error.strerror or error}") from error
    try:
        yield
    finally:
        # filelock gives nobody a lock whose file is gone: who waits for this one makes it anew.
        _remove(path)
        lock.release()


def find_dead_operations(folder: Path, operations: Collection[str]) -> tuple[str, ...]:
    """Those of `operations` that no process is working on."""
    return tuple(one for one in sorted(operations) if not is_held(folder, f"{OPERATION}{one}"))


def wait_for_operation(folder: Path, operation: str, *, timeout: float) -> None:
    """Return once `operation` has ended, or its process was killed."""
    lock = _make_lock(folder, f"{OPERATION}{operation}")
    path = Path(lock.lock_file)
    # To acquire it makes the file: an operation that has ended would get it back.
    if not path.exists():
        return
    try:
        with lock.acquire(timeout=timeout):
            _remove(path)
    except Timeout as error:
        raise BusyError(
            f"another gitslices still fills worktrees after {timeout:g} s",
            hint="try again later, or wait longer with --lock-timeout SECONDS",
        ) from error


def find_stale_holders(folder: Path) -> tuple[Path, ...]:
    """Notes of who holds a lock, for locks that nobody holds."""
    return tuple(path for path in sorted(folder.glob("*.holder")) if not is_held(folder, path.stem))


def is_held(folder: Path, name: str) -> bool:
    """Whether a process holds `<folder>/<name>.lock` now."""
    lock = _make_lock(folder, name)
    # Whoever only asks must leave no file, and may not be able to make one.
    if not Path(lock.lock_file).exists():
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def _make_lock(folder: Path, name: str) -> FileLock:
    shared = folder.exists() and folder.stat().st_mode & stat.S_IWGRP
    # A soft lock outlives a kill; and where a held file is removed, two have the lock.
    return FileLock(
        folder / f"{name}.lock", mode=0o660 if shared else 0o600, poll_interval=_POLL_SECONDS,
        fallback_to_soft=False, preserve_lock_file=True,
    )  # fmt: skip


def _remove(path: Path) -> None:
    # What stays is removed by the next who looks: it must not hide how the block ended.
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _holder_file(path: Path) -> Path:
    return path.with_suffix(".holder")


def _write_holder(path: Path, purpose: str) -> None:
    # Only for the message to others: a full disk must not stop the work that frees it.
    with suppress(OSError):
        _holder_file(path).write_text(json.dumps({"pid": os.getpid(), "purpose": purpose}))
        follow_folder(_holder_file(path))


def _read_holder(path: Path) -> str:
    try:
        # Written beside the lock, not with it: it may be half there, or gone again.
        holder = json.loads(_holder_file(path).read_bytes())
        return f"`{holder['purpose']}` (process {int(holder['pid'])})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another gitslices"
