"""A repository with slices under way, made without a process of our own, for tests of fences."""

from datetime import UTC, datetime
from pathlib import Path

from gitslices.core.model import TaskGraph
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyRequest, apply
from gitslices.ops.check import CheckReport, CheckRequest, check
from gitslices.ops.plan import PlanRequest, plan
from gitslices.workspace import Workspace, open_workspace, probe_workspace
from tests.conftest import git


def tell_time() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def open_at(directory: Path) -> Workspace:
    return probe_workspace(directory, git_dir=None, clock=tell_time, lock_timeout=5, purpose="test")


def provision(repo: Path, graph: TaskGraph) -> None:
    """Plan and apply `graph` in `repo`."""
    workspace = open_workspace(repo, git_dir=None, clock=tell_time, purpose="test")
    made = plan(workspace, PlanRequest(scoped=parse_scopes(graph)))
    apply(workspace, ApplyRequest(graph=graph, plan=made), lambda progress: None)


def check_at(directory: Path, **fields: object) -> CheckReport:
    return check(open_at(directory), CheckRequest(**fields))  # type: ignore[arg-type]


def find_owners(report: CheckReport) -> dict[str, str | None]:
    """The owner of each path that violates the one slice of the report."""
    (one,) = report.slices
    return {violation.path: violation.owner for violation in one.violations}


def git_without_hooks(directory: Path, *args: str) -> str:
    return git(directory, "-c", "core.hooksPath=/dev/null", *args)


def commit_quietly(directory: Path, message: str = "Change") -> str:
    """Commit everything with no hook at work, and return the commit."""
    git_without_hooks(directory, "add", "--all")
    git_without_hooks(directory, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")
