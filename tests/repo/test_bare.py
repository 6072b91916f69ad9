"""Repositories with no main worktree, or no way to it: their settings count all the same."""

from pathlib import Path

import pytest

from gitslices.core.errors import GateFailedError, UntrustedError
from gitslices.core.model import SliceId
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyRequest, apply
from gitslices.ops.claim import claim
from gitslices.ops.conflicts import conflicts
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.log import read_evidence
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.plan import PlanRequest, plan
from gitslices.repo_commands.setup import SetupRequest, set_up
from gitslices.repo_commands.trust import approve, read_trust
from gitslices.system.settings import SettingsError
from gitslices.workspace import Workspace
from tests.support.graphs import make_graph
from tests.support.repositories import commit_all, git, write_settings
from tests.support.workspaces import open_at

SETTINGS = """
[setup]
commands = ["echo ready > ready"]
[gates]
local_verification_wall = "test -f passed"
[merge]
required_reviews = ["code_review"]
"""
A = SliceId("a")


def commit_settings(folder: Path, text: str, message: str = "Settings") -> None:
    write_settings(folder, text)
    commit_all(folder, message)


@pytest.fixture
def bare(repo: Path, tmp_path: Path) -> Path:
    """The web shop with settings, and as it was before them on the branch `old`."""
    git(repo, "branch", "old")
    commit_settings(repo, SETTINGS)
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "shop.git")
    return tmp_path / "shop.git"


def provision(workspace: Workspace, goal_id: str = "g", target: str = "main") -> None:
    graph = make_graph({"id": "a", "write_set": [f"{goal_id}/", ".gitslices/"]}, goal_id=goal_id)
    made = plan(workspace, PlanRequest(scoped=parse_scopes(graph), target=target))
    apply(workspace, ApplyRequest(graph=graph, plan=made), lambda progress: None)


def finish(workspace: Workspace, goal_id: str = "g") -> None:
    lease = claim(workspace, ClaimRequest(holder="one", slice_id=A, goal_id=goal_id))
    done(workspace, DoneRequest(slice_id=A, token=lease.token, goal_id=goal_id))


def test_the_gates_of_the_target_count_in_a_bare_repository(bare: Path) -> None:
    workspace = open_at(bare)
    provision(workspace)
    with pytest.raises(UntrustedError):
        finish(workspace)
    missing = read_trust(workspace).missing
    assert missing == ("echo ready > ready", "test -f passed")
    approve(workspace, missing)
    assert read_trust(workspace).missing == ()
    token = read_evidence(workspace, A, None).leases[0].token
    with pytest.raises(GateFailedError):
        done(workspace, DoneRequest(slice_id=A, token=token))
    problems = [one.message for one in read_evidence(workspace, A, None).missing]
    assert any("code_review" in one for one in problems)


def test_a_merge_in_a_bare_repository_asks_for_the_reviews_of_the_target(
    repo: Path, bare: Path
) -> None:
    commit_settings(repo, '[merge]\nrequired_reviews = ["code_review"]\n', "Reviews only")
    git(repo, "push", "--quiet", str(bare), "main")
    workspace = open_at(bare)
    provision(workspace, "old", target="old")
    provision(workspace)
    for goal_id in ("old", "g"):
        commit_all(workspace.worktree_root / f"{goal_id}--a", "Work")
        finish(workspace, goal_id)
    report = merge(workspace, MergeRequest(slice_ids=None, goal_id="g"))
    assert report.merged == ()
    assert "code_review" in report.refused[0].message
    assert merge(workspace, MergeRequest(slice_ids=None, goal_id="old")).merged


def test_merge_drivers_of_the_target_count_in_a_bare_repository(repo: Path, tmp_path: Path) -> None:
    (repo / "g").mkdir()
    (repo / "g/log").write_text("start\n")
    (repo / ".gitattributes").write_text("g/log merge=union\n")
    commit_all(repo)
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "shop.git")
    workspace = open_at(tmp_path / "shop.git")
    provision(workspace)
    top = workspace.worktree_root / "g--a"
    for folder, line in ((repo, "main"), (top, "slice")):
        (folder / "g/log").write_text(f"start\n{line}\n")
        commit_all(folder)
    git(repo, "push", "--quiet", str(tmp_path / "shop.git"), "main")
    assert conflicts(workspace, "g").conflicts == ()
    finish(workspace)
    assert merge(workspace, MergeRequest(slice_ids=None)).merged
    assert git(top, "show", "main:g/log") == "start\nmain\nslice"


def test_set_up_runs_in_the_worktrees_of_a_bare_repository(bare: Path) -> None:
    workspace = open_at(bare)
    provision(workspace)
    assert set_up(workspace, SetupRequest(goal_id="g")).unapproved == ("echo ready > ready",)
    approve(workspace, ("echo ready > ready",))
    assert set_up(workspace, SetupRequest(goal_id="g")).ready == (A,)
    assert (workspace.worktree_root / "g--a" / "ready").is_file()


def test_each_goal_of_a_bare_repository_has_the_settings_of_its_target(bare: Path) -> None:
    workspace = open_at(bare)
    provision(workspace, "new")
    provision(workspace, "before", target="old")
    assert set_up(workspace, SetupRequest(goal_id="new")).unready == (A,)
    assert set_up(workspace, SetupRequest(goal_id="before")).unready == ()
    finish(workspace, "before")
    with pytest.raises(UntrustedError):
        finish(workspace, "new")


def test_a_slice_cannot_change_the_settings_of_a_bare_repository(bare: Path) -> None:
    workspace = open_at(bare)
    provision(workspace)
    commit_settings(workspace.worktree_root / "g--a", "")
    with pytest.raises(UntrustedError):
        finish(open_at(workspace.worktree_root / "g--a"))


def test_wrong_settings_of_a_commit_are_refused_with_their_branch(repo: Path, bare: Path) -> None:
    commit_settings(repo, "[gate]\n", "Wrong")
    git(repo, "push", "--quiet", str(bare), "main")
    with pytest.raises(SettingsError, match=r"^main:\.gitslices/config\.toml: 1 error$"):
        provision(open_at(bare))


def test_a_bare_repository_without_settings_asks_for_nothing(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "shop.git")
    workspace = open_at(tmp_path / "shop.git")
    provision(workspace)
    finish(workspace)
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    assert read_trust(open_at(tmp_path / "empty.git")).missing == ()


def test_settings_beside_a_separate_git_dir_count(repo: Path, tmp_path: Path) -> None:
    apart = tmp_path / "apart"
    git(repo, "init", "--quiet", f"--separate-git-dir={apart}")
    commit_settings(repo, SETTINGS)
    provision(open_at(repo))
    linked = open_at(apart).worktree_root / "g--a"
    write_settings(repo, '[gates]\nacceptance_criteria = "true"\n')
    assert open_at(repo).main_worktree == open_at(repo / "src").main_worktree == repo
    committed = ("echo ready > ready", "test -f passed")
    assert read_trust(open_at(repo)).missing == (*committed, "true")
    for elsewhere in (linked, apart):
        assert open_at(elsewhere).main_worktree is None
        assert open_at(elsewhere).worktree_root == open_at(repo).worktree_root
        assert read_trust(open_at(elsewhere)).missing == committed
