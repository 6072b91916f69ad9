"""Files written whole, and blocks of ours kept inside files that belong to others."""

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError

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


BEGIN = "gitslices: begin"
END = "gitslices: end"


def put_block(text: str, lines: str, *, comment: str) -> str:
    """`text` with `lines` as its block: where the block was, else at the end.

    `comment` is how a line is made a comment, with `{}` for what it says.
    """
    block = f"{comment.format(BEGIN)}\n{lines.rstrip()}\n{comment.format(END)}\n"
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
    return (before.removesuffix("\n") if not after and before else before) + after


def read_block(text: str, *, comment: str) -> tuple[str, ...]:
    """The lines of the block; none where there is no block."""
    before, found, after = _split(text, comment)
    lines = text[len(before) : len(text) - len(after)].splitlines()
    return tuple(lines[1:-1]) if found else ()


def _split(text: str, comment: str) -> tuple[str, bool, str]:
    begin, end = comment.format(BEGIN) + "\n", comment.format(END) + "\n"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    return (before, True, after) if found and closed else (text, False, "")
