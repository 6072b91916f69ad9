"""Slices whose worktree is not where the store has it, or whose branch is checked out elsewhere."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import convert

from gitslices.errors import RefusedError
from gitslices.model import SliceId, TaskGraph
from gitslices.ops.prune import PruneRequest, prune
from gitslices.ops.remove import RemoveRequest, remove
from gitslices.workspace import Workspace
from tests.conftest import Cli, commit_all, git
from tests.sliced import provision
from tests.workspaces import open_at

A = SliceId("a")
GRAPH = {
    "goal_id": "g",
    "tasks": [{"id": id_, "owner_role": "w", "write_set": [f"{id_}/"]} for id_ in "ab"],
}


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Two slices, provisioned."""
    provision(repo, convert(GRAPH, TaskGraph))
    return open_at(repo)


@pytest.fixture
def a(workspace: Workspace) -> Path:
    """The worktree of slice a."""
    return workspace.worktree_root / "g--a"


def refusals(workspace: Workspace, *, force: bool) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        remove(workspace, RemoveRequest(slice_id=A, force=force))
    return [problem.message for problem in caught.value.problems]


def move_by_git(a: Path, moved: Path) -> None:
    git(a, "worktree", "move", str(a), str(moved))


def move_by_git_and_detach(a: Path, moved: Path) -> None:
    move_by_git(a, moved)
    git(moved, "switch", "--quiet", "--detach")


def move_by_hand(a: Path, moved: Path) -> None:
    a.rename(moved)


@pytest.mark.parametrize("move", [move_by_git, move_by_git_and_detach, move_by_hand])
def test_a_slice_whose_worktree_was_moved_is_not_removed(
    workspace: Workspace, a: Path, move: Callable[[Path, Path], None]
) -> None:
    moved = a.with_name("moved")
    move(a, moved)
    (moved / "loose.txt").write_text("precious")
    for force in (False, True):
        assert refusals(workspace, force=force) == [f"its worktree is at {str(moved)!r} now"]
    git(workspace.repo.common_dir, "worktree", "repair", str(moved))
    assert git(moved, "status", "--porcelain") == "?? loose.txt"
    assert git(moved, "rev-parse", "slices/g/a") == git(moved, "rev-parse", "HEAD")


def test_pruning_keeps_a_merged_slice_whose_worktree_was_moved(
    workspace: Workspace, repo: Path, a: Path
) -> None:
    commit_all(a, "Work")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge", "slices/g/a")
    move_by_git(a, a.with_name("moved"))
    report = prune(workspace, PruneRequest(force=True))
    assert report.removed == ()
    assert [problem.place for problem in report.refused] == ["a"]
    assert git(a.with_name("moved"), "status", "--porcelain", "--branch") == "## slices/g/a"


def test_a_branch_that_is_checked_out_elsewhere_is_not_removed(
    workspace: Workspace, repo: Path, a: Path
) -> None:
    git(a, "switch", "--quiet", "--detach")
    git(repo, "switch", "--quiet", "slices/g/a")
    for force in (False, True):
        assert refusals(workspace, force=force) == [f"its branch is checked out at {str(repo)!r}"]
    assert git(repo, "status", "--porcelain", "--branch") == "## slices/g/a"
    git(repo, "switch", "--quiet", "main")
    remove(workspace, RemoveRequest(slice_id=A))


def test_a_branch_that_a_rebase_elsewhere_will_move_is_not_removed(
    workspace: Workspace, repo: Path, a: Path
) -> None:
    commit_all(a, "Work")
    git(a, "switch", "--quiet", "--detach")
    git(repo, "switch", "--quiet", "slices/g/a")
    git(repo, "rebase", "--quiet", "--force-rebase", "--exec", "false", "main", ok=False)
    assert git(repo, "branch", "--show-current") == ""
    assert f"its branch is checked out at {str(repo)!r}" in refusals(workspace, force=True)
    git(repo, "rebase", "--abort")


def test_a_merge_sees_what_is_uncommitted_in_a_worktree_that_was_moved(
    cli: Cli, workspace: Workspace, a: Path
) -> None:
    commit_all(a, "Work")
    moved = a.with_name("moved")
    move_by_git(a, moved)
    (moved / "a").mkdir()
    (moved / "a" / "loose.txt").write_text("precious")
    done = cli("merge", "a")
    assert done.code == 1
    assert "uncommitted: a/" in done.out


def test_commits_on_no_branch_count_though_their_worktree_was_deleted(
    workspace: Workspace, a: Path
) -> None:
    git(a, "switch", "--quiet", "--detach")
    commit_all(a, "Precious")
    shutil.rmtree(a)
    assert refusals(workspace, force=False) == [
        "1 commit on no branch, at the worktree's detached HEAD"
    ]
