"""Where worktrees, and what is checked out beside them, may lie."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.errors import RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.evidence import GatesRequest, run_gates
from gitslices.ops.merge import MergeRequest, merge
from gitslices.repo_commands.trust import approve
from gitslices.system.settings import load_settings
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git, make_repository, write_settings
from tests.support.slices import Desk, apply_tasks
from tests.support.workspaces import open_at

RERUN = "[merge]\nrerun_gates = true\n"
ONE = {"id": "one", "write_set": ["src/"]}


def beneath_another(outer: Path) -> Path:
    """A repository that another one has, untracked, in its work tree."""
    git(outer, "init", "--quiet")
    return make_repository(outer / "deep" / "inner")


def as_submodule(outer: Path) -> Path:
    source = make_repository(outer.parent / "source")
    git(outer, "init", "--quiet")
    git(
        outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source), "lib"
    )
    return outer / "lib"


def in_a_submodule(outer: Path) -> Path:
    """A submodule of a submodule: the one in the middle would record the worktrees."""
    (outer / "middle").mkdir()
    inner = as_submodule(outer / "middle")
    commit_all(outer / "middle")
    git(outer, "init", "--quiet")
    git(outer, "add", "--all")
    return inner


def beneath_two(outer: Path) -> Path:
    """The repository farther out ignores everything, and the nearest one does not."""
    git(outer, "init", "--quiet")
    (outer / ".gitignore").write_text("*\n")
    (outer / "middle").mkdir()
    return beneath_another(outer / "middle")


def behind_a_link(outer: Path) -> Path:
    git(outer, "init", "--quiet")
    repo = make_repository(outer.parent / "inner")
    (outer / "worktrees").mkdir()
    git(repo, "config", "gitslices.worktreeRoot", str(outer / "worktrees"))
    return repo


@pytest.mark.parametrize(
    "make", [beneath_another, as_submodule, in_a_submodule, beneath_two, behind_a_link]
)
def test_worktrees_that_another_repository_would_record_are_refused(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    repo = make(outer)
    before = git(repo, "for-each-ref")
    with pytest.raises(RefusedError) as caught:
        apply_tasks(open_at(repo), ONE)
    (problem,) = caught.value.problems
    assert "which would record each worktree as a submodule" in problem.message
    assert git(repo, "for-each-ref") == before


@pytest.mark.parametrize("pattern", ["*.slices/", "/deep/", "/deep/inner.slices", "*"])
def test_worktrees_that_the_other_repository_ignores_are_made(tmp_path: Path, pattern: str) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    repo = beneath_another(outer)
    (outer / ".git" / "info").mkdir(exist_ok=True)
    (outer / ".git" / "info" / "exclude").write_text(f"{pattern}\n")
    assert apply_tasks(open_at(repo), ONE).created == ("one",)
    assert git(outer, "add", "--dry-run", "--all") in {"", "add 'deep/inner/'"}


def test_worktrees_outside_the_superproject_are_made(tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    repo = as_submodule(outer)
    git(repo, "config", "gitslices.worktreeRoot", str(tmp_path / "worktrees"))
    assert apply_tasks(open_at(repo), ONE).created == ("one",)
    assert "worktrees" not in git(outer, "status", "--porcelain")


def test_a_worktree_root_in_an_own_worktree_is_told_once(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    git(repo, "config", "gitslices.worktreeRoot", str(tmp_path / "other" / "slices"))
    with pytest.raises(RefusedError) as caught:
        apply_tasks(open_at(repo), ONE)
    assert ["inside the worktree" in one.message for one in caught.value.problems] == [True]


def test_gates_on_merged_files_run_outside_git_s_folders(repo: Path, tmp_path: Path) -> None:
    desk = Desk(repo)
    desk.apply(ONE)
    path = desk.worktree("one")
    (path / "src" / "new.py").write_text("new")
    commit_all(path, "Work")
    (repo / "later.txt").write_text("later")
    commit_all(repo, "Later")
    write_settings(repo, f'{RERUN}[gates]\nlocal_verification_wall = "pwd > {tmp_path}/at"\n')
    approve(desk.workspace, load_settings(repo).texts)
    run_gates(desk.workspace, GatesRequest(slice_id=SliceId("one")))
    assert merge(desk.workspace, MergeRequest(slice_ids=(SliceId("one"),))).merged
    there = Path((tmp_path / "at").read_text().strip())
    assert there.is_relative_to(path.parent)
    assert ".git" not in there.parts
    assert not there.exists()
    assert {one.name for one in path.parent.iterdir()} == {path.name}


def test_what_a_killed_merge_checked_out_goes_with_the_next_command(repo: Path, cli: Cli) -> None:
    desk = Desk(repo)
    desk.apply(ONE)
    path = desk.worktree("one")
    (path / "src" / "new.py").write_text("new")
    commit_all(path, "Work")
    (repo / "later.txt").write_text("later")
    commit_all(repo, "Later")
    write_settings(
        repo,
        f'{RERUN}[gates]\nlocal_verification_wall = "test ! -e later.txt || kill -9 $PPID"\n',
    )
    approve(desk.workspace, load_settings(repo).texts)
    run_gates(desk.workspace, GatesRequest(slice_id=SliceId("one")))
    assert cli("merge", "one").code == -9
    assert len(list(path.parent.iterdir())) == 2
    assert cli("status").code == 0
    assert {one.name for one in path.parent.iterdir()} == {path.name}
