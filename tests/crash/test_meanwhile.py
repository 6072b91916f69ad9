"""What users do between the look of a merge or sync and its move, and between a kill and the next.

A merge driver or a gate is the user's program that runs in between: it does here what a user might.
"""

from pathlib import Path

import pytest

from gitslices.core.errors import InputError, StaleTokenError
from gitslices.core.model import SliceId
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.status import status
from gitslices.ops.sync import SyncRequest, sync
from gitslices.recovery.recovery import recover
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.meddling import in_repo, meddle, ours
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, read_status, slice_path, take, work
from tests.support.workspaces import open_at

A, B = SliceId("a"), SliceId("b")


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slices a and b that touch the Makefile and the docs, and a branch `feature` beside main."""
    workspace = open_at(repo)
    a: dict[str, object] = {"id": "a", "write_set": ["Makefile"]}
    apply_tasks(workspace, a, {"id": "b", "write_set": ["docs/"]})
    git(repo, "branch", "feature")
    return workspace


def land(workspace: Workspace, *ids: SliceId) -> MergeReport:
    return merge(workspace, MergeRequest(slice_ids=ids))


def test_a_worktree_that_leaves_the_target_meanwhile_is_not_written_to(
    repo: Path, workspace: Workspace
) -> None:
    meddle(repo, in_repo(repo, "switch", "--quiet", "-f", "feature"))
    work(workspace, "a", {"Makefile": "all: a\n"})
    assert [one.slice_id for one in land(workspace, A).merged] == ["a"]
    assert git(repo, "branch", "--show-current") == "feature"
    assert git(repo, "status", "--porcelain") == ""


def test_a_worktree_that_comes_to_the_target_meanwhile_follows_it(
    repo: Path, workspace: Workspace
) -> None:
    meddle(repo, in_repo(repo, "switch", "--quiet", "main"))
    git(repo, "switch", "--quiet", "feature")
    work(workspace, "a", {"Makefile": "all: a\n"})
    land(workspace, A)
    assert git(repo, "branch", "--show-current") == "main"
    assert git(repo, "status", "--porcelain") == ""


def test_a_commit_made_in_the_slice_meanwhile_lands_too(repo: Path, workspace: Workspace) -> None:
    top = slice_path(workspace, "a")
    meddle(repo, in_repo(top, "commit", "--quiet", "--allow-empty", "-m", "Later"))
    work(workspace, "a", {"Makefile": "all: a\n"})
    land(workspace, A)
    assert git(repo, "log", "--format=%s", "main..slices/default/a") == ""


def test_a_token_that_grows_stale_meanwhile_moves_nothing(repo: Path, workspace: Workspace) -> None:
    token = take(workspace, "a")
    meddle(
        repo,
        ours(repo, "release", "a", "--force"),
        ours(repo, "claim", "a", "--holder", "another", "--ttl", "12h"),
    )
    tip = work(workspace, "a", {"Makefile": "all: a\n"})
    with pytest.raises(StaleTokenError):
        sync(workspace, SyncRequest(slice_ids=(A,), token=token))
    assert git(repo, "rev-parse", "slices/default/a") == tip


@pytest.mark.parametrize("fault", ["git:update-ref:before", "git:update-ref:after",
                                   "git:read-tree:before", "git:read-tree:after"])  # fmt: skip
def test_a_killed_merge_leaves_a_worktree_alone_that_has_left_the_target(
    cli: Cli, repo: Path, workspace: Workspace, fault: str
) -> None:
    work(workspace, "a", {"Makefile": "all: a\n"})
    assert cli("merge", "a", env={"GITSLICES_FAULT": fault}).code == -9
    (repo / ".git/index.lock").unlink()  # as git says where it finds one
    git(repo, "switch", "--quiet", "-f", "feature")
    git(repo, "clean", "--quiet", "-fd")
    recover(workspace)
    assert git(repo, "status", "--porcelain") == ""
    assert read_status(workspace, "a") == "merged"
    git(repo, "switch", "--quiet", "main")
    assert (repo / "Makefile").read_text() == "all: a\n"


@pytest.mark.parametrize("place", ["main", "slice"])
def test_a_branch_in_the_middle_of_a_rebase_does_not_move(
    repo: Path, workspace: Workspace, place: str
) -> None:
    work(workspace, "a", {"Makefile": "all: a\n"})
    top = repo if place == "main" else slice_path(workspace, "a")
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "Later")
    git(top, "rebase", "--quiet", "-i", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i s/pick/edit/")
    before = git(repo, "for-each-ref")
    if place == "main":
        (problem,) = land(workspace, A).refused
    else:
        (problem,) = sync(workspace, SyncRequest(slice_ids=(A,))).refused
    assert problem.message.endswith(f"rebase is under way in {str(top)!r}")
    assert git(repo, "for-each-ref") == before
    git(top, "rebase", "--continue", GIT_EDITOR="true")


def test_a_slice_merged_by_hand_is_merged_to_sync_and_to_apply(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    apply_tasks(workspace, {"id": "c", "write_set": ["src/"]}, goal_id="other")
    work(workspace, "a", {"Makefile": "all: a\n"})
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge", "slices/default/a")
    assert cli("sync", "a", "--goal", "default").out == "not synced a: it is merged already\n"
    assert "a" not in cli("sync", "--all", "--goal", "default").out.split()
    states = {one.slice_id: one.status for one in status(workspace, "default").slices}
    assert states == {"a": "merged", "b": "provisioned"}


def test_ready_only_makes_what_waits_for_a_slice_merged_by_hand(
    cli: Cli, repo: Path, tmp_path: Path
) -> None:
    graph = tmp_path / "graph.toml"
    graph.write_text(
        "[defaults]\nowner_role = 'w'\n[[tasks]]\nid = 'a'\nwrite_set = ['Makefile']\n"
        "[[tasks]]\nid = 'b'\nwrite_set = ['docs/']\ndependencies = ['a']\n"
    )
    apply = ("plan", str(graph), "--apply", "--ready")
    assert cli(*apply).code == 0
    workspace = open_at(repo)
    top = workspace.worktree_root / "default--a"
    (top / "Makefile").write_text("all: a\n")
    commit_all(top)
    assert not (workspace.worktree_root / "default--b").exists()
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge", "slices/default/a")
    assert cli(*apply).code == 0
    assert (workspace.worktree_root / "default--b").exists()


def test_a_branch_that_is_named_like_the_targets_reference_is_not_the_target(
    repo: Path, workspace: Workspace
) -> None:
    git(repo, "branch", "refs/heads/main")
    work(workspace, "a", {"Makefile": "all: a\n"})
    assert [one.slice_id for one in land(workspace, A).merged] == ["a"]
    git(repo, "switch", "--quiet", "--detach")
    git(repo, "branch", "--quiet", "-D", "main")
    with pytest.raises(InputError, match="'main', and this branch is gone"):
        land(workspace, B)


def test_slices_of_another_prefix_go_on(cli: Cli, repo: Path, workspace: Workspace) -> None:
    work(workspace, "a", {"Makefile": "all: a\n"})
    git(repo, "config", "gitslices.prefix", "work")
    (repo / "Makefile").write_text("all: main\n")
    commit_all(repo)
    assert cli("conflicts").code == 1
    assert land(open_at(repo), A).conflicted[0].files == ("Makefile",)


def test_a_waiting_slice_that_git_cannot_move_does_not_hide_the_merge(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    apply_tasks(workspace, {"id": "a", "write_set": ["Makefile"]},
                {"id": "b", "write_set": ["docs/"], "dependencies": ["a"]})  # fmt: skip
    work(workspace, "a", {"Makefile": "all: a\n"})
    lock = repo / ".git/refs/heads/slices/default/b.lock"
    lock.touch()
    done = cli("merge", "a")
    assert done.code == 0
    merged, warning, *_ = done.out.splitlines()
    assert merged == f"merged a into main as {git(repo, 'rev-parse', 'main')[:10]}"
    assert warning.startswith("warning: b was not brought forward: git update-ref cannot go on")


def test_a_worktree_without_its_link_to_git_has_no_changes(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    (slice_path(workspace, "b") / ".git").unlink()
    for command in ("conflicts", "status", "ready"):
        assert cli(command).code == 0, command


@pytest.mark.parametrize("kind", ["submodule", "separate"])
def test_a_main_worktree_that_git_does_not_name_follows_the_target(
    tmp_path: Path, repo: Path, kind: str
) -> None:
    if kind == "submodule":
        outer = tmp_path / "outer"
        git(tmp_path, "init", "--quiet", str(outer))
        (outer / ".git/info/exclude").write_text("/sub.slices/\n")
        git(
            outer,
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            str(repo),
            "sub",
        )
        top = outer / "sub"
    else:
        top = tmp_path / "apart"
        git(tmp_path, "clone", "--quiet", "--separate-git-dir", str(tmp_path / "dir.git"),
            str(repo), str(top))  # fmt: skip
    workspace = open_at(top)
    apply_tasks(workspace, {"id": "a", "write_set": ["docs/"]})
    own = slice_path(workspace, "a")
    (own / "docs/new.md").write_text("new\n")
    commit_all(own)
    (top / ".gitignore").write_text("")
    git(top, "config", "core.excludesFile", str(tmp_path / "ignored"))
    (tmp_path / "ignored").write_text("/docs/new.md\n/.gitignore\n")
    (top / "docs/new.md").write_text("precious")
    (problem,) = land(workspace, A).refused
    assert problem.message.startswith("it would overwrite uncommitted work")
    (top / "docs/new.md").unlink()
    land(workspace, A)
    assert (top / "docs/new.md").read_text() == "new\n"
    assert git(top, "status", "--porcelain") == ""
