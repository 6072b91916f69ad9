"""Edits that git was told not to look at."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import convert

from gitslices.core.errors import RefusedError
from gitslices.core.model import Oid, SliceId, TaskGraph
from gitslices.git.repository import Repository, Result
from gitslices.git.uncommitted import find_hidden_changes
from gitslices.ops.removal import RemoveRequest, remove
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_graph
from tests.support.workspaces import open_at

GRAPH = {"goal_id": "g", "tasks": [{"id": "a", "owner_role": "w", "write_set": ["src/"]}]}


def assume_unchanged(top: Path, path: str) -> None:
    git(top, "update-index", "--assume-unchanged", path)


def skip(top: Path, path: str) -> None:
    git(top, "update-index", "--skip-worktree", path)


def find_hidden(top: Path) -> tuple[str, ...]:
    commit = Oid(git(top, "rev-parse", "HEAD"))
    return find_hidden_changes(open_at(top).repo, top, top / ".git" / "index", commit=commit)


@pytest.mark.parametrize("hide", [assume_unchanged, skip])
def test_a_slice_with_hidden_edits_is_not_removed(
    repo: Path, hide: Callable[[Path, str], None]
) -> None:
    apply_graph(open_at(repo), convert(GRAPH, TaskGraph))
    workspace = open_at(repo)
    top = workspace.worktree_root / "g--a"
    hide(top, "Makefile")
    (top / "Makefile").write_text("precious")
    assert git(top, "status", "--porcelain") == ""
    with pytest.raises(RefusedError) as caught:
        remove(workspace, RemoveRequest(slice_id=SliceId("a")))
    assert [one.message for one in caught.value.problems] == ["uncommitted: Makefile"]
    (top / "Makefile").write_text(git(repo, "show", "HEAD:Makefile") + "\n")
    remove(workspace, RemoveRequest(slice_id=SliceId("a")))


@pytest.mark.parametrize("hide", [assume_unchanged, skip])
@pytest.mark.parametrize("version", ["2", "4"])
@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_hidden_edits_are_found_in_every_kind_of_index(
    tmp_path: Path, kind: str, version: str, hide: Callable[[Path, str], None]
) -> None:
    git(tmp_path, "init", "--quiet", f"--object-format={kind}")
    names = [f"{'d' * depth}/f{number}" for depth in range(1, 9) for number in range(9)]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("before")
    commit_all(tmp_path)
    git(tmp_path, "update-index", "--index-version", version)
    assert find_hidden(tmp_path) == ()
    hide(tmp_path, names[-1])
    assert find_hidden(tmp_path) == ()
    (tmp_path / names[-1]).write_text("after")
    (tmp_path / names[0]).write_text("after, and seen")
    assert find_hidden(tmp_path) == (names[-1],)
    (tmp_path / names[-1]).unlink()
    assert find_hidden(tmp_path) == ()


def test_hidden_edits_are_found_behind_a_split_index(repo: Path) -> None:
    assume_unchanged(repo, "Makefile")
    git(repo, "update-index", "--split-index")
    (repo / "Makefile").write_text("precious")
    assert find_hidden(repo) == ("Makefile",)


def test_without_a_mark_git_is_not_asked(repo: Path) -> None:
    def refuse(*args: object) -> Result:
        raise AssertionError(args)

    blind = Repository(repo, repo / ".git", repo / ".git", refuse)
    commit = Oid(git(repo, "rev-parse", "HEAD"))
    for version in "24":
        git(repo, "update-index", "--index-version", version)
        assert find_hidden_changes(blind, repo, repo / ".git" / "index", commit=commit) == ()
