"""How far slices are, written back into the tasks that they came from."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from gitslices.core.errors import InputError
from gitslices.importing.formats import ImportSource
from gitslices.ops.export_tasks import ExportReport, ExportRequest, export_tasks
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all
from tests.support.slices import apply_tasks, slice_path, take
from tests.support.workspaces import open_at


def export(workspace: Workspace, format_: str, path: Path, *, dry: bool = False) -> ExportReport:
    target = ImportSource(
        source=str(path), stream=BytesIO(), root=path.parent, cwd=path.parent, home=path.parent
    )
    return export_tasks(workspace, ExportRequest(format=format_, target=target, dry_run=dry))


def begin(repo: Path) -> Workspace:
    """`a` is merged, `b` is claimed, `c` waits, `d` is known elsewhere as 7."""
    workspace = open_at(repo)
    mark = {"imported": {"from": "claude-tasks:s", "key": "7"}}
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["src/"], "risk": "high"},
        {"id": "b", "write_set": ["docs/"]},
        {"id": "c", "write_set": ["docs/x"], "dependencies": ["b"]},
        {"id": "d", "write_set": ["web/"], "metadata": mark},
    )
    (slice_path(workspace, "a") / "src" / "new.py").write_text("x\n")
    commit_all(slice_path(workspace, "a"))
    take(workspace, "b", holder="ann")
    return workspace


GRAPH: dict[str, Any] = {
    "goal_id": "default", "unknown": [1],
    "tasks": [
        {"id": "a", "title": "A", "odd": None, "delivery": {"pr_url": "u", "other": {"x": 1}}},
        {"id": "b", "delivery": {"conflict_blocking_reason": "old", "status": "blocked"}},
        {"id": "z", "delivery": {"status": "planned"}},
    ],
}  # fmt: skip


def test_delivery_is_written_to_the_letter_and_the_rest_stays(repo: Path, tmp_path: Path) -> None:
    workspace = begin(repo)
    path = tmp_path / "task_graph.json"
    path.write_text(json.dumps(GRAPH, indent=4) + "\n")
    tried = export(workspace, "omk", path, dry=True)
    assert (tried.written, json.loads(path.read_text())) == (False, GRAPH)
    made = export(workspace, "omk", path)
    assert (made.updated, made.missing) == (("a", "b"), ("c", "d"))
    written = json.loads(path.read_text())
    a, b, z = written["tasks"]
    assert (written["unknown"], a["odd"], z) == ([1], None, GRAPH["tasks"][2])
    tip = a["delivery"].pop("commit_sha")
    assert len(tip) == 40
    assert a["delivery"] == {
        "pr_url": "u", "other": {"x": 1}, "slice_id": "a", "owner": "executor",
        "write_scope": ["src/"], "branch": "slices/default/a", "worktree_name": "default--a",
        "worktree_path": str(slice_path(workspace, "a")),
        "gates": ["acceptance_criteria", "local_verification_wall", "security_review_gate"],
        "review_needs": [
            "anti_slop_review", "architect_review", "code_review", "security_review",
            "test_engineer_review",
        ],
        "status": "planned",
    }  # fmt: skip
    assert (b["delivery"]["status"], b["delivery"]["slice_lease_id"]) == ("in_progress", "1")
    assert "conflict_blocking_reason" not in b["delivery"]
    assert path.read_text().startswith('{\n    "goal_id"')
    again = export(workspace, "omk", path)
    assert (again.written, again.unchanged) == (False, 2)


def test_lines_of_beads_change_only_where_a_slice_is(repo: Path, tmp_path: Path) -> None:
    workspace = begin(repo)
    path = tmp_path / "issues.jsonl"
    others = '{"id":"x" , "status": "open"}\n\n'
    path.write_text(f'{others}{{"id": "b", "status": "open", "metadata": {{"k": 1}}}}')
    assert export(workspace, "beads", path).updated == ("b",)
    text = path.read_text()
    assert text.startswith(others)
    issue = json.loads(text.removeprefix(others))
    assert (issue["status"], issue["assignee"], issue["metadata"]["k"]) == ("in_progress", "ann", 1)
    kept = issue["metadata"]["gitslices"]
    assert (kept["branch"], kept["status"]) == ("slices/default/b", "in_progress")
    assert export(workspace, "beads", path).written is False
    assert path.read_text() == text


def test_tasks_of_a_session_are_found_by_what_they_were_imported_as(
    repo: Path, tmp_path: Path
) -> None:
    workspace = begin(repo)
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "7.json").write_text('{"id": "7", "subject": "D", "status": "pending"}')
    (folder / "b.json").write_text('{"id": "b", "status": "pending"}')
    made = export(workspace, "claude-tasks", folder)
    assert (made.updated, made.missing) == (("7", "b"), ("a", "c"))
    task = json.loads((folder / "7.json").read_text())
    assert (task["status"], task["subject"]) == ("pending", "D")
    assert task["metadata"]["gitslices"]["branch"] == "slices/default/d"
    assert json.loads((folder / "b.json").read_text())["owner"] == "ann"


def test_what_is_not_there_or_broken_is_refused(repo: Path, tmp_path: Path) -> None:
    workspace = begin(repo)
    for text in (None, "{", "\0"):
        if text is not None:
            (tmp_path / "g.json").write_text(text)
        with pytest.raises(InputError):
            export(workspace, "omk", tmp_path / "g.json")


def test_a_merged_slice_is_done_everywhere(cli: Cli, repo: Path, tmp_path: Path) -> None:
    workspace = begin(repo)
    assert cli("merge", "a").code == 0
    paths = {name: tmp_path / f"{name}.json" for name in ("omk", "beads", "claude-tasks")}
    for path in paths.values():
        path.write_text('[{"id": "a", "status": "pending"}]')
        if path == paths["omk"]:
            path.write_text('{"tasks": [{"id": "a", "status": "pending"}]}')
        assert export(workspace, path.stem, path).updated == ("a",)
    (omk,) = json.loads(paths["omk"].read_text())["tasks"]
    assert (omk["status"], omk["delivery"]["status"]) == ("done", "merged")
    assert omk["completed_at"]
    assert json.loads(paths["beads"].read_text())[0]["status"] == "closed"
    assert json.loads(paths["claude-tasks"].read_text())[0]["status"] == "completed"


def test_apply_records_the_delivery_in_a_json_graph(cli: Cli, repo: Path) -> None:
    graph = {"tasks": [{"id": "a", "write_set": ["src/"], "metadata": {"k": [1]}}]}
    path = repo / "task_graph.json"
    path.write_text(json.dumps(graph, indent=2))
    made = cli("plan", "--apply", "--record", "--json").document
    assert made["recorded"] == str(path)
    (task,) = json.loads(path.read_text())["tasks"]
    assert (task["metadata"], task["delivery"]["status"]) == ({"k": [1]}, "planned")
    assert task["delivery"]["branch"] == made["slices"][0]["branch_name"]
    assert cli("plan", "--apply", "--record").code == 0
    assert cli("plan", "--record").code == 2
    (repo / "g.toml").write_text('[[tasks]]\nid = "a"\n')
    assert cli("plan", "g.toml", "--apply", "--record").code == 2
