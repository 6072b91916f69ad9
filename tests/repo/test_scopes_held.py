"""How well declared scopes have held, from what slices touched, were allowed and were refused."""

import json
from pathlib import Path

from gitslices.core.model import Plan, SliceId
from gitslices.ops.scope import AllowRequest, allow_scope
from gitslices.ops.scopes import read_scopes
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, slice_path
from tests.support.workspaces import open_at


def read_plan(workspace: Workspace) -> Plan:
    with workspace.open_store() as store:
        (goal,) = store.read_goals()
    return goal.plan


def finish(workspace: Workspace, cli: Cli, slice_id: str, *paths: str) -> None:
    place = slice_path(workspace, slice_id)
    for path in paths:
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(f"{slice_id}\n")
    commit_all(place)
    assert cli("merge", slice_id).code == 0


def test_scopes_are_held_against_what_slices_did(cli: Cli, repo: Path) -> None:
    workspace = open_at(repo)
    assert cli("scopes").out == "no slice with changes of its own has landed yet\n"
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["src/"], "estimate": 9},
        {"id": "b", "write_set": ["src/api/", "docs/"]},
        {"id": "c", "write_set": ["docs/"], "estimate": 0.5},
        {"id": "d", "write_set": ["web/"]},
    )
    order = [
        (one.serializes_after, one.blocked_slice_id)
        for one in read_plan(workspace).overlap_serializations
    ]
    assert order == [("a", "b"), ("b", "c")]
    allow = AllowRequest(slice_id=SliceId("a"), pattern="Makefile", reason="needed")
    allow_scope(workspace, allow)
    finish(workspace, cli, "a", "src/api/one.py", "Makefile")
    finish(workspace, cli, "b", "src/api/one.py", "docs/two.md")
    finish(workspace, cli, "c", "docs/three.md")
    report = read_scopes(workspace, None)
    assert (report.landed, report.contained, report.touched, report.inside) == (3, 2, 5, 4)
    assert (report.widenings, report.needless_orders) == (1, 1)
    (a, b, _) = report.slices
    assert (a.touched, a.outside, a.allowed) == (
        ("Makefile", "src/api/one.py"), ("Makefile",), ("Makefile",),
    )  # fmt: skip
    assert (b.declared, b.outside) == (("docs/", "src/api/"), ())
    assert [(one.blocked_slice_id, one.borne_out) for one in report.orders] == [
        ("b", "src/api/one.py"), ("c", None),
    ]  # fmt: skip
    said = cli("scopes").out.splitlines()
    assert said[0] == "3 slices landed: 2 inside what they declared, 4 of 5 files"
    assert said[2] == "allowed later: 1, refused: 0, forced orders that no file bore out: 1 of 2"
    assert said[3] == "  default/a went beyond: Makefile"
    assert said[4].startswith("  c waited for b by docs/")


def test_what_guard_and_hook_refuse_is_counted(cli: Cli, repo: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/"]})
    place = slice_path(workspace, "a")
    payload = {
        "tool_name": "Write", "tool_input": {"file_path": str(place / "Makefile")},
        "cwd": str(place), "hook_event_name": "PreToolUse",
    }  # fmt: skip
    for _ in range(2):
        said = cli(
            "-C",
            str(place),
            "agent",
            "guard",
            "--tool",
            "claude",
            stdin=json.dumps(payload).encode(),
        )
        assert "Makefile" in said.out
    assert cli("hook", "install").code == 0
    (place / "docs").mkdir(exist_ok=True)
    (place / "docs" / "x.md").write_text("x\n")
    git(place, "add", "docs/x.md")
    git(place, "commit", "-m", "x", ok=False)
    (place / "docs" / "x.md").unlink()
    git(place, "rm", "-q", "--cached", "docs/x.md")
    finish(workspace, cli, "a", "src/new.py")
    (a,) = read_scopes(workspace, "default").slices
    assert [(one.path, one.refused_by, one.times) for one in a.refused] == [
        ("Makefile", "guard", 2),
        ("docs/x.md", "hook", 1),
    ]


def test_what_landed_by_another_way_is_read_from_git(cli: Cli, repo: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/"]})
    place = slice_path(workspace, "a")
    (place / "src" / "new.py").write_text("x\n")
    commit_all(place)
    git(repo, "merge", "-q", "--squash", "slices/default/a")
    git(repo, "commit", "-q", "-m", "all of it")
    (a,) = read_scopes(workspace, None).slices
    assert (a.touched, a.outside) == (("src/new.py",), ())
