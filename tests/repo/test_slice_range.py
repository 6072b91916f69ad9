"""The range of a slice is what it has beyond its base: what the target has dropped stays away."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.claim import claim
from gitslices.ops.conflicts import conflicts
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.places import enter
from gitslices.ops.status import SliceState, status
from gitslices.ops.sync import SyncReport, SyncRequest, sync
from gitslices.slices.claims import Work
from gitslices.system.settings_tables import MergeStyle, SyncStyle
from gitslices.workspace import Workspace
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, check_at, read_record, slice_path, work
from tests.support.workspaces import open_at

STYLES = pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
SYNC_STYLES = pytest.mark.parametrize("style", ["merge", "rebase"])
TASKS = tuple({"id": id_, "write_set": [f"{id_}/"]} for id_ in "abc")


def land(workspace: Workspace, *ids: str, style: MergeStyle = "merge") -> MergeReport:
    return merge(workspace, MergeRequest(slice_ids=tuple(map(SliceId, ids)), style=style))


def bring(workspace: Workspace, *ids: str, style: SyncStyle | None = None) -> SyncReport:
    wanted = tuple(map(SliceId, ids)) or None
    return sync(workspace, SyncRequest(slice_ids=wanted, style=style))


def enter_all(workspace: Workspace) -> None:
    """Let those follow that nobody has begun."""
    for id_ in "bc":
        enter(workspace, SliceId(id_), None)


def state_of(workspace: Workspace, slice_id: str) -> SliceState:
    return next(one for one in status(workspace, None).slices if one.slice_id == slice_id)


def claim_work(workspace: Workspace, slice_id: str) -> Work | None:
    report = claim(workspace, ClaimRequest(slice_id=SliceId(slice_id), holder="worker"))
    return report.work or None


def list_changes(repo: Path, since: str, until: str) -> list[str]:
    return git(repo, "diff", "--name-only", since, until).splitlines()


def take_back(repo: Path) -> None:
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")


def amend(repo: Path) -> None:
    git(repo, "rm", "--quiet", "-r", "a")
    git(repo, "commit", "--quiet", "--amend", "--allow-empty", "-m", "Without it")


def pull_without(repo: Path) -> None:
    """As `git pull --rebase` does where upstream has gone on and somebody left a commit out."""
    git(repo, "switch", "--quiet", "--create", "upstream", "HEAD~1")
    (repo / "upstream").write_text("u")
    commit_all(repo, "Upstream")
    git(repo, "switch", "--quiet", "main")
    git(repo, "reset", "--quiet", "--hard", "upstream")


def drop_older(repo: Path) -> None:
    (repo / "later").write_text("l")
    commit_all(repo, "Later")
    git(repo, "rebase", "--quiet", "--onto", "HEAD~2", "HEAD~1")


def filter_older(repo: Path) -> None:
    for name in ("one", "two"):
        (repo / name).write_text(name)
        commit_all(repo, name)
    git(repo, "filter-branch", "-f", "--index-filter",
        "git rm -r --cached --ignore-unmatch -q a", "HEAD~4..HEAD",
        FILTER_BRANCH_SQUELCH_WARNING="1")  # fmt: skip


DROPS = pytest.mark.parametrize("drop", [take_back, amend, pull_without, drop_older, filter_older])


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slice a has landed; b and c follow it, and b is begun there."""
    workspace = open_at(repo)
    commit_all(repo, "Before")
    apply_tasks(workspace, *TASKS)
    work(workspace, "a", {"a/bad": "bad"}, "Bad")
    land(workspace, "a", style="squash")
    enter_all(workspace)
    work(workspace, "b", {"b/one": "1"}, "One")
    work(workspace, "b", {"b/two": "2"}, "Two")
    return workspace


@STYLES
@DROPS
def test_what_the_target_has_dropped_does_not_come_back_with_a_slice(
    repo: Path, workspace: Workspace, style: MergeStyle, drop: Callable[[Path], None]
) -> None:
    drop(repo)
    before = git(repo, "rev-parse", "main")
    base = read_record(workspace, "b").base_commit
    (refused,) = land(workspace, "b", style=style).refused
    assert refused.message == f"it stands on {base[:10]}, which main does not have any more"
    assert refused.hint == "put its own commits onto main: gitslices sync b --goal default"
    assert git(repo, "rev-parse", "main") == before
    assert [one.slice_id for one in bring(workspace, "b").synced] == ["b"]
    assert git(repo, "log", "--format=%s", "main..slices/default/b") == "Two\nOne"
    assert read_record(workspace, "b").base_commit == before
    assert check_at(repo, slice_id=SliceId("b")).ok
    assert [one.slice_id for one in land(workspace, "b", style=style).merged] == ["b"]
    assert list_changes(repo, before, "main") == ["b/one", "b/two"]
    assert git(slice_path(workspace, "b"), "status", "--porcelain") == ""


@DROPS
def test_its_own_commits_alone_count(
    repo: Path, workspace: Workspace, drop: Callable[[Path], None]
) -> None:
    drop(repo)
    assert (state_of(workspace, "b").ahead, state_of(workspace, "c").ahead) == (2, 0)
    (refused,) = conflicts(workspace, None).refused
    assert refused.place == "b"


@SYNC_STYLES
def test_several_slices_follow_at_once_each_by_its_own_commits(
    repo: Path, workspace: Workspace, style: SyncStyle
) -> None:
    top = slice_path(workspace, "c")
    (top / "c").mkdir()
    (top / "c" / "draft").write_text("not committed")
    take_back(repo)
    assert [one.slice_id for one in bring(workspace, style=style).synced] == ["a", "b", "c"][1:]
    assert git(top, "rev-parse", "HEAD") == git(repo, "rev-parse", "main")
    assert git(top, "status", "--porcelain") == "?? c/"
    assert not (top / "a").exists()
    assert not (slice_path(workspace, "b") / "a").exists()


def test_files_that_are_edited_where_the_target_has_dropped_them_keep_a_slice_back(
    repo: Path, workspace: Workspace
) -> None:
    (slice_path(workspace, "b") / "a" / "bad").write_text("edited")
    take_back(repo)
    (refused,) = bring(workspace, "b").refused
    assert "a/bad" in refused.message
    assert (slice_path(workspace, "b") / "a" / "bad").read_text() == "edited"


def test_commits_that_need_what_was_dropped_are_left_to_their_author(
    repo: Path, workspace: Workspace
) -> None:
    work(workspace, "b", {"a/bad": "bad, and more"}, "More")
    tip, base = git(repo, "rev-parse", "slices/default/b"), read_record(workspace, "b").base_commit
    take_back(repo)
    (refused,) = bring(workspace, "b").refused
    assert refused.message == "its own commits conflict with main in a/bad"
    assert refused.hint == f"resolve it in its worktree: git rebase --onto main {base[:10]}"
    assert git(repo, "rev-parse", "slices/default/b") == tip
    top = slice_path(workspace, "b")
    git(top, "reset", "--quiet", "--hard", "HEAD~1")
    git(top, "rebase", "--quiet", "--onto", "main", base)
    assert [one.slice_id for one in land(workspace, "b").merged] == ["b"]


def test_a_merge_of_the_target_into_the_slice_does_not_hide_what_was_dropped(
    repo: Path, workspace: Workspace
) -> None:
    take_back(repo)
    (repo / "later").write_text("l")
    commit_all(repo, "Later")
    git(slice_path(workspace, "b"), "merge", "--quiet", "--no-edit", "main")
    assert [one.place for one in land(workspace, "b").refused] == ["b"]
    assert [one.slice_id for one in bring(workspace, "b").synced] == ["b"]
    assert list_changes(repo, "main", "slices/default/b") == ["b/one", "b/two"]


def test_a_base_that_was_amended_in_the_slice_brings_nothing_from_beneath_it(
    repo: Path, workspace: Workspace
) -> None:
    (repo / "b").mkdir(exist_ok=True)
    (repo / "b" / "zero").write_text("0")
    commit_all(repo, "Zero")
    land(workspace)
    bring(workspace, "c")
    top = slice_path(workspace, "c")
    (top / "c").mkdir()
    (top / "c" / "file").write_text("c")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--amend", "-m", "Mine")
    git(repo, "reset", "--quiet", "--hard", "HEAD~2")
    assert [one.place for one in land(workspace, "c").refused] == ["c"]


def test_a_base_that_the_target_has_reverted_is_in_its_history(
    repo: Path, workspace: Workspace
) -> None:
    git(repo, "revert", "--no-edit", "HEAD")
    assert [one.slice_id for one in land(workspace, "b").merged] == ["b"]
    assert not (repo / "a").exists()


def test_done_without_a_commit_lands_nothing_of_what_was_dropped(
    repo: Path, workspace: Workspace
) -> None:
    with workspace.open_store() as store:
        store.execute("UPDATE slices SET status = 'done' WHERE slice_id = 'c'")
    take_back(repo)
    assert [one.place for one in land(workspace, "c").refused] == ["c"]
    bring(workspace, "c")
    assert git(repo, "rev-parse", "slices/default/c") == git(repo, "rev-parse", "main")


@pytest.fixture
def ahead(repo: Path) -> Workspace:
    """Slices that start from an upstream that main lags behind; slice a is begun."""
    git(repo, "init", "--quiet", "--bare", "../up.git")
    git(repo, "remote", "add", "origin", "../up.git")
    git(repo, "switch", "--quiet", "--create", "upstream")
    for number in "12":
        (repo / "up").write_text(number)
        commit_all(repo, f"Upstream {number}")
    git(repo, "push", "--quiet", "origin", "upstream:main")
    git(repo, "switch", "--quiet", "main")
    git(repo, "branch", "--quiet", "-D", "upstream")
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS, base="origin/main", target="main")
    work(workspace, "a", {"a/file": "a"}, "Mine")
    return workspace


@pytest.mark.parametrize("style", ["squash", "rebase"])
def test_commits_of_upstream_are_not_made_anew(
    repo: Path, ahead: Workspace, style: MergeStyle
) -> None:
    base = read_record(ahead, "a").base_commit
    (refused,) = land(ahead, "a", style=style).refused
    start = f"it starts from {base[:10]} of origin/main"
    assert refused.message == f"{start}, which main does not have yet"
    assert refused.hint == "bring main up to it first: git merge origin/main"
    git(repo, "merge", "--quiet", "origin/main")
    assert [one.slice_id for one in land(ahead, "a", style=style).merged] == ["a"]
    assert git(repo, "rev-list", "--count", "origin/main..main") == "1"
    assert list_changes(repo, "origin/main", "main") == ["a/file"]


def test_a_merge_commit_takes_them_in_as_they_are(repo: Path, ahead: Workspace) -> None:
    assert [one.slice_id for one in land(ahead, "a").merged] == ["a"]
    assert git(repo, "log", "--first-parent", "--format=%s", "main^2").startswith("Mine\nUpstream")
    assert git(repo, "merge-base", "origin/main", "main") == git(repo, "rev-parse", "origin/main")


@SYNC_STYLES
def test_a_sync_with_a_target_that_has_gone_another_way_keeps_upstream_apart(
    repo: Path, ahead: Workspace, style: SyncStyle
) -> None:
    (repo / "local").write_text("l")
    commit_all(repo, "Local")
    report = bring(ahead, style=style)
    assert ([one.slice_id for one in report.synced], report.current) == (["a"], ("b", "c"))
    assert check_at(repo, slice_id=SliceId("a")).ok
    assert state_of(ahead, "a").ahead == (2 if style == "merge" else 1)
    made_anew = git(repo, "log", "--format=%s", "main..slices/default/a", "^origin/main")
    assert "Upstream" not in made_anew


def test_what_upstream_has_dropped_does_not_come_back_either(repo: Path, ahead: Workspace) -> None:
    git(repo, "push", "--quiet", "--force", "origin", "main:main")
    assert [one.place for one in land(ahead, "a").refused] == ["a"]
    assert [one.slice_id for one in bring(ahead, "a").synced] == ["a"]
    assert [one.slice_id for one in land(ahead, "a").merged] == ["a"]
    assert not (repo / "up").exists()


def test_a_plan_made_anew_leaves_its_older_slices_where_upstream_has_them(
    repo: Path, ahead: Workspace
) -> None:
    base = read_record(ahead, "b").base_commit
    git(repo, "switch", "--quiet", "--detach", "origin/main")
    git(repo, "push", "--quiet", "origin", f"{commit_all(repo, 'Upstream 3')}:main")
    git(repo, "switch", "--quiet", "main")
    apply_tasks(ahead, *TASKS, base="origin/main", target="main")
    assert read_record(ahead, "b").base_commit == base
    bring(ahead, "b")
    assert read_record(ahead, "b").base_commit == base


@pytest.mark.parametrize("by", ["merge", "rebase", "reset"])
def test_a_slice_that_was_brought_up_to_date_by_hand_follows_its_target_on(
    repo: Path, workspace: Workspace, by: str
) -> None:
    (repo / "second").write_text("2")
    commit_all(repo, "Second")
    top = slice_path(workspace, "c")
    git(
        top, *{"merge": ("merge", "--ff-only"), "reset": ("reset", "--hard")}.get(by, (by,)), "main"
    )
    bring(workspace, "b")
    land(workspace, "b", style="squash")
    enter_all(workspace)
    assert git(top, "rev-parse", "HEAD") == git(repo, "rev-parse", "main")
    assert git(top, "status", "--porcelain") == ""
    take_back(repo)
    assert claim_work(workspace, "c") is None
    assert git(top, "rev-parse", "HEAD") == git(repo, "rev-parse", "main")


def test_whoever_claims_a_begun_slice_is_told_of_its_own_commits(
    repo: Path, workspace: Workspace
) -> None:
    take_back(repo)
    work_of_b = claim_work(workspace, "b")
    assert work_of_b is not None
    assert work_of_b.ahead == 2


def test_a_slice_that_waits_on_an_upstream_is_claimed_as_new(ahead: Workspace) -> None:
    assert claim_work(ahead, "b") is None
