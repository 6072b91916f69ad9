"""The index of a worktree, locked as git locks it while a new one is made beside it.

Every git that commits, stages or switches branches makes `index.lock` first, and gives up where it
is there. What is made meanwhile is a copy, for git to work on as `GIT_INDEX_FILE`.
"""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha1, sha256
from pathlib import Path
from typing import Final

from gitslices.core.errors import BusyError, DiskError
from gitslices.core.faults import reach
from gitslices.core.model import Oid

COPY: Final = "gitslices-index"
_COPY_LOCK: Final = f"{COPY}.lock"

INDEX_LOCK_HINT: Final = "try again when it has ended; if no git runs there, delete the file"
_LOCK: Final = "index.lock"
_SIGNATURE: Final = b"DIRC"
_SHA1: Final = 20

# Seconds to wait before trying again: a git that only stages or commits is done within these.
_PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.3)


def is_index_whole(index: Path, *, commit: Oid) -> bool:
    """Whether an index, if there is one, ends in the hash of all that comes before it.

    A power cut leaves it empty, full of zeros or too short. git may read on past its end then, and
    take all files for deleted. Of `commit`, any of the repository, only the length counts: it tells
    the kind of its hashes.
    """
    width = len(commit) // 2
    try:
        data = index.read_bytes()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    body, trailer = data[:-width], data[-width:]
    if not body.startswith(_SIGNATURE):
        return False
    if trailer == bytes(width):  # with `index.skipHash` (git 2.40)
        return any(body[-width:])
    return trailer == (sha1 if width == _SHA1 else sha256)(body).digest()


def hold_index(git_dir: Path, mark: Path) -> None:
    """Lock the index in `git_dir`; the lock reads like the file `mark`, which tells whose it is.

    A lock with that mark stays: a process that was killed has left it for this one. Raises
    `BusyError` where somebody else's has not gone within a second, or a git that outlives its
    killed parent is still at work on the copy.
    """
    taken = _wait_until_none(lambda: _find_taken(git_dir, mark))
    if taken is not None:
        raise BusyError(describe_index_lock(taken), hint=INDEX_LOCK_HINT)


def find_index_lock(git_dirs: Iterable[Path]) -> Path | None:
    """A lock on the index in one of `git_dirs` that has not gone within a second."""
    places = [git_dir / name for git_dir in git_dirs for name in (_LOCK, _COPY_LOCK)]
    return _wait_until_none(lambda: next((one for one in places if one.exists()), None))


def describe_index_lock(lock: Path) -> str:
    """What a lock says to whoever finds it."""
    return f"{str(lock)!r} exists: a git command is at work there, or one was killed"


def _wait_until_none(find: Callable[[], Path | None]) -> Path | None:
    for pause in _PAUSES:
        if find() is None:
            return None
        time.sleep(pause)
    return find()


def _find_taken(git_dir: Path, mark: Path) -> Path | None:
    """The lock that somebody else has; None once the index is locked."""
    lock, inner = _lock_of(git_dir), git_dir / _COPY_LOCK
    # A git that outlives its killed parent still writes the copy: that must end first.
    if inner.exists():
        return inner
    try:
        _make_lock(lock, mark)
    except FileExistsError:
        return None if _has_mark(lock, mark) else lock
    except OSError as error:
        raise DiskError(f"cannot lock {str(lock)!r}: {error.strerror}") from error
    return None


def release_index(git_dir: Path, mark: Path) -> None:
    """Take away the lock with `mark`, if there is one, and a copy that was not published."""
    lock = _lock_of(git_dir)
    # The copy first: once the lock is gone, others write an index that it knows nothing of.
    drop_copy(git_dir)
    try:
        if _has_mark(lock, mark):
            reach("unlink:index-lock")
            lock.unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"cannot remove {str(lock)!r}: {error.strerror}") from error


def copy_index(git_dir: Path) -> Path:
    """The copy of the index, made unless there is one; no file where there is no index either.

    The copy has the time of the index: git trusts what it knows of a file only if that is older.
    """
    index, copy = git_dir / "index", git_dir / COPY
    if copy.exists():
        return copy
    try:
        reach("link:index-copy")
        # Git replaces index files and never writes into one; and a link fits on a full disk.
        copy.hardlink_to(index)
    except FileNotFoundError:
        pass
    except OSError:
        from shutil import copy2

        try:
            copy2(index, copy)
        except OSError as error:
            with suppress(OSError):
                copy.unlink()
            raise DiskError(f"cannot copy {str(index)!r}: {error.strerror}") from error
    return copy


def drop_copy(git_dir: Path) -> None:
    """Forget what was done to the copy, and the lock that a killed git left on it."""
    try:
        for name in (_COPY_LOCK, COPY):
            (git_dir / name).unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"cannot remove {str(git_dir / COPY)!r}: {error.strerror}") from error


def publish_copy(git_dir: Path) -> None:
    """Make the copy, if there is one, the index; the lock stays."""
    try:
        if (git_dir / COPY).exists():
            reach("rename:index-copy")
            (git_dir / COPY).replace(git_dir / "index")
    except OSError as error:
        raise DiskError(f"cannot write {str(git_dir / 'index')!r}: {error.strerror}") from error


def _lock_of(git_dir: Path) -> Path:
    return git_dir / _LOCK


def _make_lock(lock: Path, mark: Path) -> None:
    """Make the lock with its content in one step, so that a kill leaves no lock without a mark.

    Where the file system has no hard links it takes two.
    """
    try:
        reach("link:index-lock")
        lock.hardlink_to(mark)
    except FileExistsError:
        raise
    except OSError:
        _write_lock(lock, mark.read_bytes())


def _write_lock(lock: Path, data: bytes) -> None:
    descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(data)
    except OSError:
        lock.unlink(missing_ok=True)
        raise


def _has_mark(lock: Path, mark: Path) -> bool:
    try:
        found, own = lock.stat(), mark.stat()
        # Mostly the lock is a link to the mark. Where there are no links its text must do.
        if os.path.samestat(found, own):
            return True
        return found.st_size == own.st_size and lock.read_bytes() == mark.read_bytes()
    except FileNotFoundError:
        return False
