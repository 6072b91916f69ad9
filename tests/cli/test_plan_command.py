"""`gitslices plan`, end to end."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.commands import Cli, run_cli
from tests.support.golden import compare
from tests.support.repositories import commit_all, git


def write_graph(path: Path, *tasks: Mapping[str, object], **fields: object) -> str:
    defaults = {"owner_role": "executor"}
    path.write_text(json.dumps({"defaults": defaults, "tasks": tasks, **fields}))
    return str(path)


def test_the_text_shows_waves_reasons_and_the_critical_path(cli: Cli, graph_file: Path) -> None:
    done = cli("plan", str(graph_file), "--order", "id")
    assert (done.code, done.err) == (0, "")
    compare("plan-webshop.txt", done.out)


def test_json_is_the_whole_plan(cli: Cli, graph_file: Path, repo: Path) -> None:
    done = cli("plan", str(graph_file), "--order", "id", "--json")
    assert (done.code, done.err) == (0, "")
    compare("plan-webshop.json", done.out.replace(str(repo.parent), "<parent>"))


def test_the_same_input_gives_the_same_bytes(cli: Cli, graph_file: Path) -> None:
    runs = {
        cli("plan", str(graph_file), "--json", env={"PYTHONHASHSEED": seed}).out
        for seed in ("0", "1", "2")
    }
    assert len(runs) == 1


def test_a_plan_changes_nothing(cli: Cli, graph_file: Path, repo: Path) -> None:
    before = sorted(str(path) for path in repo.parent.rglob("*"))
    cli("plan", str(graph_file))
    assert sorted(str(path) for path in repo.parent.rglob("*")) == before


def test_the_graph_at_the_root_is_found_from_a_subfolder(cli: Cli, repo: Path) -> None:
    write_graph(repo / "task_graph.json", {"id": "a", "write_set": ["src/"]})
    done = cli("plan", "--json", directory=repo / "src" / "api")
    assert [one["slice_id"] for one in done.document["slices"]] == ["a"]


def test_standard_input_is_read_for_a_dash(cli: Cli) -> None:
    graph = b"tasks:\n- {id: a, owner_role: me, write_set: [src/]}\n"
    assert cli("plan", "-", "--json", stdin=graph).document["waves"] == [["a"]]


def test_without_a_graph_the_error_says_where_it_was_looked_for(cli: Cli, repo: Path) -> None:
    done = cli("plan")
    assert done.code == 2
    assert f"no task graph at '{repo}'" in done.err


def test_check_exits_with_1_for_an_overlap(cli: Cli, repo: Path, tmp_path: Path) -> None:
    beside = write_graph(
        tmp_path / "a.json", {"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]}
    )
    overlapping = write_graph(
        tmp_path / "b.json", {"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["src/"]}
    )
    assert cli("plan", beside, "--check").code == 0
    assert cli("plan", overlapping, "--check").code == 1


def test_an_overlap_that_dependencies_order_already_passes_check(cli: Cli, tmp_path: Path) -> None:
    graph = write_graph(
        tmp_path / "graph.json",
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["docs/"], "dependencies": ["a"]},
        {"id": "c", "write_set": ["src/"], "dependencies": ["b"]},
    )
    assert cli("plan", graph, "--check").code == 0


def test_each_kind_of_overlap_is_named_from_the_later_slice(cli: Cli, tmp_path: Path) -> None:
    graph = write_graph(
        tmp_path / "graph.json",
        {"id": "1", "write_set": ["src/db/"], "read_set": ["docs/api.md"]},
        {"id": "2", "write_set": ["src/db/schema.sql"]},
        {"id": "3", "write_set": ["docs/api.md"]},
        {"id": "4", "write_set": ["Makefile"], "read_set": ["src/db/migrate.py"]},
    )
    plan = cli("plan", graph, "--json", "--order", "id").document
    found = {
        one["blocked_slice_id"]: (one["serializes_after"], one["kind"], one["path"], one["exists"])
        for one in plan["overlap_serializations"]
    }
    assert found == {
        "2": ("1", "write_write", "src/db/schema.sql", True),
        "3": ("1", "write_read", "docs/api.md", True),
        "4": ("1", "read_write", "src/db/migrate.py", True),
    }


def test_a_path_that_does_not_exist_yet_is_an_overlap(cli: Cli, tmp_path: Path) -> None:
    graph = write_graph(
        tmp_path / "graph.json",
        {"id": "a", "write_set": ["src/new/"]},
        {"id": "b", "write_set": ["src/new/thing.py"]},
    )
    (overlap,) = cli("plan", graph, "--json").document["overlap_serializations"]
    assert (overlap["path"], overlap["exists"]) == ("src/new/thing.py", False)


def test_an_order_through_a_skipped_task_holds(cli: Cli, tmp_path: Path) -> None:
    graph = write_graph(
        tmp_path / "graph.json",
        {"id": "a", "write_set": ["src/"]},
        {"id": "talk", "dependencies": ["a"]},
        {"id": "b", "write_set": ["docs/"], "dependencies": ["talk"]},
    )
    plan = cli("plan", graph, "--json").document
    assert plan["waves"] == [["a"], ["b"]]
    assert plan["skipped"] == [{"task_id": "talk", "reason": "empty write_set"}]


def test_a_writer_of_everything_needs_no_owner(cli: Cli, tmp_path: Path) -> None:
    graph = write_graph(
        tmp_path / "graph.json",
        {"id": "all", "write_set": ["project files"]},
        {"id": "some", "write_set": ["src/"]},
        {"id": "talk", "owner_role": "w"},
        defaults={},
    )
    plan = cli("plan", graph, "--json").document
    assert [one["slice_id"] for one in plan["slices"]] == ["all"]
    assert plan["skipped"][0] == {"task_id": "some", "reason": "no owner_role"}


def test_a_graph_without_any_owner_is_for_the_executor(cli: Cli, tmp_path: Path) -> None:
    tasks = ({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    graph = write_graph(tmp_path / "graph.json", *tasks, defaults={})
    said = "no task names an owner_role, so each is for executor\n"
    assert cli("plan", graph).out.endswith(said)
    assert cli("validate", graph).out == f"default: 2 tasks, no errors\n{said}"
    plan = cli("plan", graph, "--json").document
    assert [one["owner_role"] for one in plan["slices"]] == ["executor", "executor"]
    assert plan["assumed_owner"] == cli("validate", graph, "--json").document["assumed_owner"]
    assert said not in cli("plan", write_graph(tmp_path / "graph.json", *tasks)).out


def test_tasks_without_an_owner_are_told_how_to_get_one(cli: Cli, tmp_path: Path) -> None:
    tasks = ({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    talk = {"id": "talk", "owner_role": "w"}
    graph = tmp_path / "g.json"
    graph.write_text(json.dumps({"tasks": [*tasks, talk]}))
    hint = "hint: set owner_role, or owner_role under [defaults]\n"
    done = cli("plan", str(graph))
    assert done.code == 0
    assert done.out.endswith(
        f"skipped a: no owner_role\nskipped b: no owner_role\nskipped talk: empty write_set\n{hint}"
    )
    checked = cli("validate", str(graph))
    assert checked.code == 0
    assert checked.out == (
        "default: 3 tasks, no errors\n"
        "2 would be skipped: no owner_role (a, b)\n"
        f"1 would be skipped: empty write_set (talk)\n{hint}"
    )
    document = cli("validate", str(graph), "--json").document
    assert document["skipped"] == cli("plan", str(graph), "--json").document["skipped"]
    graph.write_text(json.dumps({"tasks": [talk]}))
    assert "hint" not in cli("plan", str(graph)).out + cli("validate", str(graph)).out


def test_ids_are_taken_in_the_order_of_their_bytes(cli: Cli, tmp_path: Path) -> None:
    tasks = [{"id": f"task-{number}", "write_set": ["src/"]} for number in (10, 2, 1)]
    plan = cli("plan", write_graph(tmp_path / "g.json", *tasks), "--json", "--order", "id").document
    assert plan["waves"] == [["task-1"], ["task-10"], ["task-2"]]
    assert [len(one["dependencies"]) for one in plan["slices"]] == [0, 1, 1]


def test_a_shared_file_forces_no_order(cli: Cli, tmp_path: Path) -> None:
    tasks = [{"id": id_, "write_set": ["CHANGELOG.md", f"src/{id_}/"]} for id_ in "ab"]
    graph = write_graph(tmp_path / "graph.json", *tasks, shared=["CHANGELOG.md"])
    plan = cli("plan", graph, "--json").document
    assert plan["waves"] == [["a", "b"]]
    assert plan["shared_overlaps"] == [{"entry": "CHANGELOG.md", "slice_ids": ["a", "b"]}]


@pytest.mark.parametrize(
    ("option", "needs"), [("--ready", "--ready"), ("--allow-dirty", "--allow-dirty")]
)
def test_options_of_apply_are_refused_without_it(cli: Cli, option: str, needs: str) -> None:
    done = cli("plan", option)
    assert done.code == 2
    assert f"{needs} needs --apply" in done.err


@pytest.mark.parametrize("drawn", ["mermaid", "dot", "svg", "html"])
def test_a_document_and_a_picture_are_not_printed_together(
    cli: Cli, graph_file: Path, drawn: str
) -> None:
    done = cli("plan", str(graph_file), "--json", "--format", drawn)
    assert done.code == 2
    assert done.document["error"]["message"] == "--json and --format exclude each other"
    done = cli("plan", str(graph_file), "--json", "--format", "json")
    assert done.out == cli("plan", str(graph_file), "--json").out


def test_the_target_and_base_are_the_current_branch(cli: Cli, repo: Path, graph_file: Path) -> None:
    git(repo, "switch", "--quiet", "-c", "work")
    commit = commit_all(repo)
    plan = cli("plan", str(graph_file), "--json").document
    assert plan["base"] == {"ref": "work", "commit": commit}
    assert plan["target"] == "work"


def test_a_tag_named_like_the_branch_does_not_win(cli: Cli, repo: Path, graph_file: Path) -> None:
    git(repo, "tag", "main")
    commit = commit_all(repo)
    assert cli("plan", str(graph_file), "--json").document["base"]["commit"] == commit


def test_a_detached_head_asks_for_a_target(cli: Cli, repo: Path, graph_file: Path) -> None:
    git(repo, "switch", "--quiet", "--detach")
    done = cli("plan", str(graph_file))
    assert done.code == 2
    assert "--target BRANCH" in done.err
    assert cli("plan", str(graph_file), "--target", "main").code == 0


@pytest.mark.parametrize("name", ["nowhere", "-D", "--all", "main..other", ""])
def test_a_base_that_does_not_exist_is_named(cli: Cli, graph_file: Path, name: str) -> None:
    done = cli("plan", str(graph_file), f"--base={name}", "--json")
    assert done.code == 2
    assert done.document["error"]["message"] == f"{name!r} names no commit"


def test_a_target_that_does_not_exist_is_named(cli: Cli, graph_file: Path) -> None:
    done = cli("plan", str(graph_file), "--target", "nowhere")
    assert done.code == 2
    assert "there is no branch 'nowhere' to merge into" in done.err


def test_a_relative_file_is_named_in_full_where_it_is_missing(cli: Cli, repo: Path) -> None:
    (repo / "src" / "bad.toml").write_text("[[tasks]]\n")
    for command in ("plan", "validate"):
        done = cli(command, "-C", "src", "bad.toml")
        assert (done.code, done.err.splitlines()[0]) == (
            2, f"error: there is no file '{repo}/bad.toml'",
        )  # fmt: skip
    assert cli("validate", "src/bad.toml").err.startswith("error: src/bad.toml: 1 error\n")


def test_strict_refuses_entries_that_match_no_file(cli: Cli, tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.json", {"id": "a", "write_set": ["src/", "Mkefile"]})
    said = "'Mkefile' matches no file; is 'Makefile' meant?"
    assert f"warning: a: write_set: {said}\n" in cli("plan", graph).out
    checked = cli("validate", graph)
    assert (checked.code, checked.out.splitlines()[-1]) == (
        0, f"warning: tasks[0].write_set[1] ('a', line 1): {said}",
    )  # fmt: skip
    for command in ("plan", "validate"):
        refused = cli(command, graph, "--strict")
        assert (refused.code, refused.out) == (2, "")
        assert refused.err == (
            f"error: {graph}: 1 entry matches no file\n"
            f"  tasks[0].write_set[1] ('a', line 1): {said}\n"
        )
    assert cli("plan", graph, "--strict", "--apply").code == 2
    assert cli("status", "--json").document["ok"] is False
    sound = write_graph(tmp_path / "g.json", {"id": "a", "write_set": ["src/", "Makefile"]})
    assert cli("validate", sound, "--strict").code == cli("plan", sound, "--strict").code == 0


def test_a_graph_is_validated_without_a_repository(tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.json", {"id": "a", "write_set": ["Mkefile"]})
    done = run_cli(tmp_path, "validate", graph, "--strict")
    assert (done.code, done.out) == (0, "default: 1 task, no errors\n")
