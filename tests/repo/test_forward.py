"""An untouched slice brought forward: all of it or nothing, whenever its process is killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitslices.ops.forward import forward_slice, make_move
from gitslices.recovery.recovery import recover
from gitslices.state.journal import MoveIntent, write_intent
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk


@pytest.fixture
def desk(repo: Path) -> Desk:
    """A provisioned slice a, and a target that has gone on."""
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]})
    (repo / "later.txt").write_text("later")
    (repo / "Makefile").write_text("changed")
    commit_all(repo, "Later")
    return desk


@pytest.mark.parametrize("done", ["nothing", "files", "branch"])
def test_whoever_comes_next_completes_it(desk: Desk, done: str) -> None:
    record, path = desk.record("a"), desk.worktree("a")
    target = git(desk.repo, "rev-parse", "main")
    move = make_move(desk.workspace, record, type(record.base_commit)(target))
    assert move is not None
    write_intent(desk.workspace.state_folder, MoveIntent(moves=(move,)))
    if done in {"files", "branch"}:
        git(path, "read-tree", "-m", "-u", record.base_commit, move.new)
    if done == "branch":
        git(desk.repo, "update-ref", f"refs/heads/{record.branch_name}", target)
    recover(desk.workspace)
    assert desk.record("a").base_commit == target
    assert git(path, "rev-parse", "HEAD") == target
    assert git(path, "status", "--porcelain") == ""
    assert not desk.workspace.has_intent()
    assert [one.event for one in desk.events()].count("forwarded") == 1


def test_a_slice_with_work_of_its_own_stays_where_it_is(desk: Desk) -> None:
    path = desk.worktree("a")
    base = desk.record("a").base_commit
    (path / "later.txt").write_text("mine")
    assert desk.claim("a").base_commit == base
    assert (path / "later.txt").read_text() == "mine"
    assert git(path, "status", "--porcelain") == "?? later.txt"


def test_an_ignored_file_in_the_way_is_not_overwritten(desk: Desk) -> None:
    path = desk.worktree("a")
    (desk.repo / ".git" / "info" / "exclude").write_text("later.txt\n")
    (path / "later.txt").write_text("mine")
    desk.claim("a")
    assert (path / "later.txt").read_text() == "mine"


def test_a_claim_that_waits_for_a_forward_answers_with_what_git_has(
    desk: Desk, tmp_path: Path
) -> None:
    target = git(desk.repo, "rev-parse", "main")
    reached = tmp_path / "reached"
    argv = [sys.executable, "-m", "gitslices", "claim", "a", "--json", "-C", str(desk.repo)]
    env = {**os.environ, "GITSLICES_FAULT": f"?{reached}"}
    with desk.workspace.open_store() as store:
        with desk.workspace.hold_topology():
            claiming = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE)
            while not (reached.exists() and "lock:topology" in reached.read_text()):
                assert claiming.poll() is None
            base = desk.record("a").base_commit
            forward_slice(desk.workspace, store, desk.record("a"), type(base)(target))
        answer = json.loads(claiming.communicate()[0])
    assert answer["base_commit"] == target == git(desk.worktree("a"), "rev-parse", "HEAD")
    assert "work" not in answer
