"""A repository that was made inside a slice: its files are in no commit of the slice."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.errors import RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.check import CheckReport
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.hook import InstallRequest, install
from gitslices.ops.hook_run import HookRequest, run_hook
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.removal import PruneRequest, prune
from tests.support.repositories import commit_all, git, make_repository
from tests.support.slices import Desk, check_at, take
from tests.support.workspaces import open_at

REASON = "a repository of its own that .gitmodules does not name"


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/", "apps/", ".gitmodules"]})
    return desk


def scaffold(path: Path) -> Path:
    """What `create-app` does: files, and a repository around them with a first commit."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet")
    (path / "index.js").write_text("the only copy")
    commit_all(path)
    return path


def find_reasons(report: CheckReport) -> dict[str, str]:
    (one,) = report.slices
    return {violation.path: violation.reason for violation in one.violations}


def leave_untracked(top: Path) -> None:
    scaffold(top / "apps" / "web")


def stage(top: Path) -> None:
    scaffold(top / "apps" / "web")
    git(top, "add", "--all")


def commit(top: Path) -> None:
    stage(top)
    git(top, "commit", "--quiet", "--no-verify", "-m", "Scaffold")


def commit_odd_name(top: Path) -> None:
    scaffold(top / "apps" / "a b [x]")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "Scaffold")


def replace_a_folder(top: Path) -> None:
    git(top, "rm", "--quiet", "-r", "src")
    scaffold(top / "src")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "Scaffold")


@pytest.mark.parametrize(
    "make", [leave_untracked, stage, commit, commit_odd_name, replace_a_folder]
)
def test_check_refuses_it_inside_the_scope_too(desk: Desk, make: Callable[[Path], None]) -> None:
    top = desk.worktree("a")
    make(top)
    assert set(find_reasons(check_at(top)).values()) == {REASON}


def test_the_hook_stops_the_commit(desk: Desk) -> None:
    install(desk.workspace, InstallRequest(python=sys.executable))
    top = desk.worktree("a")
    stage(top)
    argv = ["git", "-C", str(top), "commit", "--quiet", "-m", "Scaffold"]
    tried = subprocess.run(argv, capture_output=True, text=True, check=False, env=os.environ)
    assert tried.returncode
    assert REASON in tried.stderr


def test_done_refuses_it(desk: Desk) -> None:
    token = take(desk.workspace, "a")
    commit(desk.worktree("a"))
    with pytest.raises(RefusedError, match="a repository of its own in it"):
        done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=token))
    assert desk.record("a").status == "claimed"


def test_merge_refuses_it(desk: Desk) -> None:
    commit(desk.worktree("a"))
    report = merge(desk.workspace, MergeRequest(slice_ids=(SliceId("a"),)))
    assert report.merged == ()
    assert "apps/web" in report.refused[0].message


def test_prune_keeps_a_slice_that_was_merged_by_hand(desk: Desk) -> None:
    top = desk.worktree("a")
    commit(top)
    desk.merge("a")
    report = prune(desk.workspace, PruneRequest())
    assert report.removed == ()
    assert [one.message for one in report.refused] == [
        "submodule apps/web: 1 commit that no remote has"
    ]
    assert (top / "apps" / "web" / "index.js").read_text() == "the only copy"


def test_a_submodule_that_gitmodules_names_passes(desk: Desk, tmp_path: Path) -> None:
    source = make_repository(tmp_path / "source")
    top = desk.worktree("a")
    allow = ("-c", "protocol.file.allow=always")
    git(top, *allow, "submodule", "--quiet", "add", str(source), "apps/lib")
    assert check_at(top).ok
    git(top, "commit", "--quiet", "-m", "Submodule")
    assert check_at(top).ok
    token = take(desk.workspace, "a")
    done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=token))
    assert merge(desk.workspace, MergeRequest(slice_ids=(SliceId("a"),))).merged


def test_a_link_that_the_target_has_already_is_nobody_s_fault(repo: Path) -> None:
    inner = scaffold(repo / "apps" / "old")
    commit_all(repo, "Long ago")
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["apps/"]})
    top = desk.worktree("a")
    (inner / "index.js").write_text("more")
    later = commit_all(inner)
    git(top, "update-index", "--cacheinfo", f"160000,{later},apps/old")
    git(top, "commit", "--quiet", "-m", "Bump")
    assert check_at(top).ok


def test_a_hook_tells_of_a_link_that_nothing_names_and_of_its_own_remedy(desk: Desk) -> None:
    install(desk.workspace, InstallRequest(python=sys.executable))
    top = desk.worktree("a")
    stage(top)
    done = subprocess.run(
        ["git", "commit", "-qm", "x"], cwd=top, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"a: 1 change that no commit can hold\n  apps/web   {REASON}\n"
        "hint: of a repository inside, move its .git away and add its files"
    )
    assert "scope allow" not in done.stderr
    report = run_hook(open_at(top), HookRequest(name="pre-commit"))
    assert find_reasons(report.checked) == {"apps/web": REASON}
