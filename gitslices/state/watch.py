"""What git hooks watch, in a file that a shell reads line by line before it starts anything else.

`fence PATTERN` names the branches of slices, `target REF` a branch that slices wait for.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gitslices.errors import DiskError
from gitslices.model import BranchName

WATCH_NAME: Final = "watch"


def write_watch(folder: Path, prefix: str, targets: Iterable[BranchName]) -> None:
    """Let hooks watch the branches under `prefix`, and those that slices merge into."""
    lines = [f"fence refs/heads/{prefix}/*", *(f"target refs/heads/{one}" for one in targets)]
    path = folder / WATCH_NAME
    partial = folder / f"{WATCH_NAME}.{os.getpid()}.tmp"
    try:
        partial.write_text("".join(f"{line}\n" for line in lines), "utf-8", "surrogateescape")
        partial.replace(path)
    except OSError as error:
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from error
