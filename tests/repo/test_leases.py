"""`claim`, `heartbeat`, `release`, `done` and `ready`: who gets which slice, and for how long."""

from pathlib import Path

import pytest
from msgspec import UNSET

from gitslices.core.errors import (
    BusyError,
    GitslicesError,
    InputError,
    LeaseHeldError,
    NothingLeftError,
    NothingReadyError,
    OutsideScopeError,
    RefusedError,
    StaleTokenError,
    UnknownSliceError,
)
from gitslices.core.model import SliceId
from gitslices.ops.claim import claim
from gitslices.ops.done import DoneReport, DoneRequest, done
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.leases import HeartbeatRequest, ReleaseRequest, heartbeat, release
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.ready import ready
from gitslices.ops.status import status
from gitslices.slices.claims import Work
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk, work
from tests.support.workspaces import MINUTE


@pytest.fixture
def desk(repo: Path) -> Desk:
    """Three independent slices, a cheaper than b, and c that comes after a; none provisioned yet
    but those that wait for nothing."""
    desk = Desk(repo)
    desk.apply(
        {"id": "a", "write_set": ["src/a/"], "acceptance": ["it works"]},
        {"id": "b", "write_set": ["src/b/"], "read_set": ["docs/"], "estimate": 5},
        {"id": "c", "write_set": ["src/c/"], "dependencies": ["a"]},
        {"id": "d", "write_set": ["src/d/"], "status": "blocked", "estimate": 9},
        ready_only=True,
    )
    return desk


def finish(desk: Desk, slice_id: str, token: int) -> DoneReport:
    return done(desk.workspace, DoneRequest(slice_id=SliceId(slice_id), token=token))


def give_back(desk: Desk, slice_id: str, token: int | None) -> None:
    release(desk.workspace, ReleaseRequest(slice_id=SliceId(slice_id), token=token))


def beat(desk: Desk, slice_id: str, token: int, ttl: int | None = None) -> str:
    request = HeartbeatRequest(slice_id=SliceId(slice_id), token=token, ttl=ttl)
    return heartbeat(desk.workspace, request).expires_at


def statuses(desk: Desk) -> dict[str, str]:
    return {one.slice_id: one.status for one in status(desk.workspace, None).slices}


def test_a_claim_gives_the_longest_way_first_and_tells_all_a_worker_needs(desk: Desk) -> None:
    report = desk.claim()
    assert (report.slice_id, report.holder, report.token) == ("b", "one", 1)
    assert report.expires_at == "2026-01-01T00:30:00Z"
    assert report.branch_name == "slices/default/b"
    assert (report.write_scope, report.read_scope) == (("src/b/",), ("docs/",))
    assert report.base_commit == git(desk.repo, "rev-parse", "main")
    assert git(Path(report.worktree_path), "branch", "--show-current") == "slices/default/b"
    second = desk.claim(ttl=90)
    assert (second.slice_id, second.token, second.expires_at) == ("a", 2, "2026-01-01T00:01:30Z")
    assert second.acceptance == ("it works",)


def test_nothing_ready_says_what_each_slice_waits_for(desk: Desk) -> None:
    desk.claim("a")
    desk.claim("b", "two")
    with pytest.raises(NothingReadyError) as caught:
        desk.claim()
    assert {problem.place: problem.message for problem in caught.value.problems} == {
        "a": "held by one until 2026-01-01T00:30:00Z",
        "b": "held by two until 2026-01-01T00:30:00Z",
        "c": "waits for a (claimed)",
        "d": "blocked in the task graph",
    }


@pytest.mark.parametrize(
    ("slice_id", "error", "words"),
    [
        ("b", LeaseHeldError, "slice 'b' is held by one until 2026-01-01T00:30:00Z"),
        ("c", NothingReadyError, r"waits for a \(provisioned\)"),
        ("d", NothingReadyError, "blocked in the task graph"),
        ("x", UnknownSliceError, "no slice 'x'"),
    ],
)
def test_a_named_slice_that_cannot_be_had_says_why_and_changes_nothing(
    desk: Desk, slice_id: str, error: type[GitslicesError], words: str
) -> None:
    desk.claim("b")
    before = desk.events()
    with pytest.raises(error, match=words):
        desk.claim(slice_id, "two")
    assert desk.events() == before


@pytest.mark.parametrize("holder", ["", "  ", "a\nb", "x" * 201])
def test_an_odd_holder_is_refused(desk: Desk, holder: str) -> None:
    with pytest.raises(InputError, match="names no holder"):
        desk.claim("a", holder)


def test_a_slice_under_way_in_another_goal_keeps_out_what_overlaps_with_it(desk: Desk) -> None:
    desk.apply({"id": "x", "write_set": ["**/*.py"]}, {"id": "y", "write_set": ["web/"]},
               goal_id="other")  # fmt: skip
    desk.claim("a", goal_id="default")
    with pytest.raises(LeaseHeldError, match=r"shares 'src/a/\S*\.py' with slice a of goal"):
        desk.claim("x", goal_id="other")
    assert desk.claim(goal_id="other").slice_id == "y"
    give_back_in = ReleaseRequest(slice_id=SliceId("a"), token=None, goal_id="default")
    release(desk.workspace, give_back_in)
    assert desk.claim("x", goal_id="other").slice_id == "x"


def test_files_that_both_goals_share_keep_nobody_out(desk: Desk) -> None:
    for goal_id in ("one", "two"):
        task = {"id": goal_id, "write_set": [f"{goal_id}/", "CHANGELOG.md"]}
        desk.apply(task, goal_id=goal_id, shared=("CHANGELOG.md",))
    assert desk.claim(goal_id="one").slice_id == "one"
    assert desk.claim(goal_id="two").slice_id == "two"


def test_what_the_plan_lets_run_side_by_side_is_given_out_side_by_side(repo: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "md", "write_set": ["*.md"]}, {"id": "src", "write_set": ["src/"]})
    assert {desk.claim().slice_id, desk.claim().slice_id} == {"md", "src"}


def test_a_slice_that_was_only_planned_is_provisioned_from_the_target_of_today(desk: Desk) -> None:
    first = desk.claim("a")
    commit_all(Path(first.worktree_path), "Work")
    finish(desk, "a", first.token)
    with pytest.raises(NothingReadyError, match=r"waits for a \(done\)"):
        desk.claim("c")
    desk.merge("a")
    report = desk.claim("c")
    assert report.base_commit == git(desk.repo, "rev-parse", "main")
    assert git(Path(report.worktree_path), "rev-parse", "HEAD") == report.base_commit
    assert git(Path(report.worktree_path), "status", "--porcelain") == ""


def test_an_untouched_slice_comes_forward_and_a_begun_one_stays(desk: Desk) -> None:
    (desk.worktree("b") / "notes.txt").write_text("begun")
    (desk.repo / "later.txt").write_text("later")
    tip = commit_all(desk.repo, "Later")
    report = desk.claim("a")
    path = Path(report.worktree_path)
    assert (report.base_commit, git(path, "rev-parse", "HEAD")) == (tip, tip)
    assert (path / "later.txt").read_text() == "later"
    assert git(path, "status", "--porcelain") == ""
    assert desk.claim("b").base_commit != tip
    assert not (desk.worktree("b") / "later.txt").exists()


def test_a_slice_provisioned_for_a_claim_that_fails_is_taken_back(desk: Desk) -> None:
    first = desk.claim("a")
    commit_all(Path(first.worktree_path), "Work")
    finish(desk, "a", first.token)
    desk.merge("a")
    git(desk.repo, "branch", "slices/default/c")
    with pytest.raises(RefusedError, match="in the way"):
        desk.claim("c")
    assert statuses(desk)["c"] == "planned"
    assert [one.event for one in desk.events() if one.slice_id == "c"] == ["claimed", "failed"]
    git(desk.repo, "branch", "-D", "slices/default/c")
    assert desk.claim("c").token > first.token


def test_a_heartbeat_moves_the_deadline_by_the_time_asked_for_last(desk: Desk) -> None:
    token = desk.claim("a", ttl=10 * MINUTE).token
    desk.clock.advance(5 * MINUTE)
    assert beat(desk, "a", token) == "2026-01-01T00:15:00Z"
    assert beat(desk, "a", token, ttl=60 * MINUTE) == "2026-01-01T01:05:00Z"
    assert beat(desk, "a", token) == "2026-01-01T01:05:00Z"


def test_a_lapsed_lease_is_taken_over_with_its_work_and_its_token_is_stale(desk: Desk) -> None:
    first = desk.claim("a")
    path = Path(first.worktree_path)
    (path / "src" / "made.py").write_text("committed")
    commit_all(path, "Work")
    (path / "src" / "open.py").write_text("uncommitted")
    desk.clock.advance(30 * MINUTE)
    assert statuses(desk)["a"] == "provisioned"
    second = desk.claim("a", "two")
    assert second.token > first.token
    assert second.worktree_path == first.worktree_path
    assert second.work == Work(ahead=1, uncommitted=("src/open.py",), previous_holder="one")
    assert (path / "src" / "open.py").read_text() == "uncommitted"
    for act in (beat, finish, give_back):
        with pytest.raises(StaleTokenError, match="two has the slice now, with token 2"):
            act(desk, "a", first.token)
    assert statuses(desk)["a"] == "claimed"
    names = [event.event for event in desk.events() if event.slice_id == "a"]
    assert names == ["provisioned", "claimed", "lapsed", "claimed"]


def test_a_late_heartbeat_revives_a_lease_that_nobody_has_touched(desk: Desk) -> None:
    token = desk.claim("a").token
    desk.clock.advance(31 * MINUTE)
    desk.claim("b", "two")
    beat(desk, "a", token)
    with pytest.raises(LeaseHeldError):
        desk.claim("a", "two")


def test_a_claim_ends_the_lapsed_leases_that_overlap_with_it(desk: Desk) -> None:
    desk.apply({"id": "x", "write_set": ["src/"]}, goal_id="other")
    token = desk.claim("a", goal_id="default").token
    desk.clock.advance(31 * MINUTE)
    desk.claim("x", goal_id="other")
    with pytest.raises(StaleTokenError, match=r"ended at 2026-01-01T00:31:00Z \(lapsed\)"):
        heartbeat(desk.workspace, HeartbeatRequest(
            slice_id=SliceId("a"), token=token, goal_id="default"))  # fmt: skip


def test_release_keeps_the_work_and_opens_the_slice(desk: Desk) -> None:
    first = desk.claim("a")
    (Path(first.worktree_path) / "open.py").write_text("work")
    give_back(desk, "a", first.token)
    assert statuses(desk)["a"] == "provisioned"
    assert (Path(first.worktree_path) / "open.py").exists()
    with pytest.raises(StaleTokenError, match="released"):
        give_back(desk, "a", first.token)
    with pytest.raises(RefusedError, match="nobody holds"):
        give_back(desk, "a", None)


def test_done_takes_no_uncommitted_work(desk: Desk) -> None:
    lease = desk.claim("a")
    (Path(lease.worktree_path) / "src/a").mkdir()
    (Path(lease.worktree_path) / "src/a/open.py").write_text("work")
    with pytest.raises(RefusedError, match=r"uncommitted work: src/a/"):
        finish(desk, "a", lease.token)
    assert statuses(desk)["a"] == "claimed"
    tip = commit_all(Path(lease.worktree_path), "Work")
    assert finish(desk, "a", lease.token).commit == tip
    assert statuses(desk)["a"] == "done"


def test_done_takes_no_change_outside_the_scope(desk: Desk) -> None:
    lease = desk.claim("a")
    top = Path(lease.worktree_path)
    (top / "Makefile").write_text("all:\n")
    commit_all(top, "Work")
    with pytest.raises(OutsideScopeError) as caught:
        finish(desk, "a", lease.token)
    (problem,) = caught.value.problems
    assert problem.message.startswith("1 change outside the write scope: Makefile (")
    assert "gitslices scope allow a PATH" in (problem.hint or "")
    assert statuses(desk)["a"] == "claimed"


def test_done_takes_no_conflict_markers_that_were_added(desk: Desk) -> None:
    lease = desk.claim("a")
    top = Path(lease.worktree_path)
    (top / "src/a").mkdir()
    heading = "Title\n=======\n>>>>>>> quoted\n"
    (top / "src/a" / "a.md").write_text(heading)
    commit_all(top, "A heading is no conflict")
    for name in ("a.md", "b.py", "c.txt"):
        with (top / "src/a" / name).open("a") as file:
            file.write("<<<<<<< HEAD\none\n=======\nother\n>>>>>>> main\n")
    commit_all(top, "Merge")
    with pytest.raises(RefusedError, match=r"markers: src/a/a\.md, src/a/b\.py, src/a/c\.txt"):
        finish(desk, "a", lease.token)
    (top / "src/a" / "a.md").write_text(heading)
    (top / "src/a" / "b.py").write_text("one\n")
    (top / "src/a" / ".gitattributes").write_text("c.txt conflict-marker-size=32\n")
    tip = commit_all(top, "Resolve")
    assert finish(desk, "a", lease.token).commit == tip


def test_conflict_markers_that_the_target_has_are_not_the_slices(desk: Desk) -> None:
    markers = "<<<<<<< a\n>>>>>>> b\n"
    (desk.repo / "src/a").mkdir()
    (desk.repo / "src/a/old.txt").write_text(markers)
    commit_all(desk.repo, "Markers")
    lease = desk.claim("a")
    top = Path(lease.worktree_path)
    git(top, "merge", "--quiet", "main")
    (top / "src/a" / "old.txt").write_text(f"more\n{markers}")
    tip = commit_all(top, "Work")
    assert finish(desk, "a", lease.token).commit == tip


def test_done_takes_no_other_branch(desk: Desk) -> None:
    lease = desk.claim("a")
    git(Path(lease.worktree_path), "switch", "--quiet", "--create", "mine")
    with pytest.raises(RefusedError, match="not on its branch"):
        finish(desk, "a", lease.token)


def test_a_done_slice_is_claimed_again_only_after_it_was_opened(desk: Desk) -> None:
    lease = desk.claim("a")
    commit_all(Path(lease.worktree_path), "Work")
    finish(desk, "a", lease.token)
    with pytest.raises(NothingLeftError, match="done already"):
        desk.claim("a")
    give_back(desk, "a", None)
    assert desk.claim("a").token > lease.token


def test_when_all_is_done_no_wait_is_worth_it(repo: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]})
    lease = desk.claim("a")
    commit_all(Path(lease.worktree_path), "Work")
    finish(desk, "a", lease.token)
    with pytest.raises(NothingLeftError, match="no slice of goal 'default' is left"):
        desk.claim(wait=float("inf"))
    desk.merge("a")
    with pytest.raises(NothingLeftError, match="merged already"):
        desk.claim("a", wait=float("inf"))


def test_ready_lists_the_most_urgent_first_and_reasons_for_the_rest(desk: Desk) -> None:
    desk.claim("b")
    report = ready(desk.workspace, None)
    assert [(one.slice_id, one.remaining) for one in report.ready] == [("a", 2)]
    assert {one.slice_id: (one.waits_for, one.reason) for one in report.waiting} == {
        "b": ((), "held by one until 2026-01-01T00:30:00Z"),
        "c": (("a",), "waits for a (provisioned)"),
        "d": ((), "blocked in the task graph"),
    }


def test_status_names_the_holder_until_the_lease_lapses(desk: Desk) -> None:
    desk.claim("a")
    (state,) = (one for one in status(desk.workspace, None).slices if one.slice_id == "a")
    assert (state.status, state.holder, state.expires_at) == (
        "claimed", "one", "2026-01-01T00:30:00Z",
    )  # fmt: skip
    desk.clock.advance(30 * MINUTE)
    (state,) = (one for one in status(desk.workspace, None).slices if one.slice_id == "a")
    assert (state.status, state.holder, state.expires_at) == ("provisioned", None, None)


def test_a_slice_that_was_merged_is_nobodys_whatever_its_lease_says(desk: Desk) -> None:
    desk.claim("a")
    with desk.workspace.open_store() as store:
        store.write_status("default", SliceId("a"), "merged")
    assert statuses(desk)["a"] == desk.record("a").status == "merged"
    assert desk.claim("c").slice_id == "c"


def test_a_claim_that_fails_leaves_a_conflicted_slice_as_it_was(desk: Desk) -> None:
    token = desk.claim("a").token
    for place, text in ((desk.worktree("a"), "ours"), (desk.repo, "theirs")):
        (place / "src" / "a").mkdir()
        (place / "src" / "a" / "new.txt").write_text(text)
        commit_all(place, "Work")
    finish(desk, "a", token)
    assert merge(desk.workspace, MergeRequest(slice_ids=None)).conflicted
    before = status(desk.workspace, None)
    assert before.slices[0].conflicts == ("src/a/new.txt",)
    impatient = desk.workspace.without_wait()
    with desk.workspace.hold_topology(), pytest.raises(BusyError):
        claim(impatient, ClaimRequest(slice_id=SliceId("a"), holder="two"))
    assert status(desk.workspace, None) == before
    assert merge(desk.workspace, MergeRequest(slice_ids=None)).conflicted
    assert desk.claim("a").token > token
    assert statuses(desk)["a"] == "claimed"


@pytest.mark.parametrize("where", ["main", "another slice", "a worktree of the user's"])
def test_a_branch_that_was_forced_into_a_second_worktree_is_given_to_nobody(
    desk: Desk, where: str, tmp_path: Path
) -> None:
    other = {"main": desk.repo, "another slice": desk.worktree("b")}.get(where, tmp_path / "own")
    if not other.exists():
        git(desk.repo, "worktree", "add", "--quiet", "--detach", str(other))
    git(other, "checkout", "--quiet", "--ignore-other-worktrees", desk.branch("a"))
    with pytest.raises(RefusedError) as refusal:
        desk.claim("a")
    assert [one.message for one in refusal.value.problems] == [
        f"its branch is checked out at {str(other)!r}"
    ]
    waiting = {one.slice_id: one.reason for one in ready(desk.workspace, None).waiting}
    assert waiting[SliceId("a")] == f"its branch is checked out at {str(other)!r}"
    git(other, "switch", "--quiet", "--detach")
    assert desk.claim("a").slice_id == "a"


@pytest.mark.parametrize("drop", [["reset", "--hard", "HEAD~1"], ["commit", "--amend", "-m", "A"]])
def test_whoever_claims_begun_work_on_a_dropped_base_is_told(repo: Path, drop: list[str]) -> None:
    desk = Desk(repo)
    (desk.repo / "README.md").write_text("to be dropped")
    commit_all(desk.repo, "To be dropped")
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    work(desk.workspace, "a", {"src/new.py": "new"})
    git(desk.repo, *drop[:1], "--quiet", *drop[1:])
    warnings = desk.claim("a").warnings
    assert warnings is not UNSET
    assert "which main does not have any more (put its own commits onto main: " in warnings[0]
    assert desk.claim("b").warnings is UNSET  # nobody has begun it: it follows
