"""The branch that a goal is merged into: when it is another one, and when it is gone."""

from pathlib import Path

import pytest

from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import git
from tests.support.slices import apply_tasks, work
from tests.support.workspaces import open_at


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["a/"]}, {"id": "b", "write_set": ["b/"]})
    return workspace


@pytest.fixture
def graph(tmp_path: Path) -> str:
    tasks = ({"id": id_, "write_set": [f"{id_}/"]} for id_ in "ab")
    return write_graph(tmp_path / "g.json", *tasks, goal_id="default")


def merge_work(cli: Cli, workspace: Workspace, slice_id: str) -> None:
    cli("claim", slice_id)
    work(workspace, slice_id, {f"{slice_id}/file": "x"})
    assert cli("done", slice_id, "--token", "1").code == 0
    assert cli("merge", slice_id).code == 0


# Another one.


def test_a_diff_tells_of_another_target(
    cli: Cli, repo: Path, workspace: Workspace, graph: str
) -> None:
    git(repo, "branch", "release")
    told = cli("plan", graph, "--diff", "--check", "--target", "release")
    assert (told.code, told.out) == (1, "default\ntarget: main -> release\n")
    document = cli("plan", graph, "--diff", "--target", "release", "--json").document
    assert document["retargeted"] == {"before": "main", "after": "release", "missing": []}
    same = cli("plan", graph, "--diff", "--check", "--json")
    assert (same.code, same.document["retargeted"]) == (0, None)


def test_an_apply_tells_of_another_target_once_and_keeps_it(
    cli: Cli, repo: Path, workspace: Workspace, graph: str
) -> None:
    git(repo, "branch", "release")
    done = cli("plan", graph, "--apply", "--target", "release")
    assert done.out.splitlines()[-1] == "target: main -> release"
    again = cli("plan", graph, "--apply")
    assert again.out.splitlines()[-1] == "nothing to do: 2 slices in place"
    assert cli("status").out.startswith("default · target release\n")
    events = cli("log", "--json").document["events"]
    told = [one["detail"] for one in events if one["event"] == "retargeted"]
    assert told == [{"from": "main", "to": "release"}]


def test_merged_slices_that_the_new_target_lacks_are_named(
    cli: Cli, repo: Path, workspace: Workspace, graph: str
) -> None:
    git(repo, "branch", "old")
    merge_work(cli, workspace, "a")
    git(repo, "branch", "new")
    line = "merged into main, not in old: a (bring them there with git)\n"
    assert line in cli("plan", graph, "--diff", "--target", "old").out
    assert "merged into" not in cli("plan", graph, "--diff", "--target", "new").out
    done = cli("plan", graph, "--apply", "--target", "old", "--json").document
    assert done["applied"]["retargeted"] == {"before": "main", "after": "old", "missing": ["a"]}


# One that is gone.

GONE = (
    "error: the goal is merged into 'main', and this branch is gone\n"
    "hint: plan its graph for another one: gitslices plan FILE --apply --target BRANCH; "
    "or make it again: git branch main COMMIT\n"
)


def test_a_target_that_is_gone_is_told_by_every_command_that_needs_it(
    cli: Cli, repo: Path, workspace: Workspace, graph: str
) -> None:
    git(repo, "branch", "--move", "trunk")
    lines = ("ready", "claim a", "claim", "merge --all", "sync a", "conflicts", "run -- true")
    for words in (*(line.split() for line in lines), ("plan", graph), ("plan", graph, "--diff")):
        done = cli(*words)
        assert (done.code, done.out, done.err) == (2, "", GONE), words


def test_no_lease_is_opened_without_a_target(cli: Cli, repo: Path, workspace: Workspace) -> None:
    git(repo, "branch", "--move", "trunk")
    cli("claim", "a")
    git(repo, "branch", "main", "trunk")
    events = cli("log", "--json").document["events"]
    assert {one["event"] for one in events} == {"planned", "provisioned"}
    assert cli("claim", "a", "--json").document["token"] == 1


def test_another_target_is_taken_as_the_hint_says(
    cli: Cli, repo: Path, workspace: Workspace, graph: str
) -> None:
    git(repo, "branch", "--move", "trunk")
    assert cli("plan", graph, "--apply", "--target", "trunk").code == 0
    merge_work(cli, workspace, "a")


def test_a_target_that_is_gone_is_told_by_status_and_doctor(
    cli: Cli, repo: Path, workspace: Workspace, graph: str
) -> None:
    assert cli("status", "--json").document["problem"] is None
    git(repo, "branch", "--move", "trunk")
    told = cli("status")
    assert told.out.splitlines()[0].endswith(" · target main (no such branch)")
    assert told.out.endswith("see: gitslices doctor\n")
    found = cli("doctor")
    assert found.code == 1
    assert "[lost-target]" in found.out
    assert "git branch main COMMIT" in found.out
    git(repo, "branch", "main", "trunk")
    assert cli("doctor").code == 0
