"""Shared goals when the remote is away, answers are lost, clones die, the state is not ours."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from gitslices.core.errors import (
    RemoteError,
    StateError,
)
from gitslices.core.model import SliceId
from gitslices.ops.evidence import ReviewRequest, review
from gitslices.ops.note import NoteRequest, note
from tests.support.commands import Cli
from tests.support.repositories import git
from tests.support.shared import STATE, Clone, make_clones, write_state
from tests.support.workspaces import open_at

DAY = int(timedelta(days=1).total_seconds())


def test_offline_claims_are_refused_and_evidence_is_told_later(
    hub: Path, ann: Clone, bob: Clone
) -> None:
    token = ann.claim("a", "ant").token
    ann.work("a")
    away = hub.rename(hub.with_name("away"))
    for attempt in (lambda: ann.claim("b"), lambda: ann.heartbeat("a", token)):
        with pytest.raises(RemoteError):
            attempt()
    assert ann.statuses()["a"] == "claimed"
    review(
        ann.workspace,
        ReviewRequest(
            slice_id=SliceId("a"), kind="code_review", reviewer="ant", verdict="approve", note=""
        ),
    )
    away.rename(hub)
    ann.heartbeat("a", token)
    bob.statuses()
    assert "reviewed" in [one.event for one in bob.read_log()]


def test_a_note_is_told_once_to_each_whatever_goes_with_it(
    hub: Path, ann: Clone, bob: Clone
) -> None:
    token = ann.claim("a", "ant").token
    ann.work("a")
    ann.done("a", token)
    note(ann.workspace, NoteRequest(slice_id=SliceId("a"), message="alone"))
    away = hub.rename(hub.with_name("away"))
    note(ann.workspace, NoteRequest(slice_id=SliceId("a"), message="offline"))
    away.rename(hub)
    assert ann.merge("a").merged
    bob.statuses()
    for clone in (ann, bob):
        told = [one.detail["message"] for one in clone.read_log() if one.event == "note"]
        assert sorted(told) == ["alone", "offline"]


def test_a_lost_answer_to_a_push_that_went_through_is_recognised(hub: Path, ann: Clone) -> None:
    hook = hub / "hooks" / "post-receive"
    # The refs have moved by then, and nobody has been told.
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n")
    hook.chmod(0o755)
    claimed = ann.claim("a", "ant")
    hook.unlink()
    ann.work("a")
    ann.done("a", claimed.token)
    assert git(hub, "rev-list", "--count", STATE) == "3"


@pytest.mark.parametrize("point", ["share:push", "share:pushed"])
def test_a_kill_around_the_push_leaves_what_the_next_command_makes_up_for(
    ann: Clone, bob: Clone, cli: Cli, point: str
) -> None:
    killed = cli(
        "claim", "a", "--holder", "ant", directory=ann.repo, env={"GITSLICES_FAULT": point}
    )
    assert killed.code == -9
    found = ann.statuses()["a"]
    assert (found == "claimed") == (point == "share:pushed")
    assert (bob.statuses()["a"] == "claimed") == (found == "claimed")
    again = cli("claim", "a", "--holder", "ant", "--json", directory=ann.repo)
    assert again.document["ok"]


def test_a_kill_around_a_shared_merge_loses_and_doubles_nothing(
    hub: Path, ann: Clone, cli: Cli
) -> None:
    token = ann.claim("a").token
    ann.work("a")
    ann.done("a", token)
    fault = {"GITSLICES_FAULT": "share:pushed-branch"}
    assert cli("merge", "a", directory=ann.repo, env=fault).code == -9
    assert ann.statuses()["a"] == "merged"
    count = git(hub, "rev-list", "--count", "main")
    assert cli("merge", "--all", directory=ann.repo).code == 0
    assert git(hub, "rev-list", "--count", "main") == count


def test_a_state_that_was_deleted_is_noticed_and_put_back(
    hub: Path, ann: Clone, bob: Clone
) -> None:
    ann.claim("a", "ant")
    git(hub, "update-ref", "-d", STATE)
    with pytest.raises(StateError, match="is gone") as caught:
        ann.claim("b")
    assert "--restore" in str(caught.value.hint)
    ann.join(restore=True)
    assert bob.statuses()["a"] == "claimed"


def test_a_state_that_was_set_back_or_rewritten_is_put_back_on_top(
    hub: Path, ann: Clone, bob: Clone
) -> None:
    first = git(hub, "rev-parse", STATE)
    ann.claim("a", "ant")
    git(hub, "update-ref", STATE, first)
    with pytest.raises(StateError, match="rewritten"):
        ann.claim("b")
    tree = git(hub, "rev-parse", f"{STATE}^{{tree}}")
    other = git(hub, "-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", tree, "-m", "new")
    git(hub, "update-ref", STATE, other)
    with pytest.raises(StateError, match="rewritten"):
        ann.claim("b")
    ann.join(restore=True)
    assert ann.claim("b").token == 2
    bob.join(restore=True)
    assert bob.statuses()["a"] == "claimed"


HOSTILE = {
    "no-json": lambda top: next(top.glob("goals/*")).write_text("{"),
    "other-place": lambda top: next(top.glob("goals/*")).rename(top / "goals" / "other.json"),
    "unknown": lambda top: (top / "run.sh").write_text("true"),
    "link": lambda top: (top / "goals" / "link.json").symlink_to("/etc/passwd"),
    "format": lambda top: (top / "state.json").write_text('{"version": 2}'),
    "branch": lambda top: edit_goal(top, "branch_name", "main"),
    "option": lambda top: edit_goal(top, "branch_name", "--upload-pack=x/default/a"),
    "path": lambda top: edit_goal(top, "worktree_path", "/tmp/x"),
    "outside": lambda top: edit_goal(top, "worktree_name", "../../x"),
    "cycle": lambda top: edit_goal(top, "dependencies", ["a"]),
    "scope": lambda top: edit_goal(top, "write_scope", ["../x"]),
}


def edit_goal(top: Path, name: str, value: object) -> None:
    (path,) = top.glob("goals/*.json")
    goal = json.loads(path.read_text())
    goal["plan"]["slices"][0][name] = value
    path.write_text(json.dumps(goal))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_state_that_nobody_of_us_has_written_changes_nothing(
    hub: Path, repo: Path, ann: Clone, bob: Clone, name: str
) -> None:
    write_state(repo, HOSTILE[name])
    with pytest.raises(StateError, match="shared state"):
        bob.claim("a")
    (cid,) = make_clones(hub, "cid")
    with pytest.raises(StateError, match="shared state"):
        cid.join()
    with open_at(bob.repo).open_store() as store:
        assert store.read_slices() == ()
