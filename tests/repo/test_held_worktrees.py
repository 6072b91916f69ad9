"""A claimed slice's worktree is locked for git, for as long as somebody has it and no longer."""

import shutil
from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.leases import ReleaseRequest, release
from gitslices.ops.removal import RemoveRequest, remove
from tests.support.repositories import git
from tests.support.slices import GOAL, Desk, examine, path_beside, take, work


def read_lock(repo: Path, slice_id: str, goal_id: str = GOAL) -> str | None:
    """Why git has the worktree of a slice locked, as git tells it."""
    listing = git(repo, "worktree", "list", "--porcelain").split("\n\n")
    here = next(
        one for one in listing if f"worktree {path_beside(repo, slice_id, goal_id)}\n" in f"{one}\n"
    )
    lines = [line for line in here.splitlines() if line.startswith("locked")]
    return lines[0].removeprefix("locked").strip() if lines else None


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/a/"]}, {"id": "b", "write_set": ["src/b/"]})
    return desk


def test_git_leaves_a_claimed_worktree_alone_until_it_is_given_back(desk: Desk, repo: Path) -> None:
    assert read_lock(repo, "a") is None
    token = take(desk.workspace, "a")
    assert (read_lock(repo, "a") or "").startswith("gitslices: slice a is claimed")
    for command in ("remove", "move"):
        further = ("elsewhere",) if command == "move" else ()
        with pytest.raises(AssertionError, match="locked"):
            git(repo, "worktree", command, str(path_beside(repo, "a")), *further)
    assert path_beside(repo, "a").is_dir()
    release(desk.workspace, ReleaseRequest(slice_id=SliceId("a"), token=token))
    assert read_lock(repo, "a") is None


def test_done_unlocks_and_the_next_claim_locks_again(desk: Desk, repo: Path) -> None:
    token = take(desk.workspace, "a")
    work(desk.workspace, "a", {"src/a/x": "x\n"})
    done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=token))
    assert read_lock(repo, "a") is None
    release(desk.workspace, ReleaseRequest(slice_id=SliceId("a"), token=None))
    take(desk.workspace, "a")
    assert read_lock(repo, "a")


def test_a_lapsed_slice_is_unlocked_with_the_claim_that_ends_its_lease(repo: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/a/"]}, goal_id="one")
    desk.apply({"id": "b", "write_set": ["src/a/x"]}, goal_id="two")
    desk.claim("a", goal_id="one")
    desk.clock.advance(600 * 60)
    assert read_lock(repo, "a", "one")
    desk.claim("b", goal_id="two")
    assert (read_lock(repo, "a", "one"), bool(read_lock(repo, "b", "two"))) == (None, True)


def test_a_lock_of_somebody_else_stays_whatever_happens_to_the_claim(
    desk: Desk, repo: Path
) -> None:
    path = str(path_beside(repo, "a"))
    git(repo, "worktree", "lock", "--reason", "on a stick", path)
    token = take(desk.workspace, "a")
    assert read_lock(repo, "a") == "on a stick"
    release(desk.workspace, ReleaseRequest(slice_id=SliceId("a"), token=token))
    assert read_lock(repo, "a") == "on a stick"
    assert examine(repo) == ()


def test_doctor_finds_a_claim_without_lock_and_a_lock_without_claim(desk: Desk, repo: Path) -> None:
    take(desk.workspace, "a")
    git(repo, "worktree", "unlock", str(path_beside(repo, "a")))
    lock = repo / ".git" / "worktrees" / path_beside(repo, "b").name / "locked"
    lock.write_text("gitslices: slice b is claimed\n")
    found = {one.thing: one.problem for one in examine(repo) if one.check == "claim-lock"}
    assert found == {
        "slice a": "it is claimed, and git may remove its worktree",
        "slice b": "nobody has claimed it, and its worktree is locked as if somebody had",
    }
    assert all(one.fixed for one in examine(repo, fix=True))
    assert read_lock(repo, "a")
    assert read_lock(repo, "b") is None
    assert examine(repo) == ()


def test_a_claimed_worktree_that_was_deleted_is_made_again(desk: Desk, repo: Path) -> None:
    take(desk.workspace, "a")
    shutil.rmtree(path_beside(repo, "a"))
    assert examine(repo)
    assert all(one.fixed for one in examine(repo, fix=True))
    assert path_beside(repo, "a").is_dir()
    assert examine(repo) == ()
    remove(desk.workspace, RemoveRequest(slice_id=SliceId("b")))
