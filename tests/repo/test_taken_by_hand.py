"""What was taken into a slice by hand, and dropped by the target since, goes from the slice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.conflicts import conflicts
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.sync import SyncReport, SyncRequest, sync
from gitslices.system.settings_tables import MergeStyle
from gitslices.workspace import Workspace
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, read_record, slice_path, work
from tests.support.workspaces import open_at

A = SliceId("a")


def write_and_commit(repo: Path, name: str) -> str:
    (repo / name).parent.mkdir(parents=True, exist_ok=True)
    (repo / name).write_text(name)
    return commit_all(repo, name)


def merge_in(tree: Path) -> None:
    git(tree, "merge", "--quiet", "--no-edit", "main")


def rebase_on(tree: Path) -> None:
    git(tree, "rebase", "--quiet", "main")


def merge_twice(tree: Path) -> None:
    merge_in(tree)
    write_and_commit(Path(git(tree, "rev-parse", "--git-common-dir")).parent, "secret2")
    merge_in(tree)


TAKES = pytest.mark.parametrize("take", [merge_in, rebase_on, merge_twice])


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """A slice with a commit of its own, and a target that is about to regret its last one."""
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["a/"]}, {"id": "b", "write_set": ["b/"]})
    work(workspace, "a", {"a/one": "1"}, "One")
    return workspace


def bring(workspace: Workspace) -> SyncReport:
    return sync(workspace, SyncRequest(slice_ids=(A,)))


def list_beyond_main(repo: Path) -> list[str]:
    return git(repo, "diff", "--name-only", "main", "slices/default/a").split()


@TAKES
@pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
def test_what_the_target_has_dropped_goes_again(
    repo: Path, workspace: Workspace, take: Callable[[Path], None], style: MergeStyle
) -> None:
    before = git(repo, "rev-parse", "main")
    write_and_commit(repo, "secret")
    take(slice_path(workspace, "a"))
    work(workspace, "a", {"a/two": "2"}, "Two")
    git(repo, "reset", "--quiet", "--hard", before)
    (refused,) = merge(workspace, MergeRequest(slice_ids=(A,), style=style)).refused
    assert refused.message.endswith("which main does not have any more")
    assert [one.place for one in conflicts(workspace, None).refused] == ["a"]
    assert [one.slice_id for one in bring(workspace).synced] == ["a"]
    assert list_beyond_main(repo) == ["a/one", "a/two"]
    assert git(repo, "log", "--format=%s", "main..slices/default/a") == "Two\nOne"
    assert read_record(workspace, "a").base_commit == before
    assert bring(workspace).current == ("a",)
    assert [one.slice_id for one in merge(workspace, MergeRequest(slice_ids=(A,))).merged] == ["a"]


def test_what_was_dropped_at_two_times_goes_in_one_step(repo: Path, workspace: Workspace) -> None:
    before = git(repo, "rev-parse", "main")
    for name in ("secret", "other"):
        write_and_commit(repo, name)
        merge_in(slice_path(workspace, "a"))
        git(repo, "reset", "--quiet", "--hard", before)
    bring(workspace)
    assert list_beyond_main(repo) == ["a/one"]


def test_what_was_amended_comes_as_it_is_now(repo: Path, workspace: Workspace) -> None:
    write_and_commit(repo, "secret")
    merge_in(slice_path(workspace, "a"))
    git(repo, "mv", "secret", "public")
    git(repo, "commit", "--quiet", "--amend", "-m", "public")
    bring(workspace)
    assert list_beyond_main(repo) == ["a/one"]


def test_a_slice_that_only_took_it_in_follows(repo: Path, workspace: Workspace) -> None:
    before = git(repo, "rev-parse", "main")
    write_and_commit(repo, "secret")
    merge_in(slice_path(workspace, "b"))
    git(repo, "reset", "--quiet", "--hard", before)
    sync(workspace, SyncRequest(slice_ids=(SliceId("b"),)))
    assert git(repo, "rev-parse", "slices/default/b") == before


def test_its_own_work_that_was_in_the_target_for_a_while_stays_its_own(
    repo: Path, workspace: Workspace
) -> None:
    tip, before = git(repo, "rev-parse", "slices/default/a"), git(repo, "rev-parse", "main")
    git(repo, "merge", "--quiet", "--ff-only", "slices/default/a")
    git(repo, "reset", "--quiet", "--hard", before)
    assert bring(workspace).current == ("a",)
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", "slices/default/a")
    merge_in(slice_path(workspace, "a"))
    git(repo, "reset", "--quiet", "--hard", before)
    bring(workspace)
    assert list_beyond_main(repo) == ["a/one"]
    assert git(repo, "merge-base", tip, "slices/default/a") == tip


def test_a_target_that_still_has_a_part_of_it_keeps_that(repo: Path, workspace: Workspace) -> None:
    write_and_commit(repo, "a/shared")
    kept = write_and_commit(repo, "kept")
    write_and_commit(repo, "secret")
    merge_in(slice_path(workspace, "a"))
    git(repo, "reset", "--quiet", "--hard", kept)
    bring(workspace)
    assert list_beyond_main(repo) == ["a/one"]


def test_without_a_log_of_the_target_nothing_is_thrown_away(
    repo: Path, workspace: Workspace
) -> None:
    before = git(repo, "rev-parse", "main")
    write_and_commit(repo, "secret")
    merge_in(slice_path(workspace, "a"))
    git(repo, "reset", "--quiet", "--hard", before)
    git(repo, "reflog", "expire", "--expire=now", "--all")
    assert bring(workspace).current == ("a",)
    (refused,) = merge(workspace, MergeRequest(slice_ids=(A,))).refused
    assert "outside" in refused.message
