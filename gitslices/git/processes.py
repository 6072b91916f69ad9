"""Processes that may hold what they have locked: told by `/proc`, where there is one."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.git.discovery import find_common_dir

_PROC: Final = Path("/proc")
# They lock nothing, and run for as long as a pager, an editor or a machine does.
_READERS: Final = frozenset(
    {"blame", "cat-file", "daemon", "diff", "fsmonitor--daemon", "grep", "http-backend", "log",
     "show"}
)  # fmt: skip
_VALUED: Final = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})

Process = tuple[int, str]
"""Number and start of a process: another one of the same number has another start."""


def can_see_processes() -> bool:
    """Whether this system tells what runs on it."""
    return (_PROC / "self" / "stat").exists()


def find_living_gits(common_dir: Path) -> frozenset[Process]:
    """The gits that may be changing the repository of `common_dir` now, whoever runs them."""
    return frozenset(
        (int(process.name), start)
        for process in _PROC.glob("[0-9]*")
        if (start := _read_start(process)) and _may_change(process, common_dir)
    )


def find_open_files() -> frozenset[tuple[int, int]]:
    """Device and inode of every file that a process of ours has open."""
    opened = set()
    for process in _PROC.glob("[0-9]*"):
        for link in _list_descriptors(process):
            with suppress(OSError):
                found = link.stat()
                opened.add((found.st_dev, found.st_ino))
    return frozenset(opened)


def _list_descriptors(process: Path) -> list[Path]:
    """Links to the open files of a process: none where it has ended or is another user's."""
    with suppress(OSError):
        return list((process / "fd").iterdir())
    return []


def _read_start(process: Path) -> str | None:
    """When a git that has not ended was started, in the kernel's ticks; None for all others."""
    with suppress(OSError):
        # The name is in brackets, and may hold brackets and spaces itself: the last one counts.
        name, _, rest = (process / "stat").read_text(errors="replace").rpartition(")")
        state, *fields = rest.split()
        if name.partition("(")[2].startswith("git") and state not in {"Z", "X"}:
            # The 22nd field of all (proc(5)), the 20th after the name, the 19th after the state.
            return fields[18]
    return None


def _may_change(process: Path, common_dir: Path) -> bool:
    argv = os.fsdecode(_read(process / "cmdline")).split("\0")
    if _find_command(argv) in _READERS:
        return False
    if any(word.startswith("--git-dir") for word in argv):
        return True
    # Which folder that names is not worked out: a stranger taken for ours only puts things off.
    if b"GIT_DIR=" in _read(process / "environ"):
        return True
    try:
        cwd = (process / "cwd").readlink()
    except OSError:
        return process.exists()  # of another user, who may be at work here
    found = find_common_dir(cwd) if cwd.is_dir() else common_dir
    return found is not None and found.resolve() == common_dir.resolve()


def _find_command(argv: list[str]) -> str | None:
    words: Iterator[str] = iter(argv[1:])
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def _read(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""
