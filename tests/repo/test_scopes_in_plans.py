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
