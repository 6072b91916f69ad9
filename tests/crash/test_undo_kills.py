"""Removal and undo, killed before their steps: the next command finds either or."""

import shutil
from itertools import count
from pathlib import Path

import pytest

from gitslices.core.model import GONE, SliceId
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyRequest, apply
from gitslices.ops.plan import PlanRequest, plan
from gitslices.ops.removal import RemoveRequest, UndoRequest, list_trash, remove, undo
from gitslices.ops.upkeep import empty_trash
from gitslices.recovery.recovery import recover
from gitslices.workspace import Workspace
from tests.support.graphs import make_graph
from tests.support.kills import run_killed
from tests.support.repositories import commit_all, git
from tests.support.workspaces import HALFWAY, LATER, open_at

SNAPSHOT = ("status", "--porcelain=v2", "--branch", "--untracked-files=all")
BRANCH = "refs/heads/slices/default/a"


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """A slice with a commit, a staged, a changed and an untracked file."""
    workspace = open_at(repo)
    graph = make_graph({"id": "a", "write_set": ["src/"]})
    made = plan(workspace, PlanRequest(scoped=parse_scopes(graph)))
    apply(workspace, ApplyRequest(graph=graph, plan=made), lambda progress: None)
    tree = workspace.worktree_root / "default--a"
    commit_all(tree, "Work")
    for name in ("staged", "loose"):
        (tree / name).write_text(name)
    git(tree, "add", "staged")
    (tree / "Makefile").write_text("changed")
    return workspace


def take(workspace: Workspace) -> None:
    remove(workspace, RemoveRequest(slice_id=SliceId("a"), force=True))


def bring_back(workspace: Workspace) -> None:
    undo(workspace, UndoRequest())


def find_standing(workspace: Workspace) -> bool:
    """Whether the slice stands, after holding that it stands or is gone in every respect."""
    recover(workspace)
    git_dir = workspace.repo.common_dir
    worktree = workspace.worktree_root / "default--a"
    with workspace.open_store() as store:
        standing = any(one.status not in GONE for one in store.read_slices())
    assert bool(git(git_dir, "for-each-ref", BRANCH)) is standing
    assert worktree.exists() is standing
    assert (git_dir / "worktrees" / "default--a").exists() is standing
    assert bool(git(git_dir, "for-each-ref", "refs/gitslices/")) is not standing
    assert (list_trash(workspace, None).trash == ()) is standing
    assert not workspace.has_intent()
    return standing


def test_a_killed_removal_or_undo_is_completed_or_never_began(workspace: Workspace) -> None:
    worktree = workspace.worktree_root / "default--a"
    before = git(worktree, *SNAPSHOT)
    for step in count(step=2):
        killed = run_killed(lambda: take(workspace), step)
        if find_standing(workspace):
            assert git(worktree, *SNAPSHOT) == before
            take(workspace)
        killed_again = run_killed(lambda: bring_back(workspace), step)
        if not find_standing(workspace):
            bring_back(workspace)
        assert git(worktree, *SNAPSHOT) == before
        if not killed and not killed_again:
            break
    assert step > 15
    assert git(workspace.repo.common_dir, "fsck", "--no-progress", "--no-dangling") == ""


def test_a_killed_emptying_is_completed_by_the_next(
    repo: Path, workspace: Workspace, tmp_path: Path
) -> None:
    for folder in ("docs", "src", "tests"):  # each file deleted is a step
        shutil.rmtree(workspace.worktree_root / "default--a" / folder)
    take(workspace)
    empty_trash(open_at(repo, now=HALFWAY))
    common_dir, saved = workspace.repo.common_dir, tmp_path / "saved"
    shutil.copytree(common_dir, saved)
    later = open_at(repo, now=LATER)
    for step in count():
        killed = run_killed(lambda: empty_trash(later), step)
        empty_trash(later)
        assert git(repo, "for-each-ref", "refs/gitslices/") == ""
        assert list((workspace.state_folder / "trash").iterdir()) == []
        assert list_trash(workspace, None).trash == ()
        if not killed:
            break
        shutil.rmtree(common_dir)
        shutil.copytree(saved, common_dir)
    assert step > 5
