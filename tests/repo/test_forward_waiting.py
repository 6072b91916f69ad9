"""Slices that nobody has started follow their target; all others stay."""

import subprocess
from pathlib import Path

import pytest
from msgspec import convert, structs

from gitslices.core.model import Oid, SliceId, TaskGraph
from gitslices.ops.claim import claim
from gitslices.ops.forward import forward_slices
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.places import enter
from gitslices.ops.status import status
from gitslices.recovery.recovery import recover
from gitslices.state.store import SliceRecord
from tests.support.commands import Cli
from tests.support.repositories import commit_all, commit_quietly, git
from tests.support.slices import apply_graph, apply_tasks, slice_path, work
from tests.support.workspaces import open_at

GRAPH = {
    "goal_id": "g",
    "tasks": [{"id": id_, "owner_role": "w", "write_set": [f"{id_}/"]} for id_ in "abc"],
}


@pytest.fixture
def tops(repo: Path) -> dict[str, Path]:
    """The worktrees of three slices."""
    apply_graph(open_at(repo), convert(GRAPH, TaskGraph))
    return {id_: repo.parent / "webshop.slices" / f"g--{id_}" for id_ in "abc"}


def forward(repo: Path) -> list[str]:
    workspace = open_at(repo)
    with workspace.open_store() as store:
        goal = store.read_goal("g")
        assert goal is not None
        return list(forward_slices(workspace, store, goal).slice_ids)


def read_records(repo: Path) -> dict[str, SliceRecord]:
    with open_at(repo).open_store() as store:
        return {record.slice_id: record for record in store.read_slices("g")}


def move_target(repo: Path) -> str:
    (repo / "Makefile").write_text("all:\n")
    (repo / "new.txt").write_text("new\n")
    (repo / "README.md").unlink()
    return commit_quietly(repo)


def head(top: Path) -> str:
    return git(top, "rev-parse", "HEAD")


def test_branch_worktree_and_base_move_together(repo: Path, tops: dict[str, Path]) -> None:
    commit = move_target(repo)
    assert forward(repo) == ["a", "b", "c"]
    for id_, record in read_records(repo).items():
        assert head(tops[id_]) == git(repo, "rev-parse", record.branch_name) == commit
        assert record.base_commit == commit
        assert git(tops[id_], "status", "--porcelain") == ""
    assert (tops["a"] / "new.txt").read_text() == "new\n"
    assert not (tops["a"] / "README.md").exists()
    with open_at(repo).open_store() as store:
        assert [event.event for event in store.read_events()].count("forwarded") == 3
    assert forward(repo) == []


def test_a_slice_that_was_started_stays(repo: Path, tops: dict[str, Path]) -> None:
    started = commit_quietly(tops["a"])
    (tops["b"] / "loose.txt").write_text("precious")
    (tops["c"] / "Makefile").write_text("edited")
    before = {id_: head(top) for id_, top in tops.items()}
    move_target(repo)
    assert forward(repo) == []
    assert {id_: head(top) for id_, top in tops.items()} == before
    assert before["a"] == started
    assert (tops["c"] / "Makefile").read_text() == "edited"


def test_a_claimed_slice_stays(repo: Path, tops: dict[str, Path]) -> None:
    claim(open_at(repo), ClaimRequest(holder="agent", slice_id=SliceId("a")))
    move_target(repo)
    assert forward(repo) == ["b", "c"]


def test_a_worktree_off_its_branch_keeps_its_files_while_the_branch_moves(
    repo: Path, tops: dict[str, Path]
) -> None:
    git(tops["a"], "switch", "--quiet", "--detach")
    before = head(tops["a"])
    subprocess.run(["rm", "-rf", str(tops["b"])], check=True)
    commit = move_target(repo)
    assert forward(repo) == ["a", "b", "c"]
    assert head(tops["a"]) == before
    assert (tops["a"] / "README.md").exists()
    for id_ in "abc":
        assert git(repo, "rev-parse", f"slices/g/{id_}") == commit


def test_a_target_that_was_rewritten_is_followed_and_one_that_is_gone_is_not(
    repo: Path, tops: dict[str, Path]
) -> None:
    git(repo, "commit", "--quiet", "--amend", "--allow-empty", "-m", "Another start")
    assert forward(repo) == ["a", "b", "c"]
    assert {head(top) for top in tops.values()} == {git(repo, "rev-parse", "main")}
    git(repo, "switch", "--quiet", "--detach")
    git(repo, "branch", "--quiet", "-D", "main")
    assert forward(repo) == []


def test_a_busy_lock_leaves_it_for_another_time(repo: Path, tops: dict[str, Path]) -> None:
    move_target(repo)
    with open_at(repo).hold_topology():
        assert forward(repo) == []
    assert forward(repo) == ["a", "b", "c"]


def test_a_slice_that_a_killed_process_was_moving_is_free_again(
    repo: Path, tops: dict[str, Path]
) -> None:
    workspace, record = open_at(repo), read_records(repo)["a"]
    with workspace.open_store() as store:
        assert store.swap_slice(record, structs.replace(record, filling_operation="op"))
    (workspace.state_folder / "operation-op.lock").touch()
    recover(workspace)
    assert read_records(repo)["a"] == record
    assert head(tops["a"]) == record.base_commit


def test_a_claim_that_comes_first_keeps_the_slice_where_it_is(
    repo: Path, tops: dict[str, Path]
) -> None:
    commit, record = move_target(repo), read_records(repo)["a"]
    with open_at(repo).open_store() as store:
        busy = structs.replace(record, filling_operation="claiming")
        assert store.swap_slice(record, busy)
        assert not store.swap_slice(record, structs.replace(record, base_commit=Oid(commit)))
    assert "a" not in forward(repo)


def merge_slice(repo: Path, id_: str) -> MergeReport:
    return merge(open_at(repo), MergeRequest(slice_ids=(SliceId(id_),)))


def find_followers(repo: Path) -> list[str]:
    return [one.slice_id for one in status(open_at(repo), None).slices if one.follows]


def test_neither_commits_nor_merges_touch_the_worktrees_of_those_that_wait(
    repo: Path, tops: dict[str, Path]
) -> None:
    start = head(repo)
    work(open_at(repo), "a", {"a/work": "work"}, goal_id="g")
    (tops["c"] / "loose.txt").write_text("precious")
    assert find_followers(repo) == []
    assert merge_slice(repo, "a").forwarded == ()
    commit_all(repo, "Later")
    assert head(tops["b"]) == head(tops["c"]) == start
    # What holds an edit stays where it is.
    assert find_followers(repo) == ["b"]


def test_a_slice_that_nobody_has_begun_follows_when_it_is_claimed_or_entered(
    repo: Path, tops: dict[str, Path]
) -> None:
    commit = move_target(repo)
    (tops["c"] / "loose.txt").write_text("precious")
    claim(open_at(repo), ClaimRequest(holder="agent", slice_id=SliceId("a")))
    for id_ in "bc":
        assert enter(open_at(repo), SliceId(id_), None).worktree_path == str(tops[id_])
    assert head(tops["a"]) == head(tops["b"]) == commit != head(tops["c"])
    assert (tops["b"] / "new.txt").exists()
    assert find_followers(repo) == []


def test_whoever_enters_is_told_what_keeps_a_slice_back(
    cli: Cli, repo: Path, tops: dict[str, Path]
) -> None:
    move_target(repo)
    (repo / ".git/refs/heads/slices/g/a.lock").touch()
    done = cli("path", "a")
    assert (done.code, done.out) == (0, f"{tops['a']}\n")
    assert done.err.startswith("warning: a was not brought forward: git update-ref")
    assert "a was not brought forward" in cli("path", "a", "--json").document["warnings"][0]


def test_a_merge_brings_forward_those_whose_turn_has_come(repo: Path) -> None:
    many = [f"n{number}" for number in range(10)]
    tasks = [{"id": id_, "write_set": [f"{id_}/"]} for id_ in (*"ab", *many, "last", "apart")]
    for task in tasks[2:-1]:
        task["dependencies"] = ["a"]
    tasks[-2]["dependencies"] = ["a", "b"]
    workspace = open_at(repo)
    apply_tasks(workspace, *tasks)
    start = head(repo)
    for id_ in "ab":
        work(workspace, id_, {f"{id_}/work": "work"})
    # A few at once: nobody who merges waits for hundreds.
    assert merge_slice(repo, "a").forwarded == tuple(many[:8])
    assert head(slice_path(workspace, "n0")) == head(repo)
    assert head(slice_path(workspace, "n9")) == head(slice_path(workspace, "last")) == start
    assert merge_slice(repo, "b").forwarded == ("last",)
    assert head(slice_path(workspace, "apart")) == start


def test_where_both_trees_are_alike_no_file_is_touched(repo: Path, tops: dict[str, Path]) -> None:
    index = repo / ".git/worktrees/g--a/index"
    before = index.read_bytes(), index.stat().st_mtime_ns, index.stat().st_ino
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "Nothing")
    assert forward(repo) == ["a", "b", "c"]
    assert head(tops["a"]) == head(repo) == read_records(repo)["a"].base_commit
    assert (index.read_bytes(), index.stat().st_mtime_ns, index.stat().st_ino) == before
    assert git(tops["a"], "status", "--porcelain") == ""
