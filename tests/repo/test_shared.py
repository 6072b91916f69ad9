"""Goals that several clones work on, by one ref of the remote that they have in common."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from gitslices.core.errors import (
    InputError,
    LeaseHeldError,
    NothingReadyError,
    RefusedError,
    StaleTokenError,
)
from gitslices.core.model import SliceId
from gitslices.ops.evidence import ReviewRequest, review
from gitslices.ops.fetch import FetchRequest, fetch
from gitslices.ops.goal import close_goal
from gitslices.ops.hold import HoldRequest, hold
from gitslices.ops.scope import AllowRequest, allow_scope
from gitslices.ops.share import ShareRequest, leave, share
from gitslices.ops.sync import SyncRequest, sync
from tests.support.commands import Cli
from tests.support.remotes import push_change
from tests.support.repositories import commit_all, git
from tests.support.shared import STATE, Clone, make_clones, read_state
from tests.support.slices import GOAL, apply_tasks, read_record, take
from tests.support.workspaces import open_at

DAY = int(timedelta(days=1).total_seconds())


def test_a_clone_that_joins_sees_the_same_slices_and_who_has_them(ann: Clone, bob: Clone) -> None:
    assert bob.statuses() == {"a": "planned", "b": "planned", "c": "planned"}
    token = bob.claim("a", "bee").token
    with pytest.raises(LeaseHeldError, match="bee"):
        ann.claim("a", "ant")
    assert ann.claim(None, "ant").slice_id == "b"
    assert bob.statuses() == ann.statuses() == {"a": "claimed", "b": "claimed", "c": "planned"}
    assert ann.worktree("b").is_dir()
    assert not bob.worktree("b").exists()
    bob.release("a", token)
    assert ann.claim("a", "ant").token > token + 1


def test_what_is_published_names_no_place_of_the_machine(
    hub: Path, ann: Clone, tmp_path: Path
) -> None:
    token = ann.claim("a", "ant").token
    ann.work("a")
    ann.done("a", token)
    told = "".join(read_state(hub).values()) + git(hub, "log", "--format=%B", STATE)
    assert "ant" in told
    assert str(tmp_path) not in told
    assert os.environ["HOME"] not in told


def test_another_clone_goes_on_with_what_was_pushed(ann: Clone, bob: Clone) -> None:
    token = bob.claim("a", "bee").token
    commit = bob.work("a", "by bob")
    bob.heartbeat("a", token)
    bob.release("a", token)
    claimed = ann.claim("a", "ant")
    assert "another clone has pushed" in str(claimed.warnings)
    assert git(ann.worktree("a"), "rev-parse", "HEAD") == commit
    assert claimed.work
    assert claimed.work.previous_holder == "bee"
    assert claimed.attempt == 2
    with pytest.raises(StaleTokenError):
        bob.done("a", token)


def test_work_that_stands_here_is_not_lost_to_what_others_pushed(ann: Clone, bob: Clone) -> None:
    token = ann.claim("a", "ant").token
    ann.work("a", "never pushed")
    tip = git(ann.worktree("a"), "rev-parse", "HEAD")
    bob.release("a")
    token = bob.claim("a", "bee").token
    bob.work("a", "by bob")
    bob.release("a", token)
    with pytest.raises(RefusedError, match="cannot follow"):
        ann.claim("a", "ant")
    assert git(ann.worktree("a"), "rev-parse", "HEAD") == tip
    assert ann.statuses()["a"] == "provisioned"


def test_target_and_state_move_together_wherever_it_is_merged(
    hub: Path, ann: Clone, bob: Clone
) -> None:
    token = bob.claim("a", "bee").token
    bob.work("a")
    bob.done("a", token)
    (merged,) = ann.merge().merged
    assert merged.slice_id == "a"
    assert git(hub, "rev-parse", "main") == merged.commit == git(ann.repo, "rev-parse", "main")
    assert '"status": "merged"' in "".join(read_state(hub).values())
    assert bob.statuses()["a"] == "merged"
    assert bob.claim("c", "bee").base_commit == merged.commit


def test_a_merge_of_one_whose_worktree_stands_here_untouched_takes_the_work_from_elsewhere(
    hub: Path, tmp_path: Path
) -> None:
    ann, bob = make_clones(hub, "ann", "bob")
    ann.share(provision=True)
    bob.join()
    token = bob.claim("a", "bee").token
    bob.work("a", "by bob")
    bob.done("a", token)
    assert ann.statuses()["a"] == "done"
    ann.merge("a")
    assert git(hub, "show", "main:a/file") == "by bob"


def test_a_protected_target_moves_nothing(hub: Path, ann: Clone) -> None:
    token = ann.claim("a").token
    ann.work("a")
    ann.done("a", token)
    hook = hub / "hooks" / "update"
    hook.write_text('#!/bin/sh\ntest "$1" != refs/heads/main || { echo protected; exit 1; }\n')
    hook.chmod(0o755)
    before = git(hub, "for-each-ref", STATE, "refs/heads/main")
    with pytest.raises(RefusedError, match="does not take the merge") as caught:
        ann.merge("a")
    assert "gitslices publish" in str(caught.value.hint)
    assert git(hub, "for-each-ref", STATE, "refs/heads/main") == before
    assert ann.statuses()["a"] == "done"


def test_a_server_that_cannot_move_both_at_once_is_refused_and_named(hub: Path, ann: Clone) -> None:
    git(hub, "config", "receive.advertiseAtomic", "false")
    token = ann.claim("a").token
    ann.work("a")
    ann.done("a", token)
    with pytest.raises(RefusedError, match="atomic"):
        ann.merge("a")
    assert ann.statuses()["a"] == "done"


def test_a_merge_is_made_again_on_what_others_pushed_to_the_target(
    repo: Path, hub: Path, ann: Clone
) -> None:
    token = ann.claim("a").token
    ann.work("a")
    ann.done("a", token)
    theirs = push_change(repo, "others.txt", "theirs")
    (merged,) = ann.merge("a").merged
    assert git(hub, "merge-base", theirs, merged.commit) == theirs


def test_scopes_reviews_and_ends_of_goals_are_seen_by_all(ann: Clone, bob: Clone) -> None:
    token = ann.claim("a", "ant").token
    ann.work("a")
    ann.heartbeat("a", token)
    allow_scope(
        ann.workspace, AllowRequest(slice_id=SliceId("a"), pattern="extra/", reason="needed")
    )
    ann.done("a", token)
    bob.statuses()
    review(
        bob.workspace,
        ReviewRequest(
            slice_id=SliceId("a"), kind="code_review", reviewer="bee", verdict="reject", note="no"
        ),
    )
    assert read_record(bob.workspace, "a").allowed_scope == ("extra/",)
    assert [one.slice_id for one in ann.merge("a").merged] == []
    told = [(one.event, one.detail.get("clone")) for one in ann.read_log()]
    assert ("reviewed", bob.join().clone) in told
    with pytest.raises(RefusedError):
        close_goal(bob.workspace, GOAL)


def test_a_clone_that_has_just_come_works_on_beside_what_was_worked_elsewhere(
    hub: Path, ann: Clone
) -> None:
    token = ann.claim("a", "ant").token
    ann.work("a")
    ann.done("a", token)
    (new,) = make_clones(hub, "new")
    new.join()
    assert new.claim(None, "bee").slice_id == "b"
    assert new.worktree("b").is_dir()


def test_a_slice_that_was_moved_here_keeps_its_base_when_others_look_at_it(
    ann: Clone, bob: Clone
) -> None:
    token = ann.claim("a", "ant").token
    ann.work("a")
    ann.done("a", token)
    tip = push_change(bob.repo, "docs/new.md", "new")
    fetch(ann.workspace, FetchRequest())
    assert sync(ann.workspace, SyncRequest(slice_ids=(SliceId("a"),), style="rebase")).synced
    assert read_record(ann.workspace, "a").base_commit == tip
    review(
        bob.workspace,
        ReviewRequest(slice_id=SliceId("a"), kind="code_review", reviewer="bee", verdict="approve"),
    )
    assert ann.statuses()["a"] == "done"
    assert read_record(ann.workspace, "a").base_commit == tip


def test_what_is_on_hold_is_kept_from_workers_everywhere(ann: Clone, bob: Clone) -> None:
    hold(ann.workspace, HoldRequest(slice_id=SliceId("a"), by="ann", reason="not settled"))
    assert bob.claim(None, "bee").slice_id == "b"
    with pytest.raises(NothingReadyError, match="not settled"):
        bob.claim("a", "bee")
    assert "on-hold" in [one.event for one in bob.read_log()]
    hold(bob.workspace, HoldRequest(slice_id=SliceId("a"), by="bob"))
    assert ann.claim("a", "ant").slice_id == "a"


def test_clocks_that_are_off_by_a_day_take_no_live_lease(ann: Clone, bob: Clone) -> None:
    bob.clock.advance(DAY)
    token = ann.claim("a", "ant", ttl=60).token
    with pytest.raises(LeaseHeldError):
        bob.claim("a", "bee")
    for one in (ann, bob):
        one.clock.advance(59)
    ann.heartbeat("a", token)
    bob.statuses()
    bob.clock.advance(59)
    with pytest.raises(LeaseHeldError):
        bob.claim("a", "bee")


def test_a_lease_has_lapsed_for_whoever_saw_it_unchanged_for_its_time(
    ann: Clone, bob: Clone
) -> None:
    token = ann.claim("a", "ant", ttl=60).token
    ann.work("a", "late")
    bob.statuses()
    bob.clock.advance(61)
    taken = bob.claim("a", "bee").token
    assert taken > token
    with pytest.raises(StaleTokenError):
        ann.done("a", token)
    with pytest.raises(StaleTokenError):
        ann.heartbeat("a", token)


def test_a_lease_long_past_any_clock_is_over_for_one_that_has_just_come(
    hub: Path, ann: Clone
) -> None:
    ann.claim("a", "ant", ttl=60)
    (cid,) = make_clones(hub, "cid")
    git(cid.repo, "config", "gitslices.maxSkew", "600")
    cid.clock.advance(700)
    cid.join()
    assert cid.claim("a", "cee").holder == "cee"


def test_a_goal_that_stays_local_goes_on_beside_a_shared_one(hub: Path, ann: Clone) -> None:
    bob, cid = make_clones(hub, "bob", "cid")
    apply_tasks(bob.workspace, {"id": "x", "write_set": ["x/"]}, goal_id="own", target="main")
    own = take(bob.workspace, "x")
    with pytest.raises(RefusedError, match="claimed here"):
        bob.join()
    bob.release("x", own)
    bob.join()
    cid.join()
    first = cid.claim("a", "cee").token
    assert bob.claim("b", "bee").token == first + 1
    hub.rename(hub.with_name("away"))
    assert open_at(bob.repo).find_goal("own") is not None


def test_a_clone_that_leaves_keeps_its_goals_to_itself(hub: Path, ann: Clone, bob: Clone) -> None:
    ann.claim("a", "ant")
    bob.statuses()
    with pytest.raises(RefusedError, match="claimed here"):
        leave(ann.workspace)
    assert leave(bob.workspace).goals == (GOAL,)
    before = git(hub, "rev-parse", STATE)
    assert bob.statuses()["a"] == "claimed"
    bob.claim("b", "bee")
    assert git(hub, "rev-parse", STATE) == before
    with pytest.raises(InputError):
        leave(bob.workspace)
    with pytest.raises(RefusedError, match="claimed here"):
        bob.join()
    for id_ in "ab":
        bob.release(id_)
    assert bob.join().goals == (GOAL,)
    assert ann.claim("b", "bear").slice_id == "b"
    assert bob.statuses()["b"] == "claimed"


def test_a_goal_that_lands_where_nobody_else_sees_it_is_not_shared(hub: Path, repo: Path) -> None:
    (ann,) = make_clones(hub, "ann")
    apply_tasks(ann.workspace, {"id": "a", "write_set": ["a/"]}, target="main")
    with pytest.raises(RefusedError, match="land where all of them see it"):
        share(ann.workspace, ShareRequest(goal_ids=(GOAL,)))


def test_claims_of_clones_at_once_are_given_once_each(hub: Path, tmp_path: Path) -> None:
    tasks = [{"id": f"t{number}", "write_set": [f"t{number}/"]} for number in range(8)]
    clones = make_clones(hub, *(f"clone{number}" for number in range(4)))
    clones[0].share(*tasks)
    for one in clones[1:]:
        one.join()
    children = [fork_claims(one, tmp_path / f"got{number}") for number, one in enumerate(clones)]
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    got = [line for path in tmp_path.glob("got*") for line in path.read_text().split()]
    assert sorted(got) == [f"t{number}" for number in range(8)]
    assert set(clones[3].statuses().values()) == {"claimed"}


def fork_claims(clone: Clone, ledger: Path) -> int:
    """A process that claims what it can get, and writes it down."""
    if child := os.fork():
        return child
    try:
        with ledger.open("w") as file:
            while True:
                file.write(f"{clone.claim(None, ledger.name).slice_id}\n")
                file.flush()
    except NothingReadyError:
        os._exit(0)
    finally:
        os._exit(1)


def test_the_command_line_shares_joins_and_leaves(hub: Path, cli: Cli, graph_file: Path) -> None:
    ann, bob = make_clones(hub, "ann", "bob")
    shown = cli("plan", str(graph_file), "--apply", "--share", "--dry-run", directory=ann.repo)
    assert "would be pushed to origin" in shown.out
    assert git(hub, "for-each-ref", "refs/gitslices/") == ""
    made = cli(
        "plan", str(graph_file), "--apply", "--share", "--ready", "--json", directory=ann.repo
    )
    assert made.document["target"] == "origin/main"
    assert made.document["shared"]["ref"] == STATE
    joined = cli("join", "--json", directory=bob.repo)
    assert joined.code == 0
    assert joined.document["ref"] == STATE
    status = cli("status", "--json", directory=bob.repo).document
    assert [one["slice_id"] for one in status["slices"]] == [
        one["slice_id"] for one in made.document["slices"]
    ]
    left = cli("leave", "--json", directory=bob.repo).document
    assert left["ok"]


def test_a_host_that_takes_branches_only_is_served_by_a_setting(hub: Path) -> None:
    hook = hub / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/*) ;; *) exit 1;; esac\n')
    hook.chmod(0o755)
    ann, bob = make_clones(hub, "ann", "bob")
    with pytest.raises(RefusedError, match="does not take the shared state") as caught:
        ann.share()
    assert "stateRef" in str(caught.value.hint)
    for one in (ann, bob):
        git(one.repo, "config", "gitslices.stateRef", "refs/heads/gitslices/state")
    ann, bob = Clone(ann.repo), Clone(bob.repo)
    ann.share()
    bob.join()
    assert bob.claim("a").token == 1


def test_a_clean_clone_judges_a_branch_by_what_is_shared(hub: Path, ann: Clone, cli: Cli) -> None:
    token = ann.claim("a").token
    ann.work("a")
    ann.heartbeat("a", token)
    (runner,) = make_clones(hub, "runner")
    git(runner.repo, "switch", "--quiet", "slices/default/a")
    line = ("check", "--ci", "--remote", "origin", "--base", "origin/main")
    assert cli(*line, directory=runner.repo).code == 0
    runner.repo.joinpath("stray").write_text("x")
    commit_all(runner.repo)
    assert cli(*line, directory=runner.repo).code == 1
    allow_scope(ann.workspace, AllowRequest(slice_id=SliceId("a"), pattern="stray", reason="so"))
    assert cli(*line, directory=runner.repo).code == 0


def test_a_runner_works_one_slice_and_ends(hub: Path, ann: Clone, cli: Cli) -> None:
    (runner,) = make_clones(hub, "runner")
    line = ("run", "--remote", "origin", "--once", "--", "sh", "-c")
    work = "mkdir -p {slice} && echo 1 >{slice}/x && git add . && git commit -qm x"
    assert cli(*line, work, directory=runner.repo).code == 0
    assert sorted(ann.statuses().values()) == ["merged", "planned", "provisioned"]
    for holder in ("ant", "elk"):
        assert cli("claim", "--holder", holder, directory=ann.repo).code == 0
    assert cli(*line, work, directory=runner.repo).code == 1
    # What another has finished is merged on the way, and is no slice of this runner's.
    ann.work("b")
    assert cli("done", directory=ann.worktree("b")).code == 0
    assert cli(*line, work, directory=runner.repo).code == 1
    assert ann.statuses()["b"] == "merged"
