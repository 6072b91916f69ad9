"""What a power cut or a kill leaves of git's own files: named, with the way to mend it."""

import subprocess
from pathlib import Path

import pytest

from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, examine, slice_path, work
from tests.support.workspaces import open_at


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["a/"]}, {"id": "b", "write_set": ["b/"]})
    work(workspace, "a", {"a/file": "a"})
    return workspace


def follow(hint: str | None) -> None:
    """Do what a hint says, as a person would."""
    assert hint is not None
    subprocess.run(["sh", "-c", hint.partition(": ")[2]], check=True)


@pytest.mark.parametrize("left", [b"", b"\0" * 41])
def test_a_repository_whose_head_is_empty_is_told_with_the_branch_that_it_had(
    cli: Cli, repo: Path, workspace: Workspace, left: bytes
) -> None:
    git(repo, "switch", "--quiet", "--create", "topic")
    git(repo, "switch", "--quiet", "main")
    (repo / ".git/HEAD").write_bytes(left)
    done = cli("doctor", "--json")
    (finding,) = done.document["findings"]
    assert (done.code, finding["check"]) == (1, "damaged-repository")
    follow(finding["hint"].replace("echo", f"cd {repo} && echo"))
    assert git(repo, "branch", "--show-current") == "main"
    assert examine(repo) == ()


def test_a_branch_of_no_slice_that_is_empty_is_told_with_its_last_commit(
    repo: Path, workspace: Workspace
) -> None:
    commit = commit_all(repo, "Later")
    (repo / ".git/refs/heads/main").write_text("")
    found = {one.check: one for one in examine(repo)}
    assert "damaged-ref" in found
    hint = found["damaged-ref"].hint
    assert hint is not None
    follow(hint.replace("git branch", f"git -C {repo} branch"))
    assert git(repo, "rev-parse", "main") == commit
    assert "damaged-ref" not in {one.check for one in examine(repo)}


@pytest.mark.parametrize(
    "name", ["index.lock", "HEAD.lock", "packed-refs.lock", "config.lock", "refs/heads/main.lock",
             "worktrees/default--a/index.lock", "worktrees/default--a/HEAD.lock"]
)  # fmt: skip
def test_a_lock_that_a_killed_git_left_is_told(repo: Path, workspace: Workspace, name: str) -> None:
    lock = repo / ".git" / name
    lock.write_text("")
    (finding,) = examine(repo, fix=True)
    assert (finding.check, finding.thing, finding.fixed) == ("left-lock", str(lock), False)
    assert lock.exists()
    follow(finding.hint)
    assert examine(repo) == ()


def test_a_lock_that_somebody_has_open_is_told_by_nobody(repo: Path, workspace: Workspace) -> None:
    lock = repo / ".git/index.lock"
    with lock.open("w"):
        assert examine(repo) == ()


def test_the_index_of_a_sparse_worktree_is_made_anew_as_sparse_as_it_was(
    cli: Cli, repo: Path
) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/api/"]}, sparse=True)
    top = slice_path(workspace, "a")
    assert not (top / "docs/login.md").exists()
    (top / "src/api/orders.py").write_text("changed")
    (repo / ".git/worktrees/default--a/index").write_bytes(b"")
    assert cli("doctor", "--fix").code == 0
    assert git(top, "status", "--porcelain") == " M src/api/orders.py"
    assert not (top / "docs/login.md").exists()
