"""`gitslices hook install|uninstall|status`, beside the hooks of others."""

import shutil
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from msgspec import convert

from gitslices.core.errors import RefusedError
from gitslices.core.model import SliceId, TaskGraph
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.hook import HooksReport, InstallRequest, install, read_hooks, uninstall
from gitslices.ops.merge import MergeRequest, merge
from gitslices.system.hook_scripts import NAMES
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk, apply_graph, read_status, take, work
from tests.support.workspaces import open_at

REQUEST = InstallRequest(python=sys.executable)
FORCE = InstallRequest(python=sys.executable, force=True)


def read_folder(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """Mode and content of everything in a folder, links as what they say."""
    return {
        path.name: (
            stat.S_IMODE(path.lstat().st_mode),
            str(path.readlink()) if path.is_symlink() else path.read_bytes(),
        )
        for path in sorted(folder.iterdir())
    }


def write_hook(folder: Path, name: str, text: str, mode: int = 0o755) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(mode)


def states(report: HooksReport) -> set[str]:
    return {hook.state for hook in report.hooks}


@pytest.fixture
def hooks(repo: Path) -> Path:
    folder = repo / ".git" / "hooks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def test_install_says_where_and_uninstall_leaves_nothing(cli: Cli, hooks: Path) -> None:
    done = cli("hook", "install")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"hooks in {hooks}\n  prepare-commit-msg   installed\n  pre-push             installed\n"
    )
    assert cli("hook", "status", "--json").document["ok"] is True
    assert cli("hook", "uninstall").code == 0
    assert list(hooks.iterdir()) == []
    assert cli("hook", "status").code == 1


def test_an_uninstall_that_leaves_no_hook_is_ok_for_a_program_too(cli: Cli, hooks: Path) -> None:
    cli("hook", "install")
    for _ in range(2):
        done = cli("hook", "uninstall", "--json")
        assert done.code == 0
        assert done.document["ok"] is True
        assert {hook["state"] for hook in done.document["hooks"]} == {"missing"}
    assert cli("hook", "status", "--json").document["ok"] is False


def test_a_missing_folder_is_made(repo: Path, hooks: Path) -> None:
    hooks.rmdir()
    assert install(open_at(repo), REQUEST).ok


def test_installing_twice_is_installing_once(repo: Path, hooks: Path) -> None:
    write_hook(hooks, "pre-push", "exit 0")
    install(open_at(repo), REQUEST)
    before = read_folder(hooks)
    install(open_at(repo), REQUEST)
    assert read_folder(hooks) == before


def test_hooks_whose_python_is_gone_are_outdated_until_they_are_installed_again(
    repo: Path, hooks: Path
) -> None:
    install(open_at(repo), InstallRequest(python="/some where/python"))
    assert states(read_hooks(open_at(repo))) == {"outdated"}
    assert install(open_at(repo), REQUEST).ok


def test_hooks_from_before_come_back_byte_for_byte_with_their_modes(
    repo: Path, hooks: Path, tmp_path: Path
) -> None:
    write_hook(hooks, "pre-push", "# caf\u00e9", mode=0o744)
    write_hook(tmp_path, "shared", "exit 0")
    (hooks / "prepare-commit-msg").symlink_to(tmp_path / "shared")
    write_hook(hooks, "pre-commit", "exit 0", mode=0o644)
    (hooks / "pre-push.sample").write_text("sample")
    before = read_folder(hooks)
    report = install(open_at(repo), REQUEST)
    assert sum(hook.kept is not None for hook in report.hooks) == 2
    uninstall(open_at(repo))
    assert read_folder(hooks) == before


def test_uninstalling_leaves_foreign_hooks_alone(repo: Path, hooks: Path) -> None:
    write_hook(hooks, "pre-push", "exit 0")
    before = read_folder(hooks)
    uninstall(open_at(repo))
    assert read_folder(hooks) == before


def test_a_kept_hook_gets_its_arguments_and_its_word(
    repo: Path, hooks: Path, tmp_path: Path
) -> None:
    write_hook(hooks, "prepare-commit-msg", f'echo "$# $2" >>{tmp_path}/ran; exit ${{FAIL:-0}}')
    install(open_at(repo), REQUEST)
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "x")
    assert (tmp_path / "ran").read_text() == "2 message\n"
    before = git(repo, "rev-parse", "HEAD")
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "x", ok=False, FAIL="3")
    assert git(repo, "rev-parse", "HEAD") == before


def test_a_kept_push_hook_reads_what_git_writes(repo: Path, hooks: Path, tmp_path: Path) -> None:
    write_hook(hooks, "pre-push", f'echo "$1" >>{tmp_path}/ran; cat >>{tmp_path}/ran')
    install(open_at(repo), REQUEST)
    up = str(tmp_path / "up.git")
    git(tmp_path, "init", "--quiet", "--bare", up)
    git(repo, "push", "--quiet", up, "main", "main:other")
    head, nothing = git(repo, "rev-parse", "main"), "0" * 40
    assert (tmp_path / "ran").read_text() == (
        f"{up}\n"
        f"refs/heads/main {head} refs/heads/main {nothing}\n"
        f"refs/heads/main {head} refs/heads/other {nothing}\n"
    )
    git(repo, "push", "--quiet", up, "main")
    assert (tmp_path / "ran").read_text().endswith(f"{nothing}\n{up}\n")


def test_a_kept_hook_that_git_would_not_run_is_not_run(repo: Path, hooks: Path) -> None:
    write_hook(hooks, "prepare-commit-msg", "exit 1", mode=0o644)
    install(open_at(repo), REQUEST)
    commit_all(repo)


def test_a_hook_that_took_the_place_of_ours_is_not_lost(repo: Path, hooks: Path) -> None:
    write_hook(hooks, "pre-push", "exit 0")
    install(open_at(repo), REQUEST)
    write_hook(hooks, "pre-push", "exit 1")
    before = read_folder(hooks)
    with pytest.raises(RefusedError) as refused:
        install(open_at(repo), REQUEST)
    assert [problem.place for problem in refused.value.problems] == [str(hooks / "pre-push")]
    assert read_folder(hooks) == before


def test_a_framework_that_moved_our_hook_aside_still_runs_it(repo: Path, hooks: Path) -> None:
    write_hook(hooks, "pre-push", "exit 0")
    before = read_folder(hooks)
    install(open_at(repo), REQUEST)
    (hooks / "pre-push").rename(hooks / "pre-push.legacy")
    write_hook(hooks, "pre-push", '"$0.legacy" "$@"')
    assert install(open_at(repo), REQUEST).ok
    assert "legacy" in (hooks / "pre-push").read_text()
    uninstall(open_at(repo))
    left = read_folder(hooks)
    assert left["pre-push.legacy"] == before["pre-push"]


def test_an_absolute_hooks_path_is_used(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "core.hooksPath", str(tmp_path / "all hooks"))
    report = install(open_at(repo), REQUEST)
    assert report.folder == str(tmp_path / "all hooks")
    assert {path.name for path in (tmp_path / "all hooks").iterdir()} == set(NAMES)


@pytest.mark.parametrize("setting", [".husky/_", "hooks", "{repo}/hooks"])
def test_a_folder_of_the_project_is_left_alone_unless_forced(repo: Path, setting: str) -> None:
    git(repo, "config", "core.hooksPath", setting.format(repo=repo))
    for action in (partial(install, request=REQUEST), uninstall):
        with pytest.raises(RefusedError, match="a folder of the project") as refused:
            action(open_at(repo))
        assert "gitslices hook run NAME" in (refused.value.hint or "")
    assert git(repo, "status", "--porcelain") == ""
    assert install(open_at(repo), FORCE).ok
    uninstall(open_at(repo), force=True)
    assert git(repo, "status", "--porcelain") == ""


def test_the_command_refuses_with_exit_1(cli: Cli, repo: Path) -> None:
    git(repo, "config", "core.hooksPath", ".husky/_")
    done = cli("hook", "install", "--json")
    assert done.code == 1
    assert done.document["error"]["code"] == "refused"
    assert cli("hook", "install", "--force").code == 0


def test_one_installation_serves_all_worktrees(repo: Path, hooks: Path, tmp_path: Path) -> None:
    graph = {"tasks": [{"id": "a", "owner_role": "w", "write_set": ["src/"]}]}
    apply_graph(open_at(repo), convert(graph, TaskGraph))
    top = repo.parent / "webshop.slices" / "default--a"
    assert install(open_at(top), REQUEST).folder == str(hooks)
    (top / "Makefile").write_text("changed")
    done = subprocess.run(["git", "commit", "-am", "x"], cwd=top, capture_output=True, check=False)
    assert done.returncode == 1


def test_installing_marks_worktrees_that_have_lost_their_mark(repo: Path, hooks: Path) -> None:
    graph = {"tasks": [{"id": "a", "owner_role": "w", "write_set": ["src/"]}]}
    apply_graph(open_at(repo), convert(graph, TaskGraph))
    mark = repo / ".git" / "worktrees" / "default--a" / "gitslices-slice"
    watch = repo / ".git" / "gitslices" / "watch"
    before = mark.read_text(), watch.read_text()
    mark.unlink()
    watch.unlink()
    install(open_at(repo), REQUEST)
    assert (mark.read_text(), watch.read_text()) == before


def test_an_unknown_hook_is_wrong_usage(cli: Cli) -> None:
    done = cli("hook", "run", "post-rewrite")
    assert done.code == 2
    assert "post-rewrite" in done.err


def test_a_hook_of_ones_own_may_call_ours(cli: Cli, repo: Path) -> None:
    assert cli("hook", "run", "pre-commit").code == 0
    assert cli("hook", "run", "prepare-commit-msg", "--", ".git/COMMIT_EDITMSG").code == 0
    assert cli("hook", "run", "pre-push", "--", "origin", "url").code == 0


@pytest.mark.parametrize("group", ["hook", "scope"])
def test_a_group_without_a_command_is_wrong_usage(cli: Cli, group: str) -> None:
    done = cli(group)
    assert (done.code, done.err) == (
        2, f"error: Missing command.\nhint: see: gitslices {group} --help\n",
    )  # fmt: skip


def test_a_push_from_a_merged_slice_passes(repo: Path, hooks: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]})
    install(desk.workspace, REQUEST)
    work(desk.workspace, "a", {"src/new": "x\n"})
    token = take(desk.workspace, "a")
    done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=token))
    merge(desk.workspace, MergeRequest(slice_ids=(SliceId("a"),)))
    assert read_status(desk.workspace, "a") == "merged"
    origin = repo.parent / "origin.git"
    git(repo.parent, "init", "--quiet", "--bare", str(origin))
    for refspec in ("HEAD", "HEAD:elsewhere", f"{desk.branch('a')}:third"):
        git(desk.worktree("a"), "push", "--quiet", str(origin), refspec)
