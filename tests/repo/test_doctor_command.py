"""`gitslices doctor`: what is wrong is found, and what is ours is repaired."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.agents.install import AgentInstallRequest
from gitslices.agents.install import install as add_agent
from gitslices.core.model import SliceId
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyRequest, apply
from gitslices.ops.doctor.doctor import DoctorReport
from gitslices.ops.doctor.finding import Finding
from gitslices.ops.doctor.repository import is_patched
from gitslices.ops.hook import InstallRequest, install, read_hooks, uninstall
from gitslices.ops.plan import PlanRequest, plan
from gitslices.ops.removal import RemoveRequest, UndoRequest, remove, undo
from gitslices.output.text.upkeep import format_findings
from gitslices.state.store import STORE_NAME
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.graphs import make_graph
from tests.support.kills import run_killed
from tests.support.repositories import commit_all, git
from tests.support.slices import examine
from tests.support.workspaces import open_at

A = SliceId("a")
BRANCH = "slices/default/a"


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """A slice with a commit."""
    workspace = open_at(repo)
    graph = make_graph({"id": "a", "write_set": ["src/"]})
    made = plan(workspace, PlanRequest(scoped=parse_scopes(graph)))
    apply(workspace, ApplyRequest(graph=graph, plan=made), lambda progress: None)
    commit_all(find_worktree(workspace), "Work")
    return workspace


def find_worktree(workspace: Workspace) -> Path:
    return workspace.worktree_root / "default--a"


def checks(findings: tuple[Finding, ...]) -> list[tuple[str, bool]]:
    return [(finding.check, finding.fixed) for finding in findings]


def test_a_healthy_repository_has_no_findings(cli: Cli, repo: Path) -> None:
    before = sorted(path for path in (repo / ".git").rglob("*"))
    done = cli("doctor")
    assert (done.code, done.out) == (0, "nothing is wrong\n")
    assert sorted(path for path in (repo / ".git").rglob("*")) == before


def test_slices_that_stand_or_wait_in_the_trash_are_no_finding(
    workspace: Workspace, repo: Path
) -> None:
    assert examine(repo) == ()
    remove(workspace, RemoveRequest(slice_id=A, force=True))
    assert examine(repo) == ()


def delete_worktree(workspace: Workspace) -> None:
    shutil.rmtree(find_worktree(workspace))


def delete_worktree_and_registration(workspace: Workspace) -> None:
    git(workspace.repo.common_dir, "worktree", "remove", "--force", str(find_worktree(workspace)))


def delete_branch(workspace: Workspace) -> None:
    git(workspace.repo.common_dir, "update-ref", "-d", f"refs/heads/{BRANCH}")


def move_worktree(workspace: Workspace) -> None:
    path = find_worktree(workspace)
    path.rename(path.with_name("moved"))


def move_worktree_by_git(workspace: Workspace) -> None:
    path = find_worktree(workspace)
    git(workspace.repo.common_dir, "worktree", "move", str(path), str(path.with_name("moved")))


def tear_registration(workspace: Workspace) -> None:
    (workspace.repo.common_dir / "worktrees" / "default--a" / "commondir").write_text("")


def kill_removal(workspace: Workspace) -> None:
    step = 0
    while not workspace.has_intent():
        step += 1
        assert run_killed(lambda: remove(workspace, RemoveRequest(slice_id=A, force=True)), step)


def lose_trash_folder(workspace: Workspace) -> None:
    remove(workspace, RemoveRequest(slice_id=A, force=True))
    shutil.rmtree(workspace.state_folder / "trash")


def lose_trash_ref(workspace: Workspace) -> None:
    remove(workspace, RemoveRequest(slice_id=A, force=True))
    (ref,) = git(workspace.repo.common_dir, "for-each-ref", "--format=%(refname)",
                 "refs/gitslices").splitlines()  # fmt: skip
    git(workspace.repo.common_dir, "update-ref", "-d", ref)


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        (delete_worktree, "lost-worktree"),
        (delete_worktree_and_registration, "lost-worktree"),
        (delete_branch, "lost-branch"),
        (move_worktree, "moved-worktree"),
        (move_worktree_by_git, "moved-worktree"),
        (tear_registration, "torn-registration"),
        (kill_removal, "left-intent"),
        (lose_trash_folder, "lost-trash"),
        (lose_trash_ref, "lost-trash-ref"),
    ],
)
def test_harm_is_found_and_repaired_without_losing_the_commit(
    workspace: Workspace, repo: Path, harm: Callable[[Workspace], None], check: str
) -> None:
    commit = git(find_worktree(workspace), "rev-parse", "HEAD")
    harm(workspace)
    found = examine(repo)
    assert (check, False) in checks(found)
    assert all(finding.why and finding.fix for finding in found)
    assert checks(examine(repo)) == checks(found)
    assert (check, True) in checks(examine(repo, fix=True))
    assert examine(repo) == ()
    if not git(repo, "for-each-ref", f"refs/heads/{BRANCH}"):
        undo(workspace, UndoRequest())
        examine(repo, fix=True)
    assert git(repo, "rev-parse", f"refs/heads/{BRANCH}") == commit
    (path,) = (path for path in workspace.worktree_root.iterdir() if path.name[0] != ".")
    assert git(path, "rev-parse", "HEAD") == commit
    assert git(path, "status", "--porcelain") == ""


def test_a_note_of_a_holder_that_is_gone_is_removed(workspace: Workspace, repo: Path) -> None:
    note = workspace.state_folder / "topology.holder"
    note.write_text('{"pid": 1, "purpose": "gone"}')
    assert checks(examine(repo, fix=True)) == [("stale-lock", True)]
    assert not note.exists()


def test_a_slice_of_which_nothing_is_left_is_forgotten(workspace: Workspace, repo: Path) -> None:
    delete_worktree_and_registration(workspace)
    delete_branch(workspace)
    assert checks(examine(repo, fix=True)) == [("lost-slice", True)]
    with workspace.open_store() as store:
        assert store.read_slices() == ()
    assert examine(repo) == ()


def test_a_moved_worktree_keeps_its_changes_and_can_be_removed(
    workspace: Workspace, repo: Path
) -> None:
    move_worktree(workspace)
    moved = find_worktree(workspace).with_name("moved")
    (moved / "loose.txt").write_text("precious")
    examine(repo, fix=True)
    remove(workspace, RemoveRequest(slice_id=A, force=True))
    assert not moved.exists()
    undo(workspace, UndoRequest())
    assert (moved / "loose.txt").read_text() == "precious"


def take_git_file_away(workspace: Workspace) -> None:
    (find_worktree(workspace) / ".git").unlink()


def make_foreign_branch(workspace: Workspace) -> None:
    git(workspace.repo.common_dir, "branch", "slices/mine", "main")


def tear_foreign_registration(workspace: Workspace) -> None:
    common_dir = workspace.repo.common_dir
    git(common_dir, "worktree", "add", "--quiet", str(common_dir.parent.parent / "mine"))
    (common_dir / "worktrees" / "mine" / "commondir").write_text("")


def set_root_inside(workspace: Workspace) -> None:
    git(workspace.repo.common_dir, "config", "gitslices.worktreeRoot", "trees")


def set_wrong_prefix(workspace: Workspace) -> None:
    git(workspace.repo.common_dir, "config", "gitslices.prefix", "-x")


def prune_worktrees_now(workspace: Workspace) -> None:
    git(workspace.repo.common_dir, "config", "gc.worktreePruneExpire", "now")


def share_core_worktree(workspace: Workspace) -> None:
    shared = ("config", "--file", str(workspace.repo.common_dir / "config"))
    git(workspace.repo.common_dir, *shared, "extensions.worktreeConfig", "true")
    git(workspace.repo.common_dir, *shared, "core.worktree", str(workspace.main_worktree))


def forget_trash(workspace: Workspace) -> None:
    remove(workspace, RemoveRequest(slice_id=A, force=True))
    with sqlite3.connect(workspace.state_folder / STORE_NAME) as connection:
        connection.execute("DELETE FROM trash")


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (take_git_file_away, ["estranged-folder"]),
        (make_foreign_branch, ["unknown-branch"]),
        (tear_foreign_registration, ["torn-registration"]),
        (set_root_inside, ["setting"]),
        (set_wrong_prefix, ["setting"]),
        (prune_worktrees_now, ["setting"]),
        (share_core_worktree, ["setting"]),
        (forget_trash, ["unknown-trash-ref", "unknown-trash"]),
    ],
)
def test_what_gitslices_has_not_made_is_told_and_left_alone(
    workspace: Workspace, repo: Path, harm: Callable[[Workspace], None], expected: list[str]
) -> None:
    harm(workspace)
    before = list_everything(repo.parent)
    found = examine(repo, fix=True)
    assert checks(found) == [(check, False) for check in expected]
    assert all(finding.fix is None and finding.why for finding in found)
    assert list_everything(repo.parent) == before


def list_everything(folder: Path) -> list[tuple[str, bytes]]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [(str(path), path.read_bytes()) for path in files if "sqlite3" not in path.name]


def test_a_default_of_git_is_no_finding(workspace: Workspace, repo: Path) -> None:
    for value in ("never", "3.months.ago"):
        git(repo, "config", "gc.worktreePruneExpire", value)
        assert examine(repo) == ()


def test_the_command_says_what_why_and_what_fix_does(
    workspace: Workspace, cli: Cli, repo: Path
) -> None:
    tear_registration(workspace)
    done = cli("doctor", directory=find_worktree(workspace))
    assert done.code == 1
    first, why, fix, *_, last = done.out.splitlines()
    assert first == (
        f"{repo}/.git/worktrees/default--a: its file commondir is empty [torn-registration]"
    )
    assert why.startswith("  why it matters: git commands that list worktrees fail")
    assert fix == "  doctor --fix will: write what git writes into it"
    assert last.endswith("can be repaired: gitslices doctor --fix")
    repaired = cli("doctor", "--fix", "--json", directory=find_worktree(workspace))
    assert repaired.code == 0
    assert [one["fixed"] for one in repaired.document["findings"]] == [True]
    assert git(repo, "worktree", "list") != ""


def test_an_old_git_is_a_finding(workspace: Workspace, cli: Cli, tmp_path: Path) -> None:
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.30.1\n")
    old.chmod(0o755)
    done = cli("doctor", "--json", env={"PATH": f"{old.parent}{os.pathsep}{os.environ['PATH']}"})
    assert done.code == 1
    (finding,) = done.document["findings"]
    assert (finding["check"], finding["problem"]) == ("git", "git 2.30.1 is too old")


def test_a_strange_branch_is_named_so_that_a_shell_takes_it_for_one_word(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    cli("plan", str(graph_file), "--apply")
    git(repo, "branch", "slices/a;b")
    assert "git branch -m 'slices/a;b' NEW-NAME" in cli("doctor").out


def test_outside_a_repository_there_is_nothing_to_examine(cli: Cli, tmp_path: Path) -> None:
    done = cli("doctor", "--json", directory=tmp_path)
    assert (done.code, done.document["error"]["code"]) == (3, "not-a-repository")


def test_names_in_a_finding_cannot_act_on_the_terminal() -> None:
    finding = Finding(check="unknown-branch", thing="a\x1b[2J", problem="p", why="w")
    assert "\x1b" not in format_findings(DoctorReport(findings=(finding,)))


@pytest.mark.parametrize(
    ("version", "patched"),
    [
        ("2.38.5", False),
        ("2.39.3", False),
        ("2.39.4", True),
        ("2.43.0", False),
        ("2.43.5.windows.1", True),
        ("2.45.1", True),
        ("2.46.0", True),
        ("2.50.0.rc1", True),
        ("3.0.0", True),
        ("built by hand", True),
    ],
)
def test_which_versions_of_git_are_known_to_be_unsafe(version: str, patched: bool) -> None:
    assert is_patched(version) == patched


def test_an_unpatched_git_is_told_until_it_is_vouched_for(
    cli: Cli, repo: Path, tmp_path: Path
) -> None:
    real, old = shutil.which("git"), tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do [ "$word" = version ] && echo git version 2.43.0 && exit; done\n'
        f'exec {real} "$@"\n'
    )
    old.chmod(0o755)
    path = {"PATH": f"{old.parent}{os.pathsep}{os.environ['PATH']}"}
    told = cli("doctor", "--json", env=path)
    assert told.code == 1
    assert [one["thing"] for one in told.document["findings"]] == ["git 2.43.0"]
    git(repo, "config", "gitslices.patchedGit", "2.43.0")
    assert cli("doctor", env=path).code == 0


def remove_hook(workspace: Workspace) -> None:
    (workspace.repo.common_dir / "hooks" / "prepare-commit-msg").unlink()


def overwrite_hook(workspace: Workspace) -> None:
    (workspace.repo.common_dir / "hooks" / "pre-push").write_text("#!/bin/sh\nexit 0\n")


def lead_hooks_elsewhere(workspace: Workspace) -> None:
    elsewhere = workspace.repo.common_dir / "other-hooks"
    git(workspace.repo.common_dir, "config", "core.hooksPath", str(elsewhere))


@pytest.mark.parametrize("harm", [remove_hook, overwrite_hook, lead_hooks_elsewhere])
def test_hooks_that_are_disarmed_are_found_and_installed_again(
    repo: Path, harm: Callable[[Workspace], None]
) -> None:
    install(open_at(repo), InstallRequest(python=sys.executable))
    assert examine(repo) == ()
    harm(open_at(repo))
    assert checks(examine(repo)) == [("disarmed-hooks", False)]
    assert checks(examine(repo, fix=True)) == [("disarmed-hooks", True)]
    assert examine(repo) == ()
    assert read_hooks(open_at(repo)).ok


def test_hooks_that_were_taken_away_are_no_finding(repo: Path) -> None:
    install(open_at(repo), InstallRequest(python=sys.executable))
    uninstall(open_at(repo))
    assert examine(repo) == ()


def test_hooks_that_would_go_into_the_project_are_left_to_a_person(repo: Path) -> None:
    install(open_at(repo), InstallRequest(python=sys.executable))
    git(repo, "config", "core.hooksPath", "hooks")
    (finding,) = examine(repo, fix=True)
    assert not finding.fixed
    assert "a folder of the project" in (finding.hint or "")
    assert not (repo / "hooks").exists()


def test_a_lost_launcher_of_agents_hooks_is_written_again(repo: Path) -> None:
    add_agent(open_at(repo), AgentInstallRequest(tool="claude", python=sys.executable))
    assert examine(repo) == ()
    (repo / ".git" / "hooks" / "gitslices-agent").unlink()
    assert checks(examine(repo)) == [("disarmed-agents", False)]
    assert checks(examine(repo, fix=True)) == [("disarmed-agents", True)]
    assert examine(repo) == ()
