"""A merge that was cut short is completed by the next command, whatever it had done."""

import os
import time
from pathlib import Path

import pytest

from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.git.read import read_base
from gitslices.recovery.recovery import recover
from gitslices.state.journal import (
    BranchMove,
    MoveIntent,
    find_intent,
    find_intent_file,
    write_intent,
)
from gitslices.state.landings import SliceChange
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, read_status, slice_path
from tests.support.workspaces import open_at


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    return open_at(repo)


@pytest.fixture
def move(repo: Path, workspace: Workspace) -> BranchMove:
    """main about to take in a slice that changes, adds and deletes a file."""
    apply_tasks(workspace, {"id": "a", "write_set": ["docs/", "Makefile"]})
    top = slice_path(workspace, "a")
    (top / "docs/api.md").write_text("a longer text than before\n" * 20)
    (top / "docs/new.md").write_text("new\n" * 20)
    (top / "Makefile").unlink()
    new = Oid(commit_all(top))
    change = SliceChange(
        at="2026-01-01T00:00:00Z", goal_id="default", slice_id=SliceId("a"), event="merged",
        detail={}, status="merged", tip=new, landed_as=new,
    )  # fmt: skip
    return BranchMove(
        branch=BranchName("main"),
        old=read_base(workspace.repo, "main"),
        new=new,
        worktrees=(str(repo),),
        changes=(change,),
    )


def assert_completed(repo: Path, workspace: Workspace, move: BranchMove) -> None:
    recover(workspace)
    assert find_intent(workspace.state_folder) is None
    assert git(repo, "rev-parse", "main") == move.new
    assert git(repo, "status", "--porcelain") == ""
    assert (repo / "docs/new.md").read_text() == "new\n" * 20
    assert read_status(workspace, "a") == "merged"


def test_killed_before_the_branch_moved(repo: Path, workspace: Workspace, move: BranchMove) -> None:
    write_intent(workspace.state_folder, MoveIntent(moves=(move,)))
    assert_completed(repo, workspace, move)


def test_killed_before_the_files_moved(repo: Path, workspace: Workspace, move: BranchMove) -> None:
    write_intent(workspace.state_folder, MoveIntent(moves=(move,)))
    git(repo, "update-ref", "refs/heads/main", move.new)
    assert_completed(repo, workspace, move)


def test_killed_while_the_files_moved(repo: Path, workspace: Workspace, move: BranchMove) -> None:
    write_intent(workspace.state_folder, MoveIntent(moves=(move,)))
    git(repo, "update-ref", "refs/heads/main", move.new)
    (repo / "Makefile").unlink()
    (repo / "docs/api.md").write_text("a longer text than before\na lon")
    (repo / "docs/new.md").write_text("new\n" * 20)
    (repo / "web").mkdir()
    (repo / "web/mine.txt").write_text("precious")
    recover(workspace)
    assert (repo / "web/mine.txt").read_text() == "precious"
    (repo / "web/mine.txt").unlink()
    assert_completed(repo, workspace, move)


def test_a_lock_from_before_the_change_stays_whatever_its_times_say(
    repo: Path, workspace: Workspace, move: BranchMove
) -> None:
    lock = repo / ".git" / "packed-refs.lock"
    lock.write_text("")
    write_intent(workspace.state_folder, MoveIntent(moves=(move,)))
    # As it is where the clock was ahead when a stranger died: its lock seems to have come later.
    earlier = time.time() - 3600
    os.utime(find_intent_file(workspace.state_folder), (earlier, earlier))
    assert_completed(repo, workspace, move)
    assert lock.exists()


def test_killed_before_it_was_recorded(repo: Path, workspace: Workspace, move: BranchMove) -> None:
    git(repo, "merge", "--quiet", "--ff-only", "slices/default/a")
    write_intent(workspace.state_folder, MoveIntent(moves=(move,)))
    assert_completed(repo, workspace, move)
    recover(workspace)
    with workspace.open_store() as store:
        assert [one.event for one in store.read_events()].count("merged") == 1


def test_an_edit_made_meanwhile_takes_the_move_back(
    repo: Path, workspace: Workspace, move: BranchMove
) -> None:
    write_intent(workspace.state_folder, MoveIntent(moves=(move,)))
    git(repo, "update-ref", "refs/heads/main", move.new)
    (repo / "docs/api.md").write_text("precious")
    (repo / "docs/new.md").write_text("new\n")
    recover(workspace)
    assert git(repo, "rev-parse", "main") == move.old
    assert (repo / "docs/api.md").read_text() == "precious"
    assert git(repo, "status", "--porcelain") == " M docs/api.md"
    assert read_status(workspace, "a") == "provisioned"


def test_a_target_that_went_on_is_left_where_it_is(
    repo: Path, workspace: Workspace, move: BranchMove
) -> None:
    git(repo, "merge", "--quiet", "--ff-only", "slices/default/a")
    later = commit_all(repo, "Later")
    write_intent(workspace.state_folder, MoveIntent(moves=(move,)))
    recover(workspace)
    assert git(repo, "rev-parse", "main") == later
    assert read_status(workspace, "a") == "merged"


def test_a_target_that_went_elsewhere_has_not_merged(
    repo: Path, workspace: Workspace, move: BranchMove
) -> None:
    elsewhere = commit_all(repo, "Elsewhere")
    write_intent(workspace.state_folder, MoveIntent(moves=(move,)))
    recover(workspace)
    assert git(repo, "rev-parse", "main") == elsewhere
    assert read_status(workspace, "a") == "provisioned"


FAULTS = [
    "write:intent:enospc", "git:update-ref:before", "git:update-ref:before:eio",
    "git:update-ref:after", "git:update-ref:after:eio",
    "git:read-tree:before", "git:read-tree:before:eio", "git:read-tree:after",
    "git:read-tree:after:eio", "store:commit#2", "unlink:intent",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_merge_struck_anywhere_is_whole_or_has_not_been(
    cli: Cli, repo: Path, workspace: Workspace, move: BranchMove, fault: str
) -> None:
    (repo / "loose").write_text("precious")
    done = cli("merge", "a", env={"GITSLICES_FAULT": fault})
    assert done.code in {-9, 3}, done.err
    recover(workspace)
    merged = read_status(workspace, "a") == "merged"
    assert git(repo, "status", "--porcelain") == "?? loose"
    assert (git(repo, "rev-parse", "main") != move.old) == merged
    assert (repo / "docs/new.md").exists() == merged
    assert find_intent(workspace.state_folder) is None
    assert merged or cli("merge", "a").code == 0
    assert git(repo, "fsck", "--no-dangling", "--no-progress") == ""


def test_a_lock_on_the_index_that_is_not_ours_stays_and_holds_up_the_completion(
    cli: Cli, repo: Path, workspace: Workspace, move: BranchMove
) -> None:
    write_intent(workspace.state_folder, MoveIntent(moves=(move,)))
    lock = repo / ".git/index.lock"
    lock.write_text("half")
    busy = cli("merge", "a")
    assert (busy.code, str(lock) in busy.err) == (4, True)
    assert lock.read_text() == "half"
    assert git(repo, "rev-parse", "main") == move.old
    lock.unlink()
    assert_completed(repo, workspace, move)
