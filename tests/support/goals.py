"""Goals applied in process, and a clock that is set by hand: for tests of leases and gates."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from gitslices.core.model import BranchName, SliceId, Task, TaskGraph
from gitslices.git.discovery import probe_repository
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyRequest, apply
from gitslices.ops.claim import ClaimReport, ClaimRequest, claim
from gitslices.ops.plan import PlanRequest, plan
from gitslices.state.store import Event, SliceRecord
from gitslices.workspace import Workspace
from tests.conftest import git

MINUTE = 60


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


class Desk:
    """A repository, its clock, and short forms of what its users do."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self.clock = Clock()
        self.workspace = Workspace(
            probe_repository(repo), clock=self.clock, lock_timeout=30, purpose="test"
        )

    def apply(self, *tasks: dict[str, Any], ready_only: bool = False, **fields: Any) -> None:
        made = [msgspec.convert({"owner_role": "executor", **task}, Task) for task in tasks]
        graph = TaskGraph(tasks=tuple(made), **fields)
        drawn = plan(self.workspace, PlanRequest(scoped=parse_scopes(graph), target="main"))
        request = ApplyRequest(graph=graph, plan=drawn, ready_only=ready_only)
        apply(self.workspace, request, lambda progress: None)

    def claim(self, slice_id: str | None = None, holder: str = "one", **more: Any) -> ClaimReport:
        wanted = None if slice_id is None else SliceId(slice_id)
        return claim(self.workspace, ClaimRequest(slice_id=wanted, holder=holder, **more))

    def record(self, slice_id: str, goal_id: str = "default") -> SliceRecord:
        with self.workspace.open_store() as store:
            found = store.find_slice(goal_id, slice_id)
        assert found is not None
        return found

    def worktree(self, slice_id: str) -> Path:
        return Path(self.record(slice_id).worktree_path)

    def branch(self, slice_id: str) -> BranchName:
        return self.record(slice_id).branch_name

    def events(self) -> list[Event]:
        with self.workspace.open_store() as store:
            return list(store.read_events())

    def merge(self, slice_id: str) -> None:
        name = self.branch(slice_id)
        git(self.repo, "merge", "--quiet", "--no-ff", "-m", f"Merge {slice_id}", name)
