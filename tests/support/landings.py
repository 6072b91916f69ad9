"""Goals set up in process: a graph applied to a repository, and work done on its slices."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gitslices.core.model import SliceId, SliceStatus, TaskGraph
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyRequest, apply
from gitslices.ops.claim import ClaimRequest, claim
from gitslices.ops.plan import PlanRequest, plan
from gitslices.provisioning.progress import Progress
from gitslices.workspace import Workspace, open_workspace
from tests.conftest import commit_all

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def open_repo(repo: Path) -> Workspace:
    return open_workspace(repo, git_dir=None, clock=lambda: NOON, purpose="test")


def ignore(progress: Progress) -> None:
    """Nobody watches."""


def apply_goal(
    workspace: Workspace, *tasks: dict[str, object], goal_id: str = "goal", **fields: object
) -> None:
    """Plan and apply a graph of `tasks`, each owned by somebody unless it says otherwise."""
    owned = [{"owner_role": "executor", **task} for task in tasks]
    graph = msgspec.convert({"goal_id": goal_id, "tasks": owned, **fields}, TaskGraph)
    made = plan(workspace, PlanRequest(scoped=parse_scopes(graph), order="id"))
    apply(workspace, ApplyRequest(graph=graph, plan=made), ignore)


def slice_path(workspace: Workspace, slice_id: str, goal_id: str = "goal") -> Path:
    return workspace.worktree_root / f"{goal_id}--{slice_id}"


def work(
    workspace: Workspace, slice_id: str, files: dict[str, str | None], message: str = "Work"
) -> str:
    """Write files in a slice's worktree, delete those that are None, and commit."""
    top = slice_path(workspace, slice_id)
    for path, text in files.items():
        if text is None:
            (top / path).unlink()
        else:
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(text)
    return commit_all(top, message)


def set_status(workspace: Workspace, slice_id: str, status: SliceStatus) -> None:
    with workspace.open_store() as store:
        (record,) = [one for one in store.read_slices() if one.slice_id == slice_id]
        store.write_slices([msgspec.structs.replace(record, status=status)])


def read_status(workspace: Workspace, slice_id: str) -> str:
    with workspace.open_store() as store:
        return next(one.status for one in store.read_slices() if one.slice_id == slice_id)


def take(workspace: Workspace, slice_id: str, holder: str = "worker") -> int:
    """Claim a slice and return the token."""
    return claim(workspace, ClaimRequest(slice_id=SliceId(slice_id), holder=holder)).token
