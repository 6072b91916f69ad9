"""`gitslices sync`: slices brought onto the target, or left exactly as they were."""

from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.sync import SyncReport, SyncRequest, sync
from gitslices.system.settings_tables import SyncStyle
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, read_status, set_status, slice_path, take, work
from tests.support.workspaces import open_at


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(
        workspace, {"id": "api", "write_set": ["src/api/"]}, {"id": "docs", "write_set": ["docs/"]}
    )
    return workspace


def bring(workspace: Workspace, *ids: str, style: SyncStyle | None = None) -> SyncReport:
    wanted = tuple(SliceId(id_) for id_ in ids) or None
    return sync(workspace, SyncRequest(slice_ids=wanted, style=style))


def test_an_untouched_slice_moves_to_the_target(cli: Cli, repo: Path, workspace: Workspace) -> None:
    (repo / "Makefile").write_text("all:\n")
    commit = commit_all(repo)
    done = cli("sync", "api")
    assert (done.code, done.out) == (0, f"synced api with main: now at {commit[:10]}\n")
    top = slice_path(workspace, "api")
    assert git(top, "rev-parse", "HEAD") == commit
    assert git(top, "status", "--porcelain") == ""
    assert git(top, "branch", "--show-current") == "slices/default/api"
    assert cli("sync", "api").out == "up to date: api\n"


def test_a_started_slice_takes_the_target_in(repo: Path, workspace: Workspace) -> None:
    tip = work(workspace, "api", {"src/api/new.py": "1\n"})
    (repo / "Makefile").write_text("all:\n")
    target = commit_all(repo)
    assert [one.slice_id for one in bring(workspace, "api").synced] == ["api"]
    top = slice_path(workspace, "api")
    assert git(top, "log", "-1", "--format=%P") == f"{tip} {target}"
    assert git(top, "log", "-1", "--format=%s") == "Merge branch 'main' into slices/default/api"
    assert git(top, "status", "--porcelain") == ""
    assert (top / "Makefile").read_text() == "all:\n"
    report = merge(workspace, MergeRequest(slice_ids=(SliceId("api"),)))
    assert [one.slice_id for one in report.merged] == ["api"]


def test_rebase_puts_the_slices_commits_on_top(repo: Path, workspace: Workspace) -> None:
    work(workspace, "api", {"src/api/new.py": "1\n"}, "One")
    work(workspace, "api", {"src/api/new.py": None, "src/api/newer.py": "1\n"}, "Two")
    (repo / "Makefile").write_text("all:\n")
    target = commit_all(repo, "On main")
    git(repo, "config", "gitslices.syncStyle", "rebase")
    bring(open_at(repo), "api")
    top = slice_path(workspace, "api")
    assert git(top, "log", "--format=%s", "-3").splitlines() == ["Two", "One", "On main"]
    assert git(top, "merge-base", "HEAD", "main") == target
    assert git(top, "status", "--porcelain") == ""


@pytest.mark.parametrize("style", ["merge", "rebase"])
def test_a_conflict_leaves_everything_as_it_was(
    cli: Cli, repo: Path, workspace: Workspace, style: SyncStyle
) -> None:
    tip = work(workspace, "api", {"src/api/tokens.py": "ours\n"})
    (repo / "src/api/tokens.py").write_text("theirs\n")
    commit_all(repo)
    done = cli("sync", "--all", "--style", style)
    assert done.code == 1
    assert "api: conflicts with main in 1 file\n  src/api/tokens.py\n" in done.out
    assert "synced docs with main" in done.out
    top = slice_path(workspace, "api")
    assert git(top, "rev-parse", "HEAD") == tip
    assert git(top, "status", "--porcelain") == ""
    assert read_status(workspace, "api") == "provisioned"


def test_uncommitted_changes_stay_unless_the_target_would_touch_them(
    repo: Path, workspace: Workspace
) -> None:
    for id_ in ("api", "docs"):
        (slice_path(workspace, id_) / "docs/api.md").write_text("precious")
    (slice_path(workspace, "docs") / "loose").write_text("precious")
    (repo / "Makefile").write_text("all:\n")
    target = commit_all(repo)
    assert len(bring(workspace).synced) == 2
    assert (slice_path(workspace, "docs") / "docs/api.md").read_text() == "precious"
    assert (slice_path(workspace, "docs") / "loose").read_text() == "precious"
    (repo / "loose").write_text("target's\n")
    (repo / "docs/api.md").write_text("target's\n")
    commit_all(repo)
    report = bring(workspace)
    assert [one.message.partition(": ")[2] for one in report.refused] == [
        "docs/api.md", "docs/api.md, loose",
    ]  # fmt: skip
    assert git(slice_path(workspace, "docs"), "rev-parse", "HEAD") == target
    assert (slice_path(workspace, "docs") / "loose").read_text() == "precious"


def test_slices_that_are_not_ours_to_move_are_left_alone(repo: Path, workspace: Workspace) -> None:
    take(workspace, "api")
    commit_all(repo)
    git(slice_path(workspace, "docs"), "switch", "--quiet", "--detach")
    report = bring(workspace)
    assert [one.message for one in report.refused] == [
        "somebody works on it", "its worktree is on a detached HEAD, not on its branch",
    ]  # fmt: skip
    set_status(workspace, "docs", "merged")
    assert bring(workspace, "docs").refused[0].message == "it is merged already"


def test_the_holder_of_a_slice_may_sync_it(cli: Cli, repo: Path, workspace: Workspace) -> None:
    token = take(workspace, "api")
    target = commit_all(repo)
    assert cli("sync", "api", "--token", str(token + 1)).code == 1
    assert cli("sync", "api", "--token", str(token)).code == 0
    assert git(slice_path(workspace, "api"), "rev-parse", "HEAD") == target
    assert read_status(workspace, "api") == "claimed"


def test_a_slice_whose_worktree_is_gone_moves_its_branch(repo: Path, workspace: Workspace) -> None:
    git(repo, "worktree", "remove", str(slice_path(workspace, "api")))
    target = commit_all(repo)
    bring(workspace, "api")
    assert git(repo, "rev-parse", "slices/default/api") == target


def test_wrong_usage_exits_2(cli: Cli, workspace: Workspace) -> None:
    for args in ((), ("api", "--all"), ("nothing",), ("--all", "--token", "1")):
        assert cli("sync", *args).code == 2
