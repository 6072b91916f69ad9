"""`relaxed` files: nobody waits for them, two slices hold them at once, the merge proves it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import convert

from gitslices.core.errors import GraphError
from gitslices.core.model import SliceId, TaskGraph
from gitslices.core.naming import make_graph_digest
from gitslices.graph.lines import GraphText
from gitslices.graph.load import check_text
from gitslices.ops.conflicts import conflicts
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.scope import AllowRequest, allow_scope
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all
from tests.support.slices import apply_graph, check_at, take, work
from tests.support.workspaces import open_at

TASKS = [
    {"id": id_, "owner_role": "w", "write_set": ["app.txt", "new.txt", f"{id_}/"]} for id_ in "ab"
]
LINES = [f"line {number}" for number in range(20)]


def make(**more: object) -> TaskGraph:
    return convert({"goal_id": "g", "tasks": TASKS, **more}, TaskGraph)


def text_with(**lines: str) -> str:
    changed: Mapping[int, str] = {int(name[1:]): text for name, text in lines.items()}
    return "\n".join(changed.get(number, line) for number, line in enumerate(LINES)) + "\n"


@pytest.mark.parametrize(("second", "met"), [({"n15": "b"}, 0), ({"n2": "b"}, 1)])
def test_two_slices_change_a_relaxed_file_at_once_and_the_merge_proves_it(
    repo: Path, second: Mapping[str, str], met: int
) -> None:
    (repo / "app.txt").write_text(text_with())
    commit_all(repo)
    workspace = open_at(repo)
    apply_graph(workspace, make(relaxed=["app.txt", "new.txt"]))
    tokens = {id_: take(workspace, id_) for id_ in "ab"}
    work(workspace, "a", {"app.txt": text_with(n2="a"), "a/x": "a"}, goal_id="g")
    top = workspace.worktree_root / "g--b"
    work(workspace, "b", {"app.txt": text_with(**second), "new.txt": "b"}, goal_id="g")
    # A new file that both may make is for whoever makes it.
    assert check_at(top).ok
    found = conflicts(workspace, None).conflicts
    assert [one.files for one in found] == [("app.txt",)] * met
    for id_, token in tokens.items():
        done(workspace, DoneRequest(slice_id=SliceId(id_), token=token))
    report = merge(workspace, MergeRequest(slice_ids=None, goal_id="g"))
    assert [one.slice_id for one in report.merged] == ["a", "b"][: 2 - met]
    assert [one.slice_id for one in report.conflicted] == ["b"] * met


def test_the_plan_counts_what_may_conflict(cli: Cli, tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.json", *TASKS, relaxed=["app.txt"], shared=["new.txt"])
    plan = cli("plan", graph, "--json").document
    assert plan["waves"] == [["a", "b"]]
    assert plan["shared_overlaps"] == [{"entry": "new.txt", "slice_ids": ["a", "b"]}]
    assert plan["relaxed_overlaps"] == [{"entry": "app.txt", "slice_ids": ["a", "b"]}]
    shown = cli("plan", graph).out
    assert "relaxed app.txt: 1 pair may conflict there: a, b\n" in shown


def test_a_graph_without_it_is_what_it_was(cli: Cli, tmp_path: Path) -> None:
    assert make_graph_digest(make()) == (
        "sha256:e127d79925c58090cd5805ffc5ac519d6b5458d661328cbc2fad1eb9c9361a72"
    )
    plan = cli("plan", write_graph(tmp_path / "g.json", *TASKS), "--json").document
    assert "relaxed_overlaps" not in plan


def test_a_scope_may_be_widened_by_a_relaxed_file(repo: Path) -> None:
    workspace = open_at(repo)
    apply_graph(workspace, make(relaxed=["late.txt"]))
    take(workspace, "a")
    for id_ in "ab":
        request = AllowRequest(slice_id=SliceId(id_), pattern="late.txt", reason="r", goal_id="g")
        assert "late.txt" in allow_scope(workspace, request).write_scope


@pytest.mark.parametrize(
    ("relaxed", "place"),
    [('"src/"', "relaxed"), ('["/../x"]', "relaxed[0]"), ("[1]", "relaxed[0]"),
     ('["!x"]', "relaxed")],
)  # fmt: skip
def test_what_is_wrong_with_it_has_a_place(relaxed: str, place: str) -> None:
    text = f'{{"tasks": [{{"id": "a", "write_set": ["a"]}}], "relaxed": {relaxed}}}'
    with pytest.raises(GraphError) as refused:
        check_text(GraphText("g.json", text, "JSON"))
    assert [one.place for one in refused.value.problems] == [place]
