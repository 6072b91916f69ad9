"""`plan --apply --workspace`: a workspace file of VS Code."""

import json
from pathlib import Path
from typing import Any

from tests.support.commands import Cli
from tests.support.graphs import write_graph


def read(path: Path) -> list[Any]:
    return [(one.get("name"), one["path"]) for one in json.loads(path.read_text())["folders"]]


def test_it_lists_all_worktrees_and_keeps_what_is_not_ours(cli: Cli, tmp_path: Path) -> None:
    def apply(*ids: str) -> str:
        tasks = ({"id": id_, "write_set": [f"{id_}/"]} for id_ in ids)
        done = cli("plan", write_graph(tmp_path / "g.json", *tasks), "--apply", "--workspace")
        assert done.code == 0, done.err
        return done.out

    path = tmp_path / "webshop.slices" / "default.code-workspace"
    assert apply("a").endswith(f"wrote {path}\n")
    assert read(path) == [("webshop", "../webshop"), ("a", "default--a")]
    document = json.loads(path.read_text())
    document["settings"] = {"editor.tabSize": 2}
    document["folders"].append({"path": "/etc"})
    path.write_text(json.dumps(document))
    apply("a", "b")
    assert read(path) == [
        ("webshop", "../webshop"), (None, "/etc"), ("a", "default--a"), ("b", "default--b"),
    ]  # fmt: skip
    assert json.loads(path.read_text())["settings"] == {"editor.tabSize": 2}


def test_what_would_be_lost_is_refused_before_anything_is_made(cli: Cli, tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.json", {"id": "a", "write_set": ["src/"]})
    own = tmp_path / "own.code-workspace"
    own.write_text('{ // mine\n "folders": [] }')
    for argument, code, word in (
        (f"--workspace={own}", 1, "is no plain JSON, and would be overwritten"),
        (f"--workspace={graph}", 2, "takes a file that ends in .code-workspace"),
    ):
        refused = cli("plan", graph, "--apply", argument)
        assert (refused.code, word in refused.err) == (code, True), refused.err
    own.write_text("[]")
    assert "is no workspace file" in cli("plan", graph, "--apply", f"--workspace={own}").err
    assert not (tmp_path / "webshop.slices").exists()
    assert cli("plan", graph, "--workspace").err.startswith("error: --workspace needs --apply")
