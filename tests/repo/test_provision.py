"""Worktrees for slices: one claimed, one lost and made again, whoever asks for them."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from gitslices.core.errors import DiskError, GitslicesError
from gitslices.core.model import SliceId
from gitslices.git.worktrees import is_filled
from gitslices.ops.claim import claim
from gitslices.ops.doctor.doctor import DoctorRequest, doctor
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.provision import restore_worktree
from gitslices.ops.removal import RemoveRequest, remove
from gitslices.ops.reopen import ReopenRequest, reopen
from gitslices.workspace import Workspace
from tests.support.repositories import commit_all, git, list_files
from tests.support.slices import apply_tasks, path_beside, read_record
from tests.support.workspaces import open_at

TASKS = [{"id": id_, "write_set": [f"new-{id_}"], "read_set": ["web/"]} for id_ in "abc"]

Lose = Callable[[Path, Path], object]


def delete(repo: Path, path: Path) -> None:
    shutil.rmtree(path)


def let_git_remove(repo: Path, path: Path) -> None:
    git(repo, "worktree", "remove", str(path))


def let_git_forget(repo: Path, path: Path) -> None:
    shutil.rmtree(path)
    git(repo, "worktree", "prune", "--expire=now")


def lose_what_git_has(repo: Path, path: Path) -> None:
    shutil.rmtree(path)
    shutil.rmtree(repo / ".git" / "worktrees" / path.name)


def delete_root(repo: Path, path: Path) -> None:
    shutil.rmtree(path.parent)


LOSSES = [delete, let_git_remove, let_git_forget, lose_what_git_has, delete_root]


def restore(workspace: Workspace, id_: str) -> None:
    with workspace.open_store() as store:
        restore_worktree(workspace, store, read_record(workspace, id_))


def list_events(workspace: Workspace, id_: str) -> list[str]:
    with workspace.open_store() as store:
        return [one.event for one in store.read_events("default", id_)]


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("sparse", [False, True], ids=["whole", "sparse"])
def test_a_lost_worktree_comes_back_with_its_branch(
    repo: Path, tmp_path: Path, lose: Lose, sparse: bool
) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS, sparse=sparse)
    path = path_beside(repo, "a")
    (path / "new-a").write_text("work")
    commit, files = commit_all(path), list_files(path)
    lose(repo, path)
    restore(open_at(repo), "a")
    assert list_files(path) == files
    assert git(path, "rev-parse", "HEAD") == commit
    assert git(path, "status", "--porcelain") == ""
    record = read_record(workspace, "a")
    assert (record.status, record.filling_operation) == ("provisioned", "")


def test_what_stands_is_left_alone(repo: Path, tmp_path: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    (path_beside(repo, "a") / "Makefile").write_text("edited")
    before = list_events(workspace, "a")
    restore(workspace, "a")
    assert (path_beside(repo, "a") / "Makefile").read_text() == "edited"
    assert list_events(workspace, "a") == before


def test_a_slice_removed_meanwhile_is_not_made_again(repo: Path, tmp_path: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    record = read_record(workspace, "a")
    remove(workspace, RemoveRequest(slice_id=record.slice_id))
    with workspace.open_store() as store:
        store.delete_slice(record)
        restore_worktree(workspace, store, record)
    assert not path_beside(repo, "a").exists()
    assert git(repo, "branch", "--list", record.branch_name) == ""


def test_a_restored_worktree_is_set_up_anew(repo: Path, tmp_path: Path) -> None:
    (repo / ".gitslices").mkdir()
    (repo / ".gitslices" / "config.toml").write_text('[setup]\ncommands = ["true"]\n')
    commit_all(repo)
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    with workspace.open_store() as store:
        store.clear_setup(read_record(workspace, "a"))
    shutil.rmtree(path_beside(repo, "a"))
    restore(workspace, "a")
    assert read_record(workspace, "a").needs_setup


def block(path: Path) -> None:
    path.write_text("somebody's")


def fill(path: Path) -> None:
    path.mkdir()
    (path / "notes").write_text("somebody's")


@pytest.mark.parametrize("occupy", [block, fill])
def test_what_lies_in_its_place_stays(
    repo: Path, tmp_path: Path, occupy: Callable[[Path], None]
) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    path = path_beside(repo, "a")
    commit = git(path, "rev-parse", "HEAD")
    shutil.rmtree(path)
    occupy(path)
    with pytest.raises(DiskError):
        restore(workspace, "a")
    assert {one.read_text() for one in (path, path / "notes") if one.is_file()} == {"somebody's"}
    assert git(repo, "rev-parse", "slices/default/a") == commit
    assert read_record(workspace, "a").filling_operation == ""


def test_doctor_notes_a_repair_once_it_is_made(repo: Path, tmp_path: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    path = path_beside(repo, "a")
    shutil.rmtree(path)
    git(repo, "config", "filter.broken.smudge", "false")
    git(repo, "config", "filter.broken.required", "true")
    attributes = repo / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("Makefile filter=broken\n")
    request = DoctorRequest(common_dir=repo / ".git", python=sys.executable, fix=True)
    assert not doctor(lambda: open_at(repo), request).is_healthy
    assert "repaired" not in list_events(workspace, "a")
    attributes.unlink()
    doctor(lambda: open_at(repo), request)
    assert is_filled(path)
    assert list_events(workspace, "a")[-2:] == ["provisioned", "repaired"]


def test_a_claim_changes_nothing_of_the_plan(repo: Path, tmp_path: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    before = workspace.find_goal("default")
    remove(workspace, RemoveRequest(slice_id=SliceId("a")))
    reopen(workspace, ReopenRequest(slice_id=SliceId("a")))
    (repo / "Makefile").write_text("later")
    later = commit_all(repo)
    with workspace.open_store() as store:
        other = structs.replace(read_record(workspace, "b"), write_scope=("wider",))
        store.write_slices([other])
    report = claim(workspace, ClaimRequest(holder="w", slice_id=SliceId("a")))
    assert report.base_commit == git(path_beside(repo, "a"), "rev-parse", "HEAD") == later
    assert workspace.find_goal("default") == before
    assert read_record(workspace, "b") == other


def test_worktrees_that_were_made_run_their_hook_though_another_failed(
    repo: Path, tmp_path: Path
) -> None:
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)
    root = path_beside(repo, "a").parent
    root.mkdir()
    shim = tmp_path / "smudge"
    shim.write_text(f"#!/bin/sh\ncase $PWD in {root}/*--b) exit 1 ;; esac\nexec cat\n")
    shim.chmod(0o755)
    git(repo, "config", "filter.picky.smudge", str(shim))
    git(repo, "config", "filter.picky.required", "true")
    (repo / ".git" / "info").mkdir(exist_ok=True)
    (repo / ".git" / "info" / "attributes").write_text("Makefile filter=picky\n")
    with pytest.raises(GitslicesError, match="1 of 3 slices"):
        apply_tasks(open_at(repo), *TASKS)
    assert [(path_beside(repo, id_) / "hooked").exists() for id_ in "abc"] == [True, False, True]
