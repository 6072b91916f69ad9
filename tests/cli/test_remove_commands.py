"""`gitslices remove`, `prune` and `status`, end to end."""

from pathlib import Path

import pytest

from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git, list_branches, list_worktrees


@pytest.fixture
def standing(cli: Cli, repo: Path, tmp_path: Path) -> Path:
    """Two slices, a then b, provisioned; returns the folder of their worktrees."""
    graph = write_graph(
        tmp_path / "g.json",
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["src/"]},
    )
    assert cli("plan", graph, "--apply").code == 0
    return repo.parent / "webshop.slices"


def merge(repo: Path, id_: str) -> None:
    git(repo, "merge", "--quiet", "--no-ff", "-m", f"Merge {id_}", f"slices/default/{id_}")


def test_an_untouched_slice_is_removed_and_can_be_made_again(
    cli: Cli, repo: Path, standing: Path, tmp_path: Path
) -> None:
    done = cli("remove", "a")
    assert done.code == 0, done.err
    assert "made again only after: gitslices reopen a" in done.out
    assert not (standing / "default--a").exists()
    assert list_branches(repo) == ["main", "slices/default/b"]
    assert len(list_worktrees(repo)) == 2
    plan = ("plan", str(tmp_path / "g.json"), "--apply", "--json")
    left = cli(*plan).document["applied"]
    assert (left["created"], left["dropped"]) == ([], ["a"])
    assert cli("reopen", "a").out == "a: planned again, it was dropped\n"
    assert cli(*plan).document["applied"]["created"] == ["a"]


def test_uncommitted_work_is_not_removed(cli: Cli, standing: Path) -> None:
    (standing / "default--a" / "src" / "new.py").write_text("precious")
    done = cli("remove", "a")
    assert done.code == 1
    assert "uncommitted: src/new.py" in done.err
    assert (standing / "default--a" / "src" / "new.py").read_text() == "precious"


def test_unmerged_commits_are_not_removed(cli: Cli, repo: Path, standing: Path) -> None:
    commit_all(standing / "default--a", "Work")
    done = cli("remove", "a")
    assert done.code == 1
    assert "1 commit not in the target" in done.err
    assert "slices/default/a" in list_branches(repo)


def test_force_keeps_the_files_and_the_last_commit_in_the_trash(
    cli: Cli, repo: Path, standing: Path
) -> None:
    commit = commit_all(standing / "default--a", "Work")
    (standing / "default--a" / "loose.txt").write_text("precious")
    assert cli("remove", "a", "--force").code == 0
    kept = git(repo, "for-each-ref", "--format=%(objectname)", "refs/gitslices/trash/")
    assert kept == commit
    (loose,) = (repo / ".git" / "gitslices" / "trash").rglob("loose.txt")
    assert loose.read_text() == "precious"
    assert git(repo, "fsck", "--no-progress", "--strict") == ""


def test_a_worktree_the_user_locked_is_never_removed(cli: Cli, repo: Path, standing: Path) -> None:
    git(repo, "worktree", "lock", "--reason", "on a usb stick", str(standing / "default--a"))
    done = cli("remove", "a", "--force")
    assert done.code == 1
    assert "its worktree is locked: on a usb stick" in done.err


def test_an_unknown_slice_offers_the_nearest(cli: Cli, repo: Path, tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.json", {"id": "schema", "write_set": ["src/"]})
    cli("plan", graph, "--apply")
    done = cli("remove", "shema", "--json")
    assert done.code == 2
    assert done.document["error"]["code"] == "unknown-slice"
    assert done.document["error"]["hint"] == "the nearest is 'schema'"


def test_prune_removes_the_merged_and_keeps_the_rest(cli: Cli, repo: Path, standing: Path) -> None:
    commit_all(standing / "default--a", "Work")
    merge(repo, "a")
    preview = cli("prune", "--dry-run")
    assert preview.out == (
        "would remove a: merged into main\n"
        f"  branch slices/default/a, worktree {standing / 'default--a'}\n"
    )
    assert len(list_worktrees(repo)) == 3
    done = cli("prune")
    assert done.code == 0
    assert done.out.startswith("removed a: merged into main\n")
    assert done.out.endswith("bring it back with: gitslices undo\n")
    assert list_branches(repo) == ["main", "slices/default/b"]
    assert cli("prune").out == "nothing to remove\n"


def test_prune_keeps_a_merged_slice_with_uncommitted_work(
    cli: Cli, repo: Path, standing: Path
) -> None:
    commit_all(standing / "default--a", "Work")
    merge(repo, "a")
    (standing / "default--a" / "later.txt").write_text("precious")
    done = cli("prune")
    assert done.code == 1
    assert done.out.startswith("kept a: uncommitted: later.txt")


def test_prune_takes_slices_that_left_the_graph_and_never_a_foreign_worktree(
    cli: Cli, repo: Path, standing: Path, tmp_path: Path
) -> None:
    git(repo, "worktree", "add", "--quiet", "-b", "mine", str(standing / "mine"))
    graph = write_graph(tmp_path / "g.json", {"id": "b", "write_set": ["src/"]})
    cli("plan", graph, "--apply")
    assert cli("prune").out.startswith("removed a: no longer in the plan\n")
    assert list_branches(repo) == ["main", "mine", "slices/default/b"]


def test_a_merged_slice_is_not_made_again(
    cli: Cli, repo: Path, standing: Path, tmp_path: Path
) -> None:
    commit_all(standing / "default--a", "Work")
    merge(repo, "a")
    cli("prune")
    done = cli("plan", str(tmp_path / "g.json"), "--apply", "--json")
    assert done.document["applied"]["created"] == []
    states = {one["slice_id"]: one for one in cli("status", "--json").document["slices"]}
    assert states["a"]["status"] == "merged"
    assert states["b"]["waits_for"] == []


def test_status_counts_commits_and_sees_changes(cli: Cli, repo: Path, standing: Path) -> None:
    commit_all(standing / "default--a", "Work")
    (standing / "default--b" / "loose.txt").write_text("x")
    commit_all(repo, "On main")
    states = {one["slice_id"]: one for one in cli("status", "--json").document["slices"]}
    assert (states["a"]["ahead"], states["a"]["behind"], states["a"]["dirty"]) == (1, 1, False)
    assert (states["b"]["ahead"], states["b"]["behind"], states["b"]["dirty"]) == (0, 1, True)
    assert states["b"]["waits_for"] == ["a"]


def test_status_sees_a_merge_made_by_hand(cli: Cli, repo: Path, standing: Path) -> None:
    commit_all(standing / "default--a", "Work")
    merge(repo, "a")
    states = {one["slice_id"]: one for one in cli("status", "--json").document["slices"]}
    assert states["a"]["status"] == "merged"
    assert states["b"]["waits_for"] == []


def test_the_status_table_has_one_line_a_slice(cli: Cli, standing: Path) -> None:
    lines = cli("status").out.splitlines()
    assert lines[0] == "default · target main"
    assert lines[-2].split()[:3] == ["a", "provisioned", "0"]
    assert lines[-1].split() == ["b", "provisioned", "1", "+0", "-0", "a"]


def test_several_goals_ask_for_one(cli: Cli, tmp_path: Path) -> None:
    for goal in ("one", "two"):
        task = {"id": "a", "write_set": [goal]}
        cli("plan", write_graph(tmp_path / "g.json", task, goal_id=goal), "--apply")
    done = cli("remove", "a")
    assert done.code == 2
    assert "2 goals have a slice 'a': one, two" in done.err
    assert cli("status", "--goal", "two", "--json").document["goal_id"] == "two"


def test_status_before_any_plan_says_what_to_run(cli: Cli) -> None:
    done = cli("status")
    assert done.code == 2
    assert "run: gitslices plan --apply" in done.err
