"""Commands of a repository run only once their exact text is approved."""

import os
import re
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitslices.core.errors import DiskError, StateError
from gitslices.repo_commands.trust import approve, list_approvals, read_trust, require_trust, revoke
from gitslices.state.trust import find_user_folder, read_approvals
from gitslices.workspace import Workspace, open_workspace
from tests.support.commands import Cli
from tests.support.repositories import git, write_settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def open_at(path: Path, home: Path) -> Workspace:
    environ = {**os.environ, "XDG_STATE_HOME": str(home)}
    return open_workspace(path, git_dir=None, clock=lambda: NOW, purpose="test", environ=environ)


@pytest.fixture
def workspace(repo: Path, tmp_path: Path) -> Workspace:
    return open_at(repo, tmp_path / "state")


def test_nothing_is_approved_until_it_is_and_then_by_its_exact_text(workspace: Workspace) -> None:
    assert require_trust(workspace, ["npm ci", "make", "npm ci"]) == ("npm ci", "make")
    approve(workspace, ["npm ci"])
    assert require_trust(workspace, ["npm ci", "npm ci ", "make"]) == ("npm ci ", "make")
    assert require_trust(workspace, []) == ()


def test_an_approval_holds_for_one_repository_and_all_its_worktrees(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    approve(workspace, ["make"])
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    git(tmp_path, "clone", "--quiet", str(repo), "copy")
    assert require_trust(open_at(tmp_path / "linked", tmp_path / "state"), ["make"]) == ()
    assert require_trust(open_at(tmp_path / "copy", tmp_path / "state"), ["make"]) == ("make",)


def replace_by_clone(repo: Path) -> None:
    repo.rename(repo.with_name("old"))
    git(repo.parent, "clone", "--quiet", "old", repo.name)


def replace_by_other(repo: Path) -> None:
    repo.rename(repo.with_name("old"))
    git(repo.parent, "init", "--quiet", repo.name)


def make_git_dir_anew(repo: Path) -> None:
    shutil.rmtree(repo / ".git")
    git(repo, "init", "--quiet")


def replace_by_link(repo: Path) -> None:
    git(repo.parent, "clone", "--quiet", repo.name, "other")
    repo.rename(repo.with_name("old"))
    repo.symlink_to("other")


def lose_state(repo: Path) -> None:
    shutil.rmtree(repo / ".git" / "gitslices")


def bring_odd_identity(repo: Path) -> None:
    (repo / ".git" / "gitslices" / "identity").write_text("")


def move_another_here(repo: Path) -> None:
    git(repo.parent, "clone", "--quiet", repo.name, "other")
    repo.rename(repo.with_name("old"))
    (repo.parent / "other").rename(repo)


SWAPS = [
    replace_by_clone, replace_by_other, make_git_dir_anew, replace_by_link, lose_state,
    bring_odd_identity, move_another_here,
]  # fmt: skip


@pytest.mark.parametrize("swap", SWAPS)
def test_another_repository_at_the_same_path_inherits_nothing(
    workspace: Workspace, repo: Path, tmp_path: Path, swap: Callable[[Path], None]
) -> None:
    approve(workspace, ["make"])
    swap(repo)
    now = open_at(repo, tmp_path / "state")
    assert require_trust(now, ["make"]) == ("make",)
    assert list_approvals(now) == ()
    approve(now, ["make", "npm ci"])
    assert require_trust(open_at(repo, tmp_path / "state"), ["make", "npm ci"]) == ()
    if swap is not replace_by_link:
        kept = read_approvals(tmp_path / "state" / "gitslices")
        assert [one.text for one in kept] == ["make", "npm ci"]


def test_an_approval_of_before_is_asked_for_again(workspace: Workspace, tmp_path: Path) -> None:
    approve(workspace, ["make"])
    path = tmp_path / "state" / "gitslices" / "trust.json"
    path.write_text(re.sub(r' *"identity": "[0-9a-f]*",\n', "", path.read_text()))
    assert require_trust(workspace, ["make"]) == ("make",)


def test_a_copy_elsewhere_is_asked_for_again(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    approve(workspace, ["make"])
    shutil.copytree(repo, tmp_path / "copy")
    assert require_trust(open_at(tmp_path / "copy", tmp_path / "state"), ["make"]) == ("make",)


def test_approvals_can_be_listed_and_withdrawn_here_only(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", str(repo), "copy")
    other = open_at(tmp_path / "copy", tmp_path / "state")
    approve(workspace, ["make", "npm ci"])
    approve(other, ["make"])
    assert [one.text for one in list_approvals(workspace)] == ["make", "npm ci"]
    assert revoke(workspace) == ("make", "npm ci")
    assert list_approvals(workspace) == ()
    assert require_trust(other, ["make"]) == ()


def test_the_file_is_private_and_lies_outside_the_repository(
    workspace: Workspace, tmp_path: Path
) -> None:
    approve(workspace, ["make"])
    path = tmp_path / "state" / "gitslices" / "trust.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_damaged_file_approves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    approve(workspace, ["make"])
    path = tmp_path / "state" / "gitslices" / "trust.json"
    path.write_text(path.read_text().replace('"make"', '"rm -rf ~"'))
    assert require_trust(workspace, ["rm -rf ~", "make"]) == ("rm -rf ~", "make")
    path.write_text("{")
    with pytest.raises(StateError, match="cannot be read"):
        require_trust(workspace, ["make"])


def test_a_state_folder_that_cannot_be_used_is_named(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"file/gitslices"):
        approve(open_at(repo, tmp_path / "file"), ["make"])


def test_a_relative_state_home_is_ignored() -> None:
    environ = {"XDG_STATE_HOME": "state", "HOME": "/home/me"}
    assert find_user_folder(environ) == Path("/home/me/.local/state/gitslices")


def test_the_settings_say_what_there_is_to_approve(workspace: Workspace, repo: Path) -> None:
    write_settings(repo, '[setup]\ncommands = ["a"]\n[gates]\nx = "b"\n')
    approve(workspace, ["b"])
    report = read_trust(workspace)
    assert (report.approved, report.missing) == (("b",), ("a",))


def test_without_a_terminal_nothing_is_approved_silently(cli: Cli, repo: Path) -> None:
    write_settings(repo, '[setup]\ncommands = ["echo \\u001b[31m"]\n')
    done = cli("trust", stdin=b"y\n")
    assert done.code == 1
    assert done.out == (
        "not approved, so not run:\n  echo \\x1b[31m\napprove with: gitslices trust --yes\n"
    )
    done = cli("trust", "--yes", "--json")
    assert (done.code, done.document["approved"]) == (0, ["echo \x1b[31m"])
    assert cli("trust").out == "approved: 1 command\n"
    assert cli("trust", "--list").out.endswith("Z  echo \\x1b[31m\n")
    assert cli("trust", "--revoke").out == "revoked: 1 command\n"
    assert cli("trust", "--list").out == "nothing is approved here\n"


def test_the_options_exclude_each_other(cli: Cli) -> None:
    done = cli("trust", "--yes", "--revoke")
    assert done.code == 2
    assert "exclude each other" in done.err


@pytest.mark.parametrize(
    "wrong", ["[gates]\nlint = 7", "[gates.lint]\ncommand = 'x'\nwhen = { paths = ['/etc'] }"]
)
def test_wrong_settings_are_not_approved(cli: Cli, repo: Path, wrong: str) -> None:
    write_settings(repo, f"[setup]\ncommands = ['npm ci']\n{wrong}\n")
    refused = cli("trust", "--yes")
    assert (refused.code, refused.out) == (2, "")
    assert cli("trust", "--list", "--json").document["approvals"] == []
