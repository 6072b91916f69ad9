"""Workspaces opened in this process, and a clock that is set by hand."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitslices.workspace import Clock, Workspace, open_workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=14)
# What is in the trash must have been seen there on the way to `LATER`.
HALFWAY = NOW + timedelta(days=7)
MINUTE = 60


class HandClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


def open_at(
    directory: Path,
    *,
    now: datetime = NOW,
    clock: Clock | None = None,
    lock_timeout: float = 30,
    environ: Mapping[str, str] | None = None,
) -> Workspace:
    """The workspace of the repository around `directory`, in which it is always `now`.

    `clock` tells the time in its place; `environ` is what the sealed environment has more of.
    """
    return open_workspace(
        directory,
        git_dir=None,
        clock=clock or (lambda: now),
        lock_timeout=lock_timeout,
        purpose="gitslices test",
        environ={**os.environ, **(environ or {})},
    )
