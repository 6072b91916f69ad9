"""Commits that come to a slice's branch after its merge are told, and no command drops them."""

from pathlib import Path
from typing import get_args

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.removal import PruneRequest, prune
from gitslices.ops.status import status
from gitslices.system.settings_tables import MergeStyle
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk, examine, take, work

MERGE = MergeRequest(slice_ids=(SliceId("a"),))


@pytest.fixture(params=get_args(MergeStyle))
def desk(repo: Path, request: pytest.FixtureRequest) -> Desk:
    """Slice a, merged in one of the styles."""
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    token = take(desk.workspace, "a")
    work(desk.workspace, "a", {"src/one.py": "one"})
    work(desk.workspace, "a", {"src/two.py": "two"})
    assert done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=token)).ok
    report = merge(desk.workspace, MergeRequest(slice_ids=(SliceId("a"),), style=request.param))
    assert report.merged
    return desk


def tell(desk: Desk) -> str | None:
    return status(desk.workspace, "default").slices[0].problem


def find_late(desk: Desk) -> list[str]:
    return [one.thing for one in examine(desk.repo) if one.check == "late-commits"]


def test_they_are_told_and_kept(desk: Desk) -> None:
    assert (tell(desk), find_late(desk)) == (None, [])
    work(desk.workspace, "a", {"src/late.py": "late"})
    assert tell(desk) == "1 commit after its merge"
    last = work(desk.workspace, "a", {"src/later.py": "later"})
    assert tell(desk) == "2 commits after its merge"
    assert find_late(desk) == ["a"]
    (refusal,) = merge(desk.workspace, MERGE).refused
    assert refusal.message == "it is merged already, without 2 of its commits, made since"
    assert "git merge slices/default/a" in (refusal.hint or "")
    prune(desk.workspace, PruneRequest())
    assert git(desk.repo, "rev-parse", "slices/default/a") == last


def test_once_they_are_taken_in_by_hand_nothing_is_told(desk: Desk) -> None:
    work(desk.workspace, "a", {"src/late.py": "late"})
    desk.merge("a")
    assert (tell(desk), find_late(desk)) == (None, [])


def test_a_branch_that_only_follows_the_target_has_none(desk: Desk) -> None:
    path = desk.worktree("a")
    git(path, "reset", "--quiet", "--hard", "main")
    assert (tell(desk), find_late(desk)) == (None, [])


def test_of_an_amended_one_the_new_commit_counts(desk: Desk) -> None:
    path = desk.worktree("a")
    (path / "src" / "two.py").write_text("better")
    git(path, "commit", "--quiet", "--all", "--amend", "-m", "Better")
    assert tell(desk) == "1 commit after its merge"


def test_a_merge_that_was_taken_back_has_other_news(desk: Desk) -> None:
    git(desk.repo, "reset", "--quiet", "--hard", ":/^Start")
    work(desk.workspace, "a", {"src/late.py": "late"})
    assert "after its merge" not in (tell(desk) or "")


def test_a_commit_that_the_target_has_by_another_way_is_none(desk: Desk) -> None:
    path = desk.worktree("a")
    commit = work(desk.workspace, "a", {"src/late.py": "late"})
    git(path, "switch", "--quiet", "--detach")
    git(desk.repo, "merge", "--quiet", "--no-ff", "-m", "By hand", commit)
    commit_all(desk.repo, "On")
    assert (find_late(desk), "after" in (tell(desk) or "")) == ([], False)
