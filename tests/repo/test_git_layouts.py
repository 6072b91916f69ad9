"""Layouts that only newer versions of git make, written by hand: relative links, reftable."""

import os
import time
from pathlib import Path

import pytest

from gitslices.core.model import BranchName
from gitslices.git.links import find_admin_folder, read_admin_folders
from gitslices.git.repair import (
    LockOrigin,
    clear_ref_locks,
    clear_shared_locks,
    find_unfinished_folders,
    is_registered,
    is_unfinished_worktree,
)
from gitslices.ops.doctor.repository import find_torn_registrations
from gitslices.slices.environment import list_writable_roots
from gitslices.workspace import Workspace
from tests.support.repositories import git
from tests.support.slices import apply_tasks, path_beside, read_record
from tests.support.workspaces import open_at

BRANCH = BranchName("feature")
REASON = "gitslices:op"


def link_relatively(path: Path) -> Path:
    """Write a worktree's links as git 2.48 does with `worktree.useRelativePaths`."""
    admin = Path((path / ".git").read_text().removeprefix("gitdir: ").strip())
    (path / ".git").write_text(f"gitdir: {os.path.relpath(admin, path)}\n")
    (admin / "gitdir").write_text(f"{os.path.relpath(path / '.git', admin)}\n")
    return admin


@pytest.fixture
def linked(repo: Path, tmp_path: Path) -> Path:
    """A worktree that git has registered for us, and not filled yet."""
    path = tmp_path / "trees" / "feature"
    git(repo, "worktree", "add", "--quiet", "--no-checkout", "--lock", "--reason", REASON,
        "-b", BRANCH, str(path))  # fmt: skip
    return path


@pytest.mark.parametrize("relative", [False, True])
def test_a_worktree_and_its_folder_find_each_other(
    repo: Path, linked: Path, relative: bool
) -> None:
    admin, common_dir = repo / ".git" / "worktrees" / "feature", repo / ".git"
    if relative:
        assert link_relatively(linked) == admin
    assert find_admin_folder(linked) == admin
    assert read_admin_folders(common_dir) == {str(linked): admin}
    assert is_registered(linked, BRANCH, REASON)
    assert find_unfinished_folders(common_dir, linked, REASON) == (admin,)
    assert is_unfinished_worktree(common_dir, linked, REASON)
    assert find_unfinished_folders(common_dir, linked, "another reason") == ()
    assert find_unfinished_folders(common_dir, linked.with_name("other"), REASON) == ()


def test_a_relative_link_counts_from_where_the_worktree_really_is(
    repo: Path, linked: Path, tmp_path: Path
) -> None:
    admin = link_relatively(linked)
    (tmp_path / "some" / "where").mkdir(parents=True)
    short_cut = tmp_path / "some" / "where" / "else"
    short_cut.symlink_to(linked)
    assert find_admin_folder(short_cut) == admin


def test_a_torn_registration_with_a_relative_link_is_known_as_ours(
    repo: Path, tmp_path: Path
) -> None:
    apply_tasks(open_at(repo), {"id": "a", "write_set": ["src/"]})
    admin = link_relatively(path_beside(repo, "a"))
    (admin / "commondir").write_text("")
    (trouble,) = find_torn_registrations(repo / ".git")
    assert trouble.finding.fix


@pytest.fixture
def reftable(repo: Path, tmp_path: Path) -> Workspace:
    """A repository with a slice, whose references are in tables: no git of today's opens it."""
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/"]})
    common_dir = workspace.repo.common_dir
    (common_dir / "refs" / "heads").rename(tmp_path / "heads")
    (common_dir / "refs" / "heads").write_text("this repository uses the reftable format\n")
    for folder in (common_dir, common_dir / "worktrees" / "default--a"):
        (folder / "reftable").mkdir()
        (folder / "reftable" / "tables.list").write_text("")
    return workspace


def test_tables_of_references_are_writable(reftable: Workspace) -> None:
    common_dir = reftable.repo.common_dir
    roots = set(map(Path, list_writable_roots(reftable, read_record(reftable, "a"))))
    assert common_dir / "reftable" in roots
    assert common_dir / "worktrees" / "default--a" in roots
    assert all(root.is_dir() for root in roots)
    assert not any(root.is_relative_to(common_dir / "refs") for root in roots)


def test_locks_of_tables_are_cleared_and_those_of_files_are_not_missed(
    reftable: Workspace,
) -> None:
    common_dir = reftable.repo.common_dir
    lock = common_dir / "reftable" / "tables.list.lock"
    lock.write_text("")
    clear_ref_locks(common_dir, ["refs/heads/slices/default/a"])
    clear_shared_locks(common_dir, ["refs/heads/main"], origin=LockOrigin(since=time.time() - 60))
    assert not lock.exists()
