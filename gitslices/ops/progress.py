"""What a long operation tells on the way."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct


class Progress(Struct, frozen=True, kw_only=True):
    """`done` of `total` worktrees have come through `stage`."""

    stage: Literal["register", "fill"]
    done: int
    total: int


OnProgress = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """For work that nobody watches, such as a recovery."""
