"""Slices that start before what they wait for has landed, with git playing the forge that lands."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gitslices.core.errors import NothingReadyError, RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.claim import claim
from gitslices.ops.conflicts import conflicts
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.publish import PublishRequest, publish
from gitslices.ops.ready import ready
from gitslices.ops.removal import PruneRequest, prune
from gitslices.ops.status import SliceState, status
from gitslices.ops.sync import SyncReport, SyncRequest, sync
from gitslices.output.text.plan import format_plan
from gitslices.system.settings_tables import MergeStyle, SyncStyle
from gitslices.workspace import Workspace
from tests.support.remotes import add_remote
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import apply_tasks, check_at, read_record, slice_path, take, work
from tests.support.workspaces import open_at

CHAIN: Sequence[dict[str, Any]] = tuple(
    {"id": id_, "write_set": [f"{id_}/"], "dependencies": list(needed)}
    for needed, id_ in zip(("", *"abcd"), "abcde", strict=True)
)
DIAMOND = (
    {"id": "a", "write_set": ["a/"]},
    {"id": "b", "write_set": ["b/"], "dependencies": ["a"]},
    {"id": "c", "write_set": ["c/"], "dependencies": ["a"]},
    {"id": "d", "write_set": ["d/"], "dependencies": ["b", "c"]},
)
STYLES = pytest.mark.parametrize("style", ["merge", "squash", "rebase"])


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    (repo / ".gitslices").mkdir(exist_ok=True)
    (repo / ".gitslices" / "config.toml").write_text('[plan]\nstart = "done"\n')
    commit_all(repo, "Start early")
    return open_at(repo)


def start(workspace: Workspace, slice_id: str) -> None:
    """Claim a slice, make two commits in it, and say that it is done."""
    token = take(workspace, slice_id)
    for name in ("one", "two"):
        work(
            workspace,
            slice_id,
            {f"{slice_id}/{name}": f"{slice_id} {name}\n"},
            f"{slice_id} {name}",
        )
    done(workspace, DoneRequest(slice_id=SliceId(slice_id), token=token))


def start_all(workspace: Workspace, tasks: Sequence[dict[str, Any]]) -> list[str]:
    apply_tasks(workspace, *tasks)
    ids = [str(task["id"]) for task in tasks]
    for slice_id in ids:
        start(workspace, slice_id)
    return ids


def squash(repo: Path, slice_id: str) -> None:
    """As a forge does: what the branch has beyond where it met main, as one commit."""
    git(repo, "merge", "--quiet", "--squash", f"slices/default/{slice_id}")
    git(repo, "commit", "--quiet", "-m", f"{slice_id} (#1)")


def bring(workspace: Workspace, *ids: str, style: SyncStyle | None = None) -> SyncReport:
    wanted = tuple(map(SliceId, ids)) or None
    report = sync(workspace, SyncRequest(slice_ids=wanted, style=style))
    assert (report.refused, report.conflicted) == ((), ())
    return report


def land(workspace: Workspace, *ids: str, style: MergeStyle = "merge") -> MergeReport:
    return merge(workspace, MergeRequest(slice_ids=tuple(map(SliceId, ids)), style=style))


def state_of(workspace: Workspace, slice_id: str) -> SliceState:
    return next(one for one in status(workspace, None).slices if one.slice_id == slice_id)


def list_subjects(repo: Path, revisions: str) -> list[str]:
    return git(
        repo, "log", "--format=%s", "--no-merges", "--topo-order", "--reverse", revisions
    ).splitlines()


def list_own(repo: Path, slice_id: str, workspace: Workspace) -> list[str]:
    base = read_record(workspace, slice_id).base_commit
    return list_subjects(repo, f"{base}..slices/default/{slice_id}")


def list_files(repo: Path, ids: Sequence[str]) -> list[str]:
    listed = git(repo, "ls-tree", "-r", "--name-only", "main").splitlines()
    return [path for path in listed if path.partition("/")[0] in ids]


def expect_files(ids: Sequence[str]) -> list[str]:
    return [f"{id_}/{name}" for id_ in sorted(ids) for name in ("one", "two")]


def test_a_slice_starts_once_what_it_waits_for_is_done(repo: Path, workspace: Workspace) -> None:
    apply_tasks(workspace, *CHAIN)
    with pytest.raises(NothingReadyError):
        claim(workspace, ClaimRequest(slice_id=SliceId("b"), holder="w"))
    start(workspace, "a")
    assert [one.slice_id for one in ready(workspace, None).ready] == ["b"]
    start(workspace, "b")
    assert (slice_path(workspace, "b") / "a" / "two").read_text() == "a two\n"
    assert read_record(workspace, "b").base_commit == git(repo, "rev-parse", "slices/default/a")


def test_with_published_it_waits_for_the_pull_request_besides(repo: Path) -> None:
    add_remote(repo)
    write_settings(repo, "[plan]\nstart = 'published'\n[publish]\nforge = 'none'\n")
    commit_all(repo, "Start once it is up for review")
    workspace = open_at(repo)
    apply_tasks(workspace, *CHAIN[:2])
    work(workspace, "a", {"a/one": "1"})
    put_up = PublishRequest(slice_ids=(SliceId("a"),))
    publish(workspace, put_up)  # a draft
    assert state_of(workspace, "b").reason == "waits for a (provisioned)"
    done(workspace, DoneRequest(slice_id=SliceId("a"), token=take(workspace, "a")))
    assert [one.slice_id for one in ready(workspace, None).ready] == ["b"]
    with workspace.open_store() as store, store.transaction():
        store.execute("DELETE FROM publications", ())
    assert state_of(workspace, "b").reason == "waits for a (done, not published)"
    publish(workspace, put_up)
    start(workspace, "b")
    assert read_record(workspace, "b").base_commit == git(repo, "rev-parse", "slices/default/a")


@pytest.mark.parametrize(("tasks", "names"), [(CHAIN, "abcde"), (DIAMOND, "abcd")])
def test_each_is_squashed_by_a_forge_in_turn(
    repo: Path, workspace: Workspace, tasks: Sequence[dict[str, Any]], names: str
) -> None:
    ids, begin = start_all(workspace, tasks), git(repo, "rev-parse", "main")
    for landed, id_ in enumerate(ids):
        (repo / "others").write_text(id_)
        commit_all(repo, f"Others {id_}")
        bring(workspace)
        for left in ids[landed:]:
            assert list_own(repo, left, workspace) == [f"{left} one", f"{left} two"]
            assert check_at(repo, slice_id=SliceId(left)).ok
        squash(repo, id_)
        assert state_of(workspace, id_).status == "merged"
    assert list_files(repo, names) == expect_files(ids)
    expected = [text for id_ in ids for text in (f"Others {id_}", f"{id_} (#1)")]
    assert list_subjects(repo, f"{begin}..main") == expected
    assert {one.status for one in status(workspace, None).slices} == {"merged"}


@pytest.mark.parametrize("tasks", [CHAIN, DIAMOND])
def test_without_a_sync_each_squash_has_its_own_change_alone(
    repo: Path, workspace: Workspace, tasks: Sequence[dict[str, Any]]
) -> None:
    ids = start_all(workspace, tasks)
    for id_ in ids:
        squash(repo, id_)
        changed = git(repo, "show", "--format=", "--name-only", "HEAD").splitlines()
        assert changed == expect_files([id_])
    assert {one.status for one in status(workspace, None).slices} == {"merged"}


def amend(workspace: Workspace, slice_id: str) -> None:
    """Its second commit is made otherwise in the review."""
    top = slice_path(workspace, slice_id)
    (top / slice_id / "two").write_text("better\n")
    git(top, "commit", "--quiet", "--all", "--amend", "-m", f"{slice_id} two, better")


@pytest.mark.parametrize("tasks", [CHAIN, DIAMOND])
@pytest.mark.parametrize("change", ["amend", "go on"])
@pytest.mark.parametrize("sync_style", ["merge", "rebase"])
def test_the_second_changes_in_its_review(
    repo: Path,
    workspace: Workspace,
    tasks: Sequence[dict[str, Any]],
    change: str,
    sync_style: SyncStyle,
) -> None:
    ids = start_all(workspace, tasks)
    squash(repo, "a")
    bring(workspace)
    if change == "amend":
        amend(workspace, "b")
    else:
        work(workspace, "b", {"b/two": "better\n"}, "b two, better")
    follower = next(str(task["id"]) for task in tasks if "b" in task.get("dependencies", ()))
    assert state_of(workspace, follower).problem == "b went on: sync"
    bring(workspace, style=sync_style)
    assert state_of(workspace, follower).problem is None
    assert (slice_path(workspace, follower) / "b" / "two").read_text() == "better\n"
    for id_ in ids[2:]:
        assert list_own(repo, id_, workspace) == [f"{id_} one", f"{id_} two"]
        assert check_at(repo, slice_id=SliceId(id_)).ok
    for id_ in ids[1:]:
        squash(repo, id_)
        bring(workspace)
    assert git(repo, "show", "main:b/two") == "better"
    assert list_files(repo, ids) == expect_files(ids)
    assert {one.status for one in status(workspace, None).slices} == {"merged"}


@STYLES
def test_it_lands_after_them_and_never_before(
    repo: Path, workspace: Workspace, style: MergeStyle
) -> None:
    start_all(workspace, DIAMOND)
    (refused,) = land(workspace, "d", style=style).refused
    assert refused.message == "it waits for b, c"
    report = merge(workspace, MergeRequest(slice_ids=None, style=style))
    assert ([one.slice_id for one in report.merged], report.refused) == (["a", "b", "c", "d"], ())
    assert list_files(repo, "abcd") == expect_files("abcd")
    subjects = list_subjects(repo, "main")
    assert len(subjects) == len(set(subjects))


def test_what_landed_as_other_commits_does_not_come_again_with_a_merge(
    repo: Path, workspace: Workspace
) -> None:
    start_all(workspace, CHAIN[:2])
    squash(repo, "a")
    (refused,) = land(workspace, "b").refused
    assert refused.message == "it was started on slices that main has in other commits"
    bring(workspace, "b")
    assert [one.slice_id for one in land(workspace, "b").merged] == ["b"]
    assert list_subjects(repo, "main")[2:] == ["a (#1)", "b one", "b two"]


def test_only_its_own_range_is_judged(repo: Path, workspace: Workspace) -> None:
    start_all(workspace, DIAMOND)
    top = slice_path(workspace, "d")
    assert check_at(top).ok
    work(workspace, "c", {"c/three": "3"}, "More of c")
    git(top, "merge", "--quiet", "--no-edit", "slices/default/c")
    assert check_at(top).ok
    work(workspace, "d", {"b/one": "of another\n"}, "Too far")
    assert [one.path for one in check_at(top).slices[0].violations] == ["b/one"]


def test_an_untouched_one_moves_with_what_it_stands_on(repo: Path, workspace: Workspace) -> None:
    apply_tasks(workspace, *CHAIN)
    start(workspace, "a")
    token = take(workspace, "b")
    amend(workspace, "a")
    tip = git(repo, "rev-parse", "slices/default/a")
    sync(workspace, SyncRequest(slice_ids=(SliceId("b"),), token=token))
    assert (
        git(repo, "rev-parse", "slices/default/b") == tip == read_record(workspace, "b").base_commit
    )
    assert (slice_path(workspace, "b") / "a" / "two").read_text() == "better\n"


def test_one_that_has_made_nothing_is_empty(workspace: Workspace) -> None:
    apply_tasks(workspace, *CHAIN)
    start(workspace, "a")
    token = take(workspace, "b")
    assert done(workspace, DoneRequest(slice_id=SliceId("b"), token=token)).empty is True


def test_what_cannot_be_put_together_starts_nobody(repo: Path, workspace: Workspace) -> None:
    apply_tasks(workspace, *DIAMOND[:1], {"id": "z", "write_set": ["z/"]},
        {"id": "d", "write_set": ["d/"], "dependencies": ["a", "z"]})  # fmt: skip
    start(workspace, "a")
    start(workspace, "z")
    git(slice_path(workspace, "z"), "commit", "--quiet", "--allow-empty", "-m", "x")
    work(workspace, "z", {"a/one": "mine\n"}, "Not its own")
    with pytest.raises(RefusedError) as refused:
        claim(workspace, ClaimRequest(slice_id=SliceId("d"), holder="w"))
    assert "z" in refused.value.problems[0].message
    assert "a/one" in refused.value.problems[0].message


def test_conflicts_are_told_of_what_has_started_early(repo: Path, workspace: Workspace) -> None:
    start_all(workspace, DIAMOND)
    report = conflicts(workspace, None)
    assert (report.conflicts, report.refused) == ((), ())


def test_the_plan_says_what_early_starts_gain_and_risk(workspace: Workspace) -> None:
    apply_tasks(workspace, *DIAMOND)
    with workspace.open_store() as store:
        goal = store.read_goal("default")
    assert goal is not None
    early = goal.plan.early_starts
    assert early
    assert (early.start, early.slices, early.rounds) == ("done", ("b", "c", "d"), 3)
    assert [(one.slice_id, one.followers) for one in early.at_risk] == [
        ("a", 3),
        ("b", 1),
        ("c", 1),
    ]
    # Three of cost 1 in a row: each with a review of its own, or all reviews at once behind them.
    assert (early.review, early.makespan, early.makespan_waiting) == (1, 4, 6)
    told = format_plan(goal.plan).splitlines()
    assert ("  with reviews of 1 each, and workers enough, all is merged at 4 instead of 6") in told
    assert (
        "3 slices may start once what they wait for is done: "
        "3 rounds of review one after the other can be one"
    ) in told
    assert "  at risk: if a changes in its review, 3 slices move with it (gitslices sync)" in told


@STYLES
def test_a_plan_without_the_setting_starts_nobody_early(repo: Path, style: MergeStyle) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *CHAIN[:2])
    start(workspace, "a")
    assert ready(workspace, None).ready == ()
    land(workspace, "a", style=style)
    start(workspace, "b")
    assert read_record(workspace, "b").base_commit == git(repo, "rev-parse", "main")


def test_what_landed_and_is_gone_is_left_behind_all_the_same(
    repo: Path, workspace: Workspace
) -> None:
    start_all(workspace, DIAMOND)
    for id_ in "abc":
        squash(repo, id_)
    pruned = prune(workspace, PruneRequest()).removed
    assert [one.slice_id for one in pruned] == ["a", "b", "c"]
    bring(workspace, "d")
    assert list_own(repo, "d", workspace) == ["d one", "d two"]
    assert read_record(workspace, "d").base_commit == git(repo, "rev-parse", "main")
    assert check_at(repo, slice_id=SliceId("d")).ok
