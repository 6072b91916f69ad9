"""Slices whose store is gone are taken over where they stand, and nothing else is."""

import shutil
from pathlib import Path

import pytest

from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git

TASKS = ({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})


@pytest.fixture
def graph(tmp_path: Path) -> str:
    return write_graph(tmp_path / "graph.json", *TASKS)


@pytest.fixture
def top(repo: Path, call: Cli, graph: str) -> Path:
    """The worktree of a slice with a commit, uncommitted work and a claim, unknown to the store."""
    assert call("plan", graph, "--apply").code == 0
    call("claim", "a")
    top = repo.parent / "webshop.slices" / "default--a"
    (top / "src" / "new.py").write_text("new\n")
    commit_all(top, "Work")
    (top / "src" / "more.py").write_text("more\n")
    shutil.rmtree(repo / ".git" / "gitslices")
    return top


def test_an_apply_takes_over_what_stands(call: Cli, top: Path, graph: str) -> None:
    tip = git(top, "rev-parse", "HEAD")
    done = call("plan", graph, "--apply")
    assert done.code == 0
    assert "a: taken over as it stands" in done.out + done.err
    a, b = call("status", "--json").document["slices"]
    assert (a["status"], a["ahead"], a["dirty"]) == ("provisioned", 1, True)
    assert (b["status"], b["ahead"], b["dirty"]) == ("provisioned", 0, False)
    assert git(top, "rev-parse", "HEAD") == tip
    assert call("doctor").code == 0
    assert call("plan", graph, "--apply").out.endswith("\nnothing to do: 2 slices in place\n")
    commit_all(top, "More")
    assert call("check", "--slice", "a").code == 0
    assert call("merge", "a").code == 0
    assert [one["event"] for one in call("log", "a", "--json").document["events"]] == [
        "adopted", "merged",
    ]  # fmt: skip


def test_what_was_merged_stays_merged_and_what_was_only_moved_does_not(
    repo: Path, call: Cli, graph: str
) -> None:
    assert call("plan", graph, "--apply").code == 0
    commit_all(repo.parent / "webshop.slices" / "default--a", "Work")
    assert call("merge", "a").code == 0
    assert call("path", "b").code == 0  # whoever goes there finds the target's files
    shutil.rmtree(repo / ".git" / "gitslices")
    assert "take them over: gitslices plan --apply" in call("doctor").out
    assert call("status").code == 2
    assert "take its slice over: gitslices plan --apply; or keep it" in call("doctor").out
    assert call("plan", graph, "--apply").code == 0
    states = call("status", "--json").document["slices"]
    assert [one["status"] for one in states] == ["merged", "provisioned"]


def test_a_sparse_one_is_brought_into_line(repo: Path, call: Cli, graph: str) -> None:
    assert call("plan", graph, "--apply", "--sparse").code == 0
    shutil.rmtree(repo / ".git" / "gitslices")
    assert call("plan", graph, "--apply").code == 0
    assert all(one["sparse"] for one in call("status", "--json").document["slices"])


def test_a_worktree_without_a_mark_is_nobodys(repo: Path, call: Cli, top: Path, graph: str) -> None:
    (repo / ".git" / "worktrees" / "default--a" / "gitslices-slice").unlink()
    done = call("plan", graph, "--apply")
    assert done.code == 1
    assert f"git worktree move {top} NEW-PATH" in done.err
    assert call("log", "--json").document["events"] == []


def test_a_worktree_that_was_moved_by_hand_keeps_its_folder_in_git(
    repo: Path, call: Cli, top: Path, graph: str
) -> None:
    git(repo, "branch", "-m", "slices/default/a", "old/a")
    elsewhere = top.rename(top.with_name("old-a"))
    done = call("plan", graph, "--apply")
    assert done.code == 1
    assert f"git knows a worktree at {str(top)!r} that is not there" in done.err
    git(repo, "worktree", "repair", str(elsewhere))
    assert call("plan", graph, "--apply").code == 0
    assert git(elsewhere, "branch", "--show-current") == "old/a"
    assert git(elsewhere, "status", "--porcelain") == "?? src/more.py"
