"""Workspaces for tests that call an operation without a process."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gitslices.core.model import TaskGraph
from gitslices.workspace import Workspace, open_workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=14)
# What is in the trash must have been seen there on the way to `LATER`.
HALFWAY = NOW + timedelta(days=7)


def open_at(repo: Path, *, now: datetime = NOW, lock_timeout: float = 30) -> Workspace:
    """The workspace of `repo`, in which it is always `now`."""
    return open_workspace(
        repo, git_dir=None, clock=lambda: now, lock_timeout=lock_timeout, purpose="gitslices test"
    )


def make_graph(*tasks: Mapping[str, object], **fields: object) -> TaskGraph:
    """A graph of tasks that somebody owns."""
    owned = [{"owner_role": "executor", **task} for task in tasks]
    return msgspec.convert({"tasks": owned, **fields}, TaskGraph)
