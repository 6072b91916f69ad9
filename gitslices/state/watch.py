"""What git hooks watch, in a file that a shell reads line by line before it starts anything else.

`fence PATTERN` names the branches of slices, `target REF` a branch that slices wait for.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.model import BranchName
from gitslices.replace import replace_file

WATCH_NAME: Final = "watch"


def write_watch(folder: Path, prefix: str, targets: Iterable[BranchName]) -> None:
    """Let hooks watch the branches under `prefix`, and those that slices merge into.

    The caller holds the topology lock.
    """
    lines = [f"fence refs/heads/{prefix}/*", *(f"target refs/heads/{one}" for one in targets)]
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    if _read(folder / WATCH_NAME) != data:
        replace_file(folder / WATCH_NAME, data)


def _read(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return None
