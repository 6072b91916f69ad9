"""Goals: which of them a command means, and when one of them has ended."""

import itertools
from pathlib import Path

import pytest

from gitslices.core.errors import (
    InputError,
    NothingLeftError,
    NothingReadyError,
    RefusedError,
    UnknownSliceError,
)
from gitslices.core.model import SliceId
from gitslices.ops.check import CheckRequest
from gitslices.ops.check import check as check_slices
from gitslices.ops.claim import claim
from gitslices.ops.crew import RunRequest
from gitslices.ops.goal import GoalEntry, close_goal, list_goals, rename, reopen_goal
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.leases import ReleaseRequest, release
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.ready import ready
from gitslices.ops.removal import (
    PruneRequest,
    RemoveRequest,
    UndoRequest,
    prune,
    remove,
    undo,
)
from gitslices.ops.reopen import ReopenRequest, reopen
from gitslices.ops.run import run
from gitslices.ops.status import status
from gitslices.output.text.leases import format_ready
from gitslices.output.text.status import View, format_status
from gitslices.recovery.recovery import recover
from gitslices.slices.goals import choose_goal, choose_goals
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.kills import run_killed
from tests.support.repositories import git
from tests.support.slices import apply_tasks, set_status, take, work
from tests.support.workspaces import HandClock, open_at


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Three goals: `default` with slice a, `two` with a and b, `three` with c."""
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["one"]})
    tasks = ({"id": "a", "write_set": ["two"]}, {"id": "b", "write_set": ["b"]})
    apply_tasks(workspace, *tasks, goal_id="two")
    apply_tasks(workspace, {"id": "c", "write_set": ["c"]}, goal_id="three")
    return workspace


def choose(workspace: Workspace, *slice_ids: str | None, goal_id: str | None = None) -> str:
    with workspace.open_store() as store:
        return choose_goal(workspace, store, goal_id, *slice_ids).goal_id


def choose_all(workspace: Workspace, goal_id: str | None = None) -> list[str]:
    with workspace.open_store() as store:
        return [goal.goal_id for goal in choose_goals(workspace, store, goal_id)]


def land(workspace: Workspace, slice_id: str) -> None:
    set_status(workspace, slice_id, "merged")


def test_a_slice_that_one_goal_has_means_that_goal(workspace: Workspace) -> None:
    assert choose(workspace, "b") == "two"
    assert choose(workspace, "a", "b") == "two"
    assert choose(workspace, None, "c") == "three"
    with pytest.raises(InputError, match="2 goals have a slice 'a': default, two"):
        choose(workspace, "a")
    with pytest.raises(UnknownSliceError, match="no goal has a slice 'x'"):
        choose(workspace, "x")
    with pytest.raises(InputError, match="no goal has all of these slices: a, c"):
        choose(workspace, "a", "c")


def test_a_finished_goal_leaves_no_choice(workspace: Workspace) -> None:
    assert choose_all(workspace) == ["default", "two", "three"]
    land(workspace, "a")
    assert choose(workspace, "a") == "two"
    assert choose_all(workspace) == ["two", "three"]
    assert choose_all(workspace, "default") == ["default"]


def test_work_that_git_alone_has_landed_ends_a_goal(workspace: Workspace, repo: Path) -> None:
    top = workspace.worktree_root / "three--c"
    git(top, "commit", "--quiet", "--allow-empty", "-m", "Nothing")
    assert choose_all(workspace) == ["default", "two", "three"]
    (top / "c").write_text("c")
    git(top, "add", "c")
    git(top, "commit", "--quiet", "-m", "Work")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "By hand", "slices/three/c")
    assert choose_all(workspace) == ["default", "two"]


def test_variable_and_setting_choose_for_good(workspace: Workspace, repo: Path) -> None:
    git(repo, "config", "gitslices.goal", "three")
    assert choose(open_at(repo)) == "three"
    assert choose_all(open_at(repo)) == ["three"]
    chosen = open_at(repo, environ={"GITSLICES_GOAL": "two"})
    assert (choose(chosen), choose_all(chosen)) == ("two", ["two"])
    assert choose(chosen, goal_id="default") == "default"
    inside = open_at(repo.parent / "webshop.slices" / "default--a")
    assert choose(inside, "a") == "default", "the worktree at hand is nearer"
    wrong = open_at(repo, environ={"GITSLICES_GOAL": "tow"})
    for ask in (choose, choose_all):
        with pytest.raises(InputError, match="no goal 'tow', which GITSLICES_GOAL names"):
            ask(wrong)


def close(workspace: Workspace, goal_id: str) -> GoalEntry:
    return close_goal(workspace, goal_id).goal


def list_states(workspace: Workspace) -> dict[str, str]:
    return {one.goal_id: one.state for one in list_goals(workspace).goals}


def test_a_closed_goal_asks_for_nothing_and_can_be_opened_again(workspace: Workspace) -> None:
    assert close(workspace, "three").slices == {"provisioned": 1}
    assert list_states(workspace) == {
        "default": "under-way", "two": "under-way", "three": "closed",
    }  # fmt: skip
    assert choose_all(workspace) == ["default", "two"]
    with pytest.raises(RefusedError, match="goal 'three' is closed"):
        take(workspace, "c")
    with pytest.raises(RefusedError, match="goal 'three' is closed"):
        apply_tasks(workspace, {"id": "c", "write_set": ["c"]}, goal_id="three")
    assert [one.slice_id for one in prune(workspace, PruneRequest()).removed] == ["c"]
    assert reopen_goal(workspace, "three").goal.state == "finished"
    assert reopen(workspace, ReopenRequest(slice_id=SliceId("c"))).status == "planned"
    assert take(workspace, "c")
    with pytest.raises(RefusedError, match="goal 'three' is under way, not closed"):
        reopen_goal(workspace, "three")


def test_a_goal_with_holders_or_work_is_not_closed(workspace: Workspace) -> None:
    (workspace.worktree_root / "two--a" / "two").write_text("work")
    take(workspace, "b", "ann")
    with pytest.raises(RefusedError) as caught:
        close(workspace, "two")
    assert [(one.place, one.message) for one in caught.value.problems] == [
        ("b", "ann has it until 2026-01-01T00:30:00Z"),
        ("a", "it has work that is not in main"),
    ]
    assert list_states(workspace)["two"] == "under-way"


def test_a_goal_is_renamed_with_all_that_is_known_of_it(workspace: Workspace, repo: Path) -> None:
    request = RemoveRequest(slice_id=SliceId("b"), goal_id="two")
    remove(workspace, request)
    with pytest.raises(InputError, match="a goal 'three' already"):
        rename(workspace, "two", "three")
    with pytest.raises(InputError, match="can be called '-'"):
        rename(workspace, "two", "-")
    rename(workspace, "two", "second")
    assert list(list_states(workspace)) == ["default", "second", "three"]
    inside = open_at(workspace.worktree_root / "two--a")
    assert choose(inside, "a") == "second"
    check = CheckRequest(slice_id=None, goal_id=None)
    assert [one.goal_id for one in check_slices(inside, check).slices] == ["second"]
    undo(workspace, UndoRequest())
    back = open_at(workspace.worktree_root / "two--b")
    assert [one.goal_id for one in check_slices(back, check).slices] == ["second"]
    with workspace.open_store() as store:
        assert {one.goal_id for one in store.read_events("second")} == {"second"}
        assert store.read_events("two") == ()


def test_a_rename_that_was_killed_is_completed(workspace: Workspace) -> None:
    for step in itertools.count(1):
        if not run_killed(lambda: rename(open_at(workspace.repo.common_dir), "two", "new"), step):
            break
        again = open_at(workspace.repo.common_dir)
        with again.open_store() as store:
            recover(again)
            known = set(store.read_goal_ids())
        name = "new" if "new" in known else "two"
        assert known == {"default", "three", name}
        assert choose(open_at(workspace.worktree_root / "two--a"), "a") == name
        if name == "new":
            rename(again, "new", "two")
    assert step > 3


def test_a_merged_slice_stays_merged_without_its_worktree(workspace: Workspace) -> None:
    work(workspace, "c", {"c": "c"}, goal_id="three")
    merge(workspace, MergeRequest(slice_ids=(SliceId("c"),)))
    prune(workspace, PruneRequest())
    assert list_goals(workspace).goals[2].slices == {"merged": 1}
    assert list_states(workspace)["three"] == "finished"


def test_what_was_removed_unmerged_is_dropped_until_it_is_opened_again(
    workspace: Workspace,
) -> None:
    tasks = ({"id": "a", "write_set": ["two"]}, {"id": "b", "write_set": ["b"]})
    remove(workspace, RemoveRequest(slice_id=SliceId("b")))
    report = apply_tasks(workspace, *tasks, goal_id="two")
    assert (report.dropped, report.kept, report.created) == (("b",), ("a",), ())
    with pytest.raises(NothingLeftError, match="slice 'b': it was dropped"):
        take(workspace, "b")
    assert reopen(workspace, ReopenRequest(slice_id=SliceId("b"))).former_status == "dropped"
    assert apply_tasks(workspace, *tasks, goal_id="two").created == ("b",)


def test_a_reverted_merge_is_opened_again_on_the_target(workspace: Workspace, repo: Path) -> None:
    commit = work(workspace, "c", {"c": "c"}, goal_id="three")
    merge(workspace, MergeRequest(slice_ids=(SliceId("c"),)))
    git(repo, "revert", "--no-edit", "-m", "1", "HEAD")
    tip = git(repo, "rev-parse", "main")
    report = reopen(workspace, ReopenRequest(slice_id=SliceId("c")))
    assert report.status == "provisioned"
    assert report.former is not None
    assert report.former.tip == commit
    top = workspace.worktree_root / "three--c"
    assert git(top, "rev-parse", "HEAD") == tip
    take(workspace, "c")
    git(top, "cherry-pick", f"{report.former.base}..{report.former.tip}")
    release(workspace, ReleaseRequest(slice_id=SliceId("c"), token=None))
    merge(workspace, MergeRequest(slice_ids=(SliceId("c"),)))
    assert (repo / "c").read_text() == "c"
    assert list_states(workspace)["three"] == "finished"


def test_work_after_a_merge_keeps_a_slice_from_being_opened_again(workspace: Workspace) -> None:
    work(workspace, "c", {"c": "c"}, goal_id="three")
    merge(workspace, MergeRequest(slice_ids=(SliceId("c"),)))
    top = workspace.worktree_root / "three--c"
    (top / "c").write_text("more")
    request = ReopenRequest(slice_id=SliceId("c"))
    with pytest.raises(RefusedError, match="has work in the way"):
        reopen(workspace, request)
    git(top, "commit", "--quiet", "-am", "More")
    with pytest.raises(RefusedError, match="commits that were made after its merge"):
        reopen(workspace, request)
    assert (top / "c").read_text() == "more"


def test_without_a_goal_the_most_urgent_slice_of_all_is_given(repo: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["a"], "estimate": 2}, goal_id="one")
    tasks = (
        {"id": "b", "write_set": ["b"]},
        {"id": "c", "write_set": ["c"], "dependencies": ["b"], "estimate": 5},
    )
    apply_tasks(workspace, *tasks, goal_id="two")
    report = ready(workspace, None)
    assert report.goal_id is None
    assert [(one.goal_id, one.state) for one in report.goals] == [
        ("one", "under-way"), ("two", "under-way"),
    ]  # fmt: skip
    assert [(one.goal_id, one.slice_id) for one in report.ready] == [("two", "b"), ("one", "a")]
    assert format_ready(report).splitlines() == [
        "two/b  ready  b", "one/a  ready  a", "two/c  waits for b (provisioned)",
    ]  # fmt: skip
    taken = [claim(workspace, ClaimRequest(holder="ann")) for _ in range(2)]
    assert [(one.goal_id, one.slice_id) for one in taken] == [("two", "b"), ("one", "a")]
    with pytest.raises(NothingReadyError, match="no slice of goals 'one', 'two' is ready") as none:
        claim(workspace, ClaimRequest(holder="ann", wait=0.01))
    assert [one.place for one in none.value.problems] == ["one/a", "two/b", "two/c"]
    assert none.value.hint is None, "whoever has waited is not told to wait"


def test_what_is_finished_is_told_from_what_is_not_ready_yet(workspace: Workspace) -> None:
    land(workspace, "a")
    report = ready(workspace, "default")
    assert [one.state for one in report.goals] == ["finished"]
    assert format_ready(report) == "nothing is left: goal default is finished\n"
    with pytest.raises(NothingLeftError, match="goal 'default' is finished") as left:
        claim(workspace, ClaimRequest(holder="ann", goal_id="default"))
    assert left.value.code == "nothing-left"


def test_status_shows_all_goals_under_way_and_names_the_others(workspace: Workspace) -> None:
    land(workspace, "a")
    close(workspace, "three")
    report = status(workspace, None)
    assert (report.goal_id, report.not_shown) == ("two", ("default", "three"))
    assert [(one.goal_id, one.slice_id) for one in report.slices] == [("two", "a"), ("two", "b")]
    text = format_status(report, View(now=workspace.now()))
    assert text.startswith("two · target main\n")
    assert text.endswith("finished or closed: default, three (see: gitslices status --finished)\n")
    every = status(workspace, None, finished=True)
    assert [one.state for one in every.goals] == ["finished", "under-way", "closed"]
    lines = format_status(every, View(now=workspace.now())).splitlines()
    heads = [line for line in lines if " · " in line]
    assert heads == [
        "default · target main · finished", "two · target main", "three · target main · closed",
    ]  # fmt: skip


def lose_target(repo: Path, workspace: Workspace, goal_id: str) -> None:
    """Let the goal's target be a branch that is not there."""
    git(repo, "branch", "short-lived")
    tasks = ({"id": "x", "write_set": [goal_id]},)
    apply_tasks(workspace, *tasks, goal_id=goal_id, target="short-lived", base="short-lived")
    git(repo, "branch", "-D", "short-lived")


@pytest.mark.parametrize("words", ["merge --all", "sync --all", "conflicts"])
def test_what_is_wrong_with_one_goal_keeps_the_command_from_no_other(
    workspace: Workspace, repo: Path, call: Cli, words: str
) -> None:
    lose_target(repo, workspace, "four")
    work(workspace, "c", {"c": "done\n"}, goal_id="three")
    set_status(workspace, "c", "done", "three")
    told = call(*words.split(), "--json")
    document = told.document
    assert (told.code, document["ok"]) == (2, False)
    assert document["goals"] == ["default", "two", "three"]
    (error,) = document["errors"]
    assert (error["goal_id"], error["code"]) == ("four", "usage")
    assert "'short-lived'" in error["message"]
    if words == "merge --all":
        assert [one["slice_id"] for one in document["merged"]] == ["c"]
    text = call(*words.split())
    assert text.code == 2
    assert "four\nerror: the goal is merged into 'short-lived', and this branch is gone" in text.out
    alone = call(*words.split(), "--goal", "four")
    assert (alone.code, alone.out) == (2, "")


def test_where_no_goal_can_be_served_all_are_named(
    workspace: Workspace, repo: Path, call: Cli
) -> None:
    for goal_id in ("default", "two", "three"):
        close_goal(workspace, goal_id)
    for goal_id in ("four", "five"):
        lose_target(repo, workspace, goal_id)
    told = call("merge", "--all")
    assert (told.code, told.out) == (2, "")
    assert "error: goal 'four': the goal is merged into 'short-lived'" in told.err
    assert "\n  five: the goal is merged into 'short-lived'" in told.err


def test_status_tells_what_ready_says(workspace: Workspace) -> None:
    tasks = ({"id": "d", "write_set": ["b"]}, {"id": "e", "write_set": ["e"], "status": "blocked"})
    apply_tasks(workspace, *tasks, goal_id="four")
    take(workspace, "b", "ann")
    said = {str(one.slice_id): one.reason for one in ready(workspace, "four").waiting}
    states = {one.slice_id: one for one in status(workspace, "four").slices}
    assert {id_: one.reason for id_, one in states.items()} == said
    assert said["d"].startswith("shares b with b of goal two, held by ann until")
    assert said["e"] == "blocked in the task graph"


def test_a_lapsed_lease_and_a_failed_attempt_are_told_from_a_slice_nobody_has_begun(
    repo: Path,
) -> None:
    clock = HandClock()
    workspace = open_at(repo, clock=clock)
    apply_tasks(workspace, *({"id": id_, "write_set": [id_]} for id_ in "abc"))
    run(workspace, RunRequest(command=("false",), holder="bob"), lambda step: None)
    take(workspace, "a", "ann")
    clock.advance(31 * 60)
    a, b, _ = status(workspace, None).slices
    assert (a.status, a.lapsed, a.failed) == ("provisioned", "ann", None)
    assert b.failed is not None
    assert (b.failed.attempt, b.failed.holder, b.failed.reason) == (1, "bob", "exit")
