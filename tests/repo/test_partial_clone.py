"""A clone without its blobs fetches what the worktrees hold, at once, and nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from tests.repo.test_git_settings import GRAPH
from tests.support.commands import run_cli
from tests.support.repositories import commit_all, git

MANY = 40


@pytest.fixture
def clone(repo: Path, tmp_path: Path) -> Path:
    """A clone that has fetched the blobs of the settings alone."""
    (repo / "gitslices.toml").write_text(GRAPH)
    for folder in ("big", "src"):
        (repo / folder).mkdir(exist_ok=True)
        for number in range(MANY):
            (repo / folder / f"{number}.txt").write_text(f"{folder} {number}\n")
    commit_all(repo)
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(repo, "config", "uploadpack.allowAnySHA1InWant", "true")
    path = tmp_path / "clone"
    url = f"file://{repo}"
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", "--sparse", url, str(path))
    return path


def find_missing(clone: Path) -> set[str]:
    listing = git(clone, "rev-list", "--objects", "--all", "--missing=print")
    return {line[1:] for line in listing.splitlines() if line.startswith("?")}


def run_traced(clone: Path, *args: str) -> int:
    """How many times git fetched meanwhile."""
    trace = clone.parent / "trace"
    trace.unlink(missing_ok=True)
    done = run_cli(clone, *args, env={"GIT_TRACE2_EVENT": str(trace)})
    assert done.code == 0, done
    started = (json.loads(line) for line in trace.read_text().splitlines())
    return sum("fetch" in event.get("argv", ()) for event in started if event["event"] == "start")


def list_blobs(clone: Path, *folders: str) -> set[str]:
    lines = git(clone, "ls-tree", "-r", "HEAD", *folders).splitlines()
    return {line.split()[2] for line in lines}


def find_slice(clone: Path, slice_id: str) -> Path:
    return clone.parent / "clone.slices" / f"g--{slice_id}"


def test_sparse_worktrees_are_fetched_at_once_and_nothing_else(clone: Path) -> None:
    before = find_missing(clone)
    assert len(before) >= 2 * MANY
    assert run_traced(clone, "plan", "--apply", "--sparse") == 1
    assert before - find_missing(clone) == list_blobs(clone, "src/", "docs/") & before
    assert (find_slice(clone, "a") / "src" / "1.txt").read_text() == "src 1\n"


def test_whole_worktrees_are_fetched_at_once(clone: Path) -> None:
    assert run_traced(clone, "plan", "--apply") == 1
    assert not find_missing(clone)
    assert (find_slice(clone, "b") / "big" / "1.txt").exists()


def test_a_worktree_made_on_demand_is_fetched_at_once(clone: Path) -> None:
    shutil.copy(clone / "gitslices.toml", clone.parent / "graph.toml")
    graph = clone.parent / "graph.toml"
    graph.write_text(graph.read_text() + 'dependencies = ["a"]\n')
    run_traced(clone, "plan", str(graph), "--apply", "--sparse", "--ready")
    git(find_slice(clone, "a"), "commit", "--quiet", "--allow-empty", "-m", "done")
    run_traced(clone, "merge", "a")
    before = find_missing(clone)
    assert run_traced(clone, "claim", "b") == 1
    assert before - find_missing(clone) == list_blobs(clone, "docs/")


def test_a_deleted_worktree_comes_back_without_a_fetch(clone: Path) -> None:
    run_traced(clone, "plan", "--apply", "--sparse")
    shutil.rmtree(find_slice(clone, "a"))
    assert run_traced(clone, "plan", "--apply", "--sparse") == 0
    assert (find_slice(clone, "a") / "src" / "1.txt").exists()


def test_without_its_remote_the_failure_is_gits_own(clone: Path) -> None:
    (clone.parent / "webshop").rename(clone.parent / "away")
    done = run_cli(clone, "plan", "--apply", "--sparse")
    assert done.code == 3
    assert "checkout-index" in done.err


def test_what_is_there_already_needs_no_remote(clone: Path) -> None:
    run_traced(clone, "plan", "--apply")
    run_traced(clone, "remove", "a")
    (clone.parent / "webshop").rename(clone.parent / "away")
    assert run_traced(clone, "plan", "--apply") == 0
