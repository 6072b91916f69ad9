"""Slices under way, without a process: graphs applied, slices claimed, worked on, checked."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from gitslices.agents.status import find_agent_troubles
from gitslices.core.model import BranchName, Order, SliceId, SliceStatus, TaskGraph
from gitslices.git.discovery import find_common_dir
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyReport, ApplyRequest, apply
from gitslices.ops.check import CheckReport, CheckRequest, check
from gitslices.ops.claim import ClaimReport, claim
from gitslices.ops.doctor.doctor import DoctorRequest, doctor
from gitslices.ops.doctor.finding import Finding
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.plan import PlanRequest, plan
from gitslices.provisioning.wanted import OnProgress, Progress
from gitslices.state.store import Event, SliceRecord
from gitslices.workspace import Workspace
from tests.support.graphs import make_graph
from tests.support.repositories import commit_all, git
from tests.support.workspaces import HandClock, open_at

GOAL = "default"
"""The goal of a graph that names none."""


def ignore(progress: Progress) -> None:
    """Nobody watches."""


def apply_graph(
    workspace: Workspace,
    graph: TaskGraph,
    *,
    base: str | None = None,
    target: str | None = None,
    order: Order = "id",
    on_progress: OnProgress = ignore,
    **options: Any,
) -> ApplyReport:
    """Plan and apply `graph`; `options` are those of `ApplyRequest`."""
    made = plan(
        workspace, PlanRequest(scoped=parse_scopes(graph), base=base, target=target, order=order)
    )
    return apply(workspace, ApplyRequest(graph=graph, plan=made, **options), on_progress)


def apply_tasks(
    workspace: Workspace,
    *tasks: Mapping[str, object],
    goal_id: str = GOAL,
    shared: Sequence[str] = (),
    **options: Any,
) -> ApplyReport:
    """The same for a graph of `tasks`, each owned by somebody unless it says otherwise."""
    graph = make_graph(*tasks, goal_id=goal_id, shared=shared)
    return apply_graph(workspace, graph, **options)


def slice_path(workspace: Workspace, slice_id: str, goal_id: str = GOAL) -> Path:
    """Where the worktree of a slice is made, wherever it has been moved since."""
    return workspace.worktree_root / f"{goal_id}--{slice_id}"


def path_beside(repo: Path, slice_id: str, goal_id: str = GOAL) -> Path:
    """The same by the repository's path, where no setting says otherwise."""
    return repo.with_name(f"{repo.name}.slices") / f"{goal_id}--{slice_id}"


def work(
    workspace: Workspace,
    slice_id: str,
    files: Mapping[str, str | None],
    message: str = "Work",
    goal_id: str = GOAL,
) -> str:
    """Write files in a slice's worktree, delete those that are None, and commit."""
    top = slice_path(workspace, slice_id, goal_id)
    for path, text in files.items():
        if text is None:
            (top / path).unlink()
        else:
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(text)
    return commit_all(top, message)


def take(workspace: Workspace, slice_id: str, holder: str = "worker") -> int:
    """Claim a slice and return the token."""
    return claim(workspace, ClaimRequest(slice_id=SliceId(slice_id), holder=holder)).token


def read_record(workspace: Workspace, slice_id: str, goal_id: str = GOAL) -> SliceRecord:
    with workspace.open_store() as store:
        found = store.find_slice(goal_id, slice_id)
    assert found is not None
    return found


def read_status(workspace: Workspace, slice_id: str, goal_id: str = GOAL) -> str:
    return read_record(workspace, slice_id, goal_id).status


def set_status(
    workspace: Workspace, slice_id: str, status: SliceStatus, goal_id: str = GOAL
) -> None:
    record = read_record(workspace, slice_id, goal_id)
    with workspace.open_store() as store:
        store.write_slices([msgspec.structs.replace(record, status=status)])


def check_at(directory: Path, **fields: object) -> CheckReport:
    return check(open_at(directory), CheckRequest(**fields))  # type: ignore[arg-type]


def find_owners(report: CheckReport) -> dict[str, str | None]:
    """The owner of each path that violates the one slice of the report."""
    (one,) = report.slices
    return {violation.path: violation.owner for violation in one.violations}


class Desk:
    """A repository, its clock, and short forms of what its users do."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self.clock = HandClock()
        self.workspace = open_at(repo, clock=self.clock)

    def apply(self, *tasks: dict[str, Any], **options: Any) -> None:
        apply_tasks(self.workspace, *tasks, target="main", **options)

    def claim(self, slice_id: str | None = None, holder: str = "one", **more: Any) -> ClaimReport:
        wanted = None if slice_id is None else SliceId(slice_id)
        return claim(self.workspace, ClaimRequest(slice_id=wanted, holder=holder, **more))

    def record(self, slice_id: str, goal_id: str = GOAL) -> SliceRecord:
        return read_record(self.workspace, slice_id, goal_id)

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


def examine(repo: Path, *, fix: bool = False, deleted: bool = False) -> tuple[Finding, ...]:
    """What the doctor finds, and repairs with `fix`."""
    common_dir = find_common_dir(repo)
    assert common_dir is not None
    now = datetime.now(UTC)  # git reads the clock, too
    request = DoctorRequest(common_dir=common_dir, python=sys.executable, fix=fix, deleted=deleted)
    checks = [partial(find_agent_troubles, environ=os.environ)]
    return doctor(lambda: open_at(repo, now=now), request, checks).findings
