"""`gitslices plan --apply`, end to end."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git, list_branches, list_worktrees
from tests.support.slices import path_beside

SLICES = ["api", "docs", "nav", "schema", "ui"]


def test_every_slice_gets_its_branch_and_a_clean_worktree(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    done = cli("plan", str(graph_file), "--apply", "--json")
    assert done.code == 0, done.err
    assert sorted(done.document["applied"]["created"]) == SLICES
    for id_ in SLICES:
        path = path_beside(repo, id_, "auth-rework")
        assert git(path, "branch", "--show-current") == f"slices/auth-rework/{id_}"
        assert git(path, "status", "--porcelain") == ""
        assert (path / "src" / "api" / "orders.py").is_file()
    assert "locked" not in git(repo, "worktree", "list", "--porcelain")
    assert git(repo, "status", "--porcelain") == ""


def test_the_second_run_changes_nothing(cli: Cli, repo: Path, graph_file: Path) -> None:
    cli("plan", str(graph_file), "--apply")
    before = (list_branches(repo), list_worktrees(repo))
    done = cli("plan", str(graph_file), "--apply")
    assert done.code == 0
    assert "nothing to do: 5 slices in place" in done.out
    assert (list_branches(repo), list_worktrees(repo)) == before


def test_ready_makes_only_what_waits_for_nothing(cli: Cli, repo: Path, graph_file: Path) -> None:
    done = cli("plan", str(graph_file), "--apply", "--ready", "--json", "--order", "id")
    waves = done.document["waves"]
    assert sorted(done.document["applied"]["created"]) == sorted(waves[0])
    assert len(waves) > 1


def test_a_new_task_gets_its_slice_and_a_gone_one_is_left_alone(
    cli: Cli, repo: Path, tmp_path: Path
) -> None:
    one = {"id": "one", "write_set": ["src/"]}
    two = {"id": "two", "write_set": ["docs/"]}
    three = {"id": "three", "write_set": ["tests/"]}
    cli("plan", write_graph(tmp_path / "g.json", one, two), "--apply")
    done = cli("plan", write_graph(tmp_path / "g.json", two, three), "--apply", "--json")
    applied = done.document["applied"]
    assert (applied["created"], applied["kept"], applied["gone"]) == (["three"], ["two"], ["one"])
    assert "slices/default/one" in list_branches(repo)


def test_a_changed_scope_is_recorded(cli: Cli, tmp_path: Path) -> None:
    graph = tmp_path / "g.json"
    cli("plan", write_graph(graph, {"id": "one", "write_set": ["src/"]}), "--apply")
    done = cli(
        "plan", write_graph(graph, {"id": "one", "write_set": ["docs/"]}), "--apply", "--json"
    )
    assert done.document["applied"]["rescoped"] == ["one"]
    again = cli("plan", str(graph), "--apply", "--json")
    assert again.document["applied"]["kept"] == ["one"]


def test_a_deleted_worktree_comes_back_with_its_commits(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    cli("plan", str(graph_file), "--apply")
    path = path_beside(repo, "nav", "auth-rework")
    (path / "new.txt").write_text("work")
    commit = commit_all(path)
    subprocess.run(["rm", "-rf", str(path)], check=True)
    done = cli("plan", str(graph_file), "--apply", "--json")
    assert done.document["applied"]["restored"] == ["nav"]
    assert git(path, "rev-parse", "HEAD") == commit
    assert (path / "new.txt").read_text() == "work"


def test_every_offender_is_named_before_the_first_change(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    git(repo, "branch", "slices/auth-rework/api")
    path_beside(repo, "ui", "auth-rework").mkdir(parents=True)
    (repo / "Makefile").write_text("changed")
    done = cli("plan", str(graph_file), "--apply", "--json")
    assert done.code == 1
    assert done.document["error"]["code"] == "refused"
    places = [problem["place"] for problem in done.document["error"]["problems"]]
    assert sorted(places) == sorted(["api", "ui", str(repo)])
    assert list_branches(repo) == ["main", "slices/auth-rework/api"]


def test_a_branch_named_like_a_folder_of_ours_is_an_offender(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    git(repo, "branch", "slices")
    done = cli("plan", str(graph_file), "--apply")
    assert done.code == 1
    assert "branch 'slices' exists and is not this slice's" in done.err
    assert list_branches(repo) == ["main", "slices"]


def test_uncommitted_changes_stop_it_unless_allowed_and_untracked_files_never(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    (repo / "notes.txt").write_text("untracked")
    (repo / "Makefile").write_text("changed")
    assert cli("plan", str(graph_file), "--apply").code == 1
    assert cli("plan", str(graph_file), "--apply", "--allow-dirty").code == 0
    assert (repo / "Makefile").read_text() == "changed"


def test_it_works_from_a_linked_worktree(cli: Cli, repo: Path, graph_file: Path) -> None:
    cli("plan", str(graph_file), "--apply", "--ready")
    done = cli(
        "plan",
        str(graph_file),
        "--apply",
        "--json",
        directory=path_beside(repo, "schema", "auth-rework"),
    )
    assert done.code == 0, done.err
    assert done.document["target"] == "main"
    assert all(path_beside(repo, id_, "auth-rework").is_dir() for id_ in SLICES)


def start_apply(repo: Path, graph: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "gitslices", "plan", str(graph), "--apply", "--json"]
    return subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_concurrent_applies_of_one_graph_all_end_with_every_slice(
    repo: Path, graph_file: Path
) -> None:
    running = [start_apply(repo, graph_file) for _ in range(6)]
    ended = [(process.communicate(), process.returncode) for process in running]
    assert [code for _, code in ended] == [0] * 6, ended
    created = sum(len(json.loads(out)["applied"]["created"]) for (out, _), _ in ended)
    assert created == len(SLICES)
    for id_ in SLICES:
        assert git(path_beside(repo, id_, "auth-rework"), "status", "--porcelain") == ""


def test_concurrent_applies_of_different_graphs_do_not_disturb_each_other(
    repo: Path, tmp_path: Path
) -> None:
    graphs = []
    for number in range(6):
        path = tmp_path / f"{number}.json"
        tasks = [{"id": id_, "write_set": [f"{id_}/"]} for id_ in "ab"]
        write_graph(path, *tasks, goal_id=f"goal-{number}")
        graphs.append(path)
    running = [start_apply(repo, graph) for graph in graphs]
    ended = [(process.communicate(), process.returncode) for process in running]
    assert [code for _, code in ended] == [0] * 6, ended
    assert len(list_worktrees(repo)) == 13
    assert len(list_branches(repo)) == 13


def test_a_held_lock_is_busy_and_names_the_holder(cli: Cli, repo: Path, graph_file: Path) -> None:
    from gitslices.state.folder import make_state_folder
    from gitslices.state.lock import hold_lock

    folder = make_state_folder(repo / ".git")
    with hold_lock(folder, "topology", timeout=0, purpose="gitslices prune"):
        done = cli("plan", str(graph_file), "--apply", "--lock-timeout", "0.1")
    assert done.code == 4
    assert "`gitslices prune` (process " in done.err
    assert list_branches(repo) == ["main"]


def test_a_slice_that_cannot_be_filled_is_undone_and_the_rest_stands(
    cli: Cli, repo: Path, tmp_path: Path
) -> None:
    git(repo, "config", "filter.broken.smudge", "test -e ok && rm ok && cat")
    git(repo, "config", "filter.broken.required", "true")
    (repo / ".gitattributes").write_text("Makefile filter=broken\n")
    commit_all(repo)
    done = cli("plan", write_graph(tmp_path / "g.json", {"id": "a", "write_set": ["a"]}), "--apply")
    assert done.code == 3
    assert "1 of 1 slices could not be provisioned and were undone" in done.err
    assert list_branches(repo) == ["main"]
    assert list_worktrees(repo) == [str(repo)]
    git(repo, "config", "--unset", "filter.broken.smudge")
    git(repo, "config", "--unset", "filter.broken.required")
    assert cli("plan", str(tmp_path / "g.json"), "--apply").code == 0


def test_the_post_checkout_hook_runs_and_its_failure_is_a_warning(
    cli: Cli, repo: Path, tmp_path: Path
) -> None:
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho "$3 $(pwd)" >> ran\nexit 7\n')
    hook.chmod(0o755)
    graph = write_graph(tmp_path / "g.json", {"id": "a", "write_set": ["src/"]})
    done = cli("plan", graph, "--apply", "--json")
    assert done.code == 0
    path = repo.parent / "webshop.slices" / "default--a"
    assert (path / "ran").read_text() == f"1 {path}\n"
    (warning,) = done.document["applied"]["warnings"]
    assert warning == "a: the post-checkout hook failed: exit status 7"


def test_a_worktree_root_inside_the_repository_is_refused(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    git(repo, "config", "gitslices.worktreeRoot", "trees")
    done = cli("plan", str(graph_file))
    assert done.code == 2
    assert "inside the repository" in done.err


def test_prefix_and_root_are_settings(cli: Cli, repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "gitslices.prefix", "work/agents")
    git(repo, "config", "gitslices.worktreeRoot", "../elsewhere")
    graph = write_graph(tmp_path / "g.json", {"id": "a", "write_set": ["src/"]})
    assert cli("plan", graph, "--apply").code == 0
    assert list_branches(repo) == ["main", "work/agents/default/a"]
    assert (repo.parent / "elsewhere" / "default--a" / "Makefile").is_file()
