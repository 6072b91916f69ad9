"""Workspaces for tests that call an operation without a process."""

from datetime import UTC, datetime
from pathlib import Path

from gitslices.workspace import Workspace, open_workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def open_at(repo: Path, *, now: datetime = NOW, lock_timeout: float = 30) -> Workspace:
    """The workspace of `repo`, in which it is always `now`."""
    return open_workspace(
        repo, git_dir=None, clock=lambda: now, lock_timeout=lock_timeout, purpose="gitslices test"
    )
