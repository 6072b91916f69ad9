"""Files written whole, and blocks of ours kept inside files that belong to others."""

import errno
import os
import pwd
import stat
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError

_MIB: Final = 1024 * 1024
_PRIVATE: Final = 0o600

# What files end with that are being written.
PARTIAL: Final = ".tmp"


class TooLargeError(OSError):
    """A file has more bytes than anybody who means well would put there."""


class NotRegularError(OSError):
    """A device, a pipe or a socket is where a file should be."""


def read_regular(path: Path, *, limit: int) -> bytes:
    """What the regular file at `path` holds, of at most `limit` bytes; a link is followed.

    Whatever else a repository can put there, or link to, is refused: a device that never ends, a
    pipe that nobody writes to. Raises `OSError`, and of its kinds `NotRegularError` and
    `TooLargeError`.
    """
    _require_regular(path.stat().st_mode)  # before it is opened: opening a device can do things
    # O_NONBLOCK: it may have become a pipe since, and opening one waits for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123
        _require_regular(os.fstat(descriptor).st_mode)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise TooLargeError(errno.EFBIG, f"it is larger than {_show_size(limit)}")
    return data


def _require_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise NotRegularError(errno.EINVAL, "it is no regular file")


def _show_size(size: int) -> str:
    return f"{size // _MIB} MiB" if size >= _MIB else f"{size // 1024} KiB"


def replace_file(path: Path, data: bytes, *, mode: int = _PRIVATE) -> None:
    """Put `data` at `path`, readable by the user alone unless `mode`, less the umask, allows more.

    Without `mode` the group may what `follow_folder` says.
    Raises `DiskError` if that cannot be.
    """
    partial = name_partial(path)
    try:
        # Beside the file it replaces, because a rename is atomic within one file system only.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(data)
            file.flush()
            # Without it a power cut can leave the new name with nothing in it, and the old file is
            # gone.
            os.fsync(descriptor)
        if mode == _PRIVATE:
            follow_folder(partial)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from error


def follow_folder(path: Path) -> None:
    """Let the group do with `path` what its owner may, where it may write the folder.

    So git does where `core.sharedRepository` shares a repository with a group.
    """
    if path.parent.stat().st_mode & stat.S_IWGRP:
        mode = stat.S_IMODE(path.lstat().st_mode)
        shared = mode | (mode & stat.S_IRWXU) >> 3
        if shared != mode:
            path.chmod(shared)


def make_folder(path: Path) -> None:
    """Make the folder `path`, and those above it, for the user alone or as `follow_folder` says."""
    missing = [place for place in (path, *path.parents) if not place.exists()]
    # `mkdir(parents=True)` gives the mode to the last folder only, and to the others what the umask
    # leaves.
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
        follow_folder(place)


def describe_refusal(path: Path) -> str | None:
    """Whose the file or folder is that keeps the user from `path`; None where none does."""
    for place in (*reversed(path.parents), path):
        if not place.exists():
            place = place.parent
        wanted = os.R_OK | os.W_OK if place in {path, path.parent} else os.X_OK
        if not os.access(place, wanted):
            found = place.stat()
            mode = stat.S_IMODE(found.st_mode)
            return (
                f"{str(place)!r} belongs to {_name_user(found.st_uid)}, with mode {mode:04o}; "
                f"this runs as {_name_user(os.geteuid())}"
            )
    return None


def _name_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def name_partial(path: Path) -> Path:
    """Where to write what is to be at `path`; every call gives another name."""
    return path.with_name(f"{path.name}.{uuid.uuid4().hex}{PARTIAL}")


_BEGIN = "gitslices: begin"
_END = "gitslices: end"


def put_block(text: str, lines: str, *, comment: str) -> str:
    """`text` with `lines` as its block: where the block was, else at the end.

    `comment` is how a line is made a comment, with `{}` for what it says.
    """
    block = f"{comment.format(_BEGIN)}\n{lines.rstrip()}\n{comment.format(_END)}\n"
    before, found, after = _split(text, comment)
    if found:
        return before + block + after
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return text + gap + block


def drop_block(text: str, *, comment: str) -> str:
    """`text` without its block, and as it was before there was one."""
    before, found, after = _split(text, comment)
    if not found:
        return text
    # The empty line that `put_block` set before a block at the end goes with it.
    return (before.removesuffix("\n") if not after and before else before) + after


def read_block(text: str, *, comment: str) -> tuple[str, ...]:
    """The lines of the block; none where there is no block."""
    before, found, after = _split(text, comment)
    lines = text[len(before) : len(text) - len(after)].splitlines()
    return tuple(lines[1:-1]) if found else ()


def _split(text: str, comment: str) -> tuple[str, bool, str]:
    begin, end = comment.format(_BEGIN) + "\n", comment.format(_END) + "\n"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    # A beginning without an end: somebody has edited it, and what follows may be theirs.
    return (before, True, after) if found and closed else (text, False, "")
