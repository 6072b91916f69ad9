"""What git hooks look at before they start anything, and which of them are ours."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.files import replace_file

_NAME: Final = "hooks-wanted"


def want_hooks(folder: Path) -> None:
    """Remember that the hooks have been installed."""
    replace_file(folder / _NAME, b"")


def forget_hooks(folder: Path) -> None:
    """Remember nothing any more."""
    (folder / _NAME).unlink(missing_ok=True)


def are_hooks_wanted(folder: Path) -> bool:
    """Whether they were installed and not taken away by us."""
    return (folder / _NAME).exists()


# The hook's shell reads it line by line: where no line concerns a commit, no Python is started.
_WATCH_NAME: Final = "watch"


def write_watch(folder: Path, prefix: str) -> None:
    """Let hooks watch the branches under `prefix`; the caller holds the topology lock."""
    data = f"fence refs/heads/{prefix}/*\n".encode("utf-8", "surrogateescape")
    # Mostly nothing is new, and to read it is cheaper than to wait for the disk.
    if _read(folder / _WATCH_NAME) != data:
        replace_file(folder / _WATCH_NAME, data)


def _read(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return None
