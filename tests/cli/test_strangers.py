"""A branch that shares no history with the target: it stops no other slice, and is named."""

from pathlib import Path

import pytest

from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import git
from tests.support.slices import apply_tasks, set_status, slice_path, work
from tests.support.workspaces import open_at

WHY = "its branch shares no history with main"


def hint(repo: Path) -> str:
    base = git(repo, "rev-parse", "--short=10", "slices/default/web")
    return f"in its worktree put it back onto its base: git reset --soft {base}, then commit"


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slices api, whose branch begins anew, and docs, both done; web is as it was made."""
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "api", "write_set": ["src/api/"]},
        {"id": "docs", "write_set": ["docs/"]},
        {"id": "web", "write_set": ["src/web/"]},
    )
    work(workspace, "api", {"src/api/new.py": "1\n"})
    work(workspace, "docs", {"docs/new.md": "1\n"})
    top = slice_path(workspace, "api")
    git(top, "update-ref", "HEAD", git(top, "commit-tree", "HEAD^{tree}", "-m", "Anew"))
    for id_ in ("api", "docs"):
        set_status(workspace, id_, "done")
    return workspace


@pytest.mark.usefixtures("workspace")
def test_it_is_not_merged_and_the_others_are(cli: Cli, repo: Path) -> None:
    told = hint(repo)
    done = cli("merge", "--all")
    commit = git(repo, "rev-parse", "--short=10", "main")
    assert done.out == (f"merged docs into main as {commit}\nnot merged api: {WHY} ({told})\n")
    assert done.code == 1


@pytest.mark.usefixtures("workspace")
def test_it_is_not_synced_and_the_others_are(cli: Cli, repo: Path) -> None:
    told = hint(repo)
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "On main")
    done = cli("sync", "--all", "--json")
    assert done.code == 1
    assert [one["slice_id"] for one in done.document["synced"]] == ["docs", "web"]
    assert done.document["refused"] == [
        {"goal_id": "default", "place": "api", "message": WHY, "hint": told}
    ]


@pytest.mark.usefixtures("workspace")
def test_it_is_not_compared_and_the_others_are(cli: Cli, repo: Path) -> None:
    done = cli("conflicts")
    assert done.out == (
        f"not compared api: {WHY} ({hint(repo)})\nno conflicts: 1 slice with work, target main\n"
    )
    assert done.code == 1


def test_it_is_as_any_other_when_the_hint_has_been_followed(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    base = git(repo, "rev-parse", "main")
    assert cli("merge", "docs").code == 0
    top = slice_path(workspace, "api")
    git(top, "reset", "--quiet", "--soft", base)
    git(top, "commit", "--quiet", "-m", "Again")
    assert cli("merge", "--all").code == 0
    assert (repo / "src/api/new.py").read_text() == "1\n"
    assert (repo / "docs/new.md").read_text() == "1\n"
