"""What people write for scopes, as `gitslices plan` and `validate` take it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.commands import Cli


@pytest.fixture
def graph(tmp_path: Path) -> str:
    tasks = [{"id": "a", "write_set": ["*.md"]}, {"id": "b", "write_set": ["new/"]}]
    return write_graph(tmp_path / "graph.json", *tasks)


def write_graph(path: Path, *tasks: Mapping[str, object], **fields: object) -> str:
    defaults = {"owner_role": "executor"}
    path.write_text(json.dumps({"defaults": defaults, "tasks": tasks, **fields}))
    return str(path)


@pytest.mark.parametrize("option", ["--new-paths", "--unborn"])
def test_how_far_new_paths_count_has_two_names_and_one_is_told(
    call: Cli, repo: Path, graph: str, option: str
) -> None:
    plans = {name: call("plan", graph, option, name, "--json").document
             for name in ("anchored", "all", "none")}  # fmt: skip
    assert {name: (plan["unborn"], len(plan["waves"])) for name, plan in plans.items()} == {
        "anchored": ("anchored", 1),
        "all": ("all", 2),
        "none": ("none", 1),
    }
    assert "--unborn" not in call("plan", "--help").out


def test_tasks_with_braces_are_put_in_an_order_with_those_who_name_the_file(
    call: Cli, repo: Path, tmp_path: Path
) -> None:
    tasks = [
        {"id": "all", "write_set": ["src/**/*.{ts,tsx}"], "read_set": ["{docs,web}/"]},
        {"id": "one", "write_set": ["src/web/new.tsx"]},
    ]
    plan = call("plan", write_graph(tmp_path / "braces.json", *tasks), "--json").document
    assert len(plan["waves"]) == 2
    (whole,) = (one for one in plan["slices"] if one["slice_id"] == "all")
    assert whole["write_scope"] == ["src/**/*.ts", "src/**/*.tsx"]
    assert whole["read_scope"] == ["docs/", "web/"]


def test_files_that_are_shared_may_have_braces(call: Cli, repo: Path, tmp_path: Path) -> None:
    tasks = [{"id": id_, "write_set": [f"{id_}/", "CHANGES.md", "NEWS.md"]} for id_ in "ab"]
    graph = write_graph(tmp_path / "shared.json", *tasks, shared=["{CHANGES,NEWS}.md"])
    plan = call("plan", graph, "--json").document
    assert len(plan["waves"]) == 1
    assert [one["entry"] for one in plan["shared_overlaps"]] == ["CHANGES.md", "NEWS.md"]


def test_a_foreign_notation_is_an_error_with_its_place(
    call: Cli, repo: Path, tmp_path: Path
) -> None:
    tasks = [{"id": "a", "write_set": ["src/", "src/a.ts,src/b.ts"], "read_set": ["src\\a.ts"]}]
    done = call("validate", write_graph(tmp_path / "foreign.json", *tasks))
    assert done.code == 2
    assert "tasks[0].write_set[1]" in done.err
    assert "tasks[0].read_set[0]" in done.err


def test_an_entry_that_is_allowed_later_may_have_braces(
    call: Cli, repo: Path, tmp_path: Path
) -> None:
    graph = write_graph(tmp_path / "one.json", {"id": "a", "write_set": ["src/"]})
    assert call("plan", graph, "--apply").code == 0
    allowed = call("scope", "allow", "a", "{docs,web}/*.md", "--reason", "texts", "--json")
    assert allowed.code == 0
    assert allowed.document["write_scope"] == ["docs/*.md", "src/", "web/*.md"]
    again = call("scope", "allow", "a", "{docs,web}/*.md", "--reason", "again", "--json")
    assert again.document == allowed.document
    refused = call("scope", "allow", "a", "docs/a.md,docs/b.md", "--reason", "texts")
    assert refused.code == 2
