"""What a long operation tells on the way."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct


class Progress(Struct, frozen=True, kw_only=True):
    """`done` of `total` have come through `stage`: worktrees registered, or files written."""

    stage: Literal["register", "fill"]
    done: int
    total: int


OnProgress = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """For work that nobody watches, such as a recovery."""
