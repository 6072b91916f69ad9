"""Plan and apply in this process, where a process of its own would add nothing but time."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from gitslices.core.model import TaskGraph
from gitslices.graph.load import load_graph
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyReport, ApplyRequest, apply
from gitslices.ops.plan import PlanRequest, plan
from gitslices.provisioning.progress import OnProgress, Progress
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace, open_workspace


def open_at(path: Path, **extra: str) -> Workspace:
    return open_workspace(
        path,
        git_dir=None,
        clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        lock_timeout=5,
        purpose="test",
        environ={**os.environ, **extra},
    )


def make_graph(folder: Path, *tasks: Mapping[str, object]) -> TaskGraph:
    path = folder / "graph.json"
    path.write_text(json.dumps({"defaults": {"owner_role": "w"}, "tasks": tasks}))
    return load_graph(path).graph


def ignore(progress: Progress) -> None:
    """Nobody watches."""


def apply_tasks(
    workspace: Workspace,
    folder: Path,
    *tasks: Mapping[str, object],
    base: str | None = None,
    sparse: bool = False,
    jobs: int = 2,
    on_progress: OnProgress = ignore,
) -> ApplyReport:
    graph = make_graph(folder, *tasks)
    made = plan(workspace, PlanRequest(scoped=parse_scopes(graph), base=base))
    request = ApplyRequest(graph=graph, plan=made, sparse=sparse, jobs=jobs)
    return apply(workspace, request, on_progress)


def worktree(repo: Path, id_: str) -> Path:
    return repo.parent / f"{repo.name}.slices" / f"default--{id_}"


def read_record(workspace: Workspace, id_: str) -> SliceRecord:
    with workspace.open_store() as store:
        return next(one for one in store.read_slices("default") if one.slice_id == id_)


def list_files(path: Path) -> set[str]:
    found = (one for one in path.rglob("*") if one.is_file() or one.is_symlink())
    return {str(one.relative_to(path)) for one in found} - {".git"}
