"""`merge` refuses what `check` reports, and nothing else: one rule for both."""

from pathlib import Path

import pytest

from gitslices.model import SliceId
from gitslices.ops.check import CheckRequest, check
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.workspace import Workspace
from tests.conftest import commit_all, git
from tests.landings import apply_goal, open_repo, set_status, slice_path, work


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    return open_repo(repo)


def land(workspace: Workspace, *ids: str, goal_id: str | None = None) -> MergeReport:
    wanted = tuple(SliceId(id_) for id_ in ids)
    return merge(workspace, MergeRequest(slice_ids=wanted, goal_id=goal_id))


def find_violations(workspace: Workspace, slice_id: str, goal_id: str | None = None) -> str:
    """What `check` says of the one slice, in the words of `merge`."""
    (one,) = check(workspace, CheckRequest(slice_id=SliceId(slice_id), goal_id=goal_id)).slices
    return ", ".join(f"{found.path} ({found.reason})" for found in one.violations)


def assert_refused(workspace: Workspace, slice_id: str, words: str, **goal: str) -> None:
    assert find_violations(workspace, slice_id, **goal) == words
    (refused,) = land(workspace, slice_id, **goal).refused
    assert refused.message.endswith(f"outside the write scope: {words}")
    assert f"gitslices scope allow {slice_id} PATH --reason TEXT --goal " in (refused.hint or "")


def assert_merged(workspace: Workspace, slice_id: str) -> None:
    assert find_violations(workspace, slice_id) == ""
    assert [one.slice_id for one in land(workspace, slice_id).merged] == [slice_id]


def test_a_path_of_a_slice_of_another_goal_names_slice_and_goal(workspace: Workspace) -> None:
    apply_goal(workspace, {"id": "web", "write_set": ["src/web/", "docs/"]}, goal_id="first")
    apply_goal(workspace, {"id": "notes", "write_set": ["**/*.note"]}, goal_id="second")
    path = slice_path(workspace, "notes", "second")
    (path / "Makefile").write_text("all:\n")
    (path / "docs/new.note").write_text("new\n")
    commit_all(path)
    words = "Makefile (in no slice), docs/new.note (new, and slice web of goal first comes first)"
    assert_refused(workspace, "notes", words, goal_id="second")


def test_a_new_path_waits_for_the_earlier_slice_begun_or_not(workspace: Workspace) -> None:
    apply_goal(
        workspace,
        {"id": "a", "write_set": ["**/*.note"]},
        {"id": "b", "write_set": ["src/web/"]},
    )
    work(workspace, "b", {"src/web/y.note": "b\n"})
    assert_refused(workspace, "b", "src/web/y.note (new, and slice a comes first)")


def test_what_the_target_has_come_to_as_well_is_no_change(repo: Path, workspace: Workspace) -> None:
    apply_goal(workspace, {"id": "api", "write_set": ["src/api/"]})
    work(workspace, "api", {"src/api/one.py": "1\n", "Makefile": "all: build\n"})
    (repo / "Makefile").write_text("all: build\n")
    commit_all(repo)
    assert_merged(workspace, "api")


def test_commits_that_a_slice_started_from_are_not_its_own(
    repo: Path, workspace: Workspace
) -> None:
    (repo / "Makefile").write_text("all: build\n")
    commit_all(repo)
    apply_goal(workspace, {"id": "api", "write_set": ["src/api/"]})
    work(workspace, "api", {"src/api/one.py": "1\n"})
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    assert_merged(workspace, "api")
    assert (repo / "Makefile").read_text() == "all: build\n"


def test_work_taken_over_from_a_slice_that_lands_before_is_not_the_next_ones(
    workspace: Workspace,
) -> None:
    apply_goal(
        workspace,
        {"id": "api", "write_set": ["src/api/"]},
        {"id": "web", "write_set": ["src/web/"], "dependencies": ["api"]},
    )
    work(workspace, "api", {"src/api/new.py": "1\n"})
    git(slice_path(workspace, "web"), "merge", "--quiet", "slices/goal/api")
    work(workspace, "web", {"src/web/new.ts": "1\n"})
    assert find_violations(workspace, "web") == "src/api/new.py (in slice api)"
    for id_ in ("api", "web"):
        set_status(workspace, id_, "done")
    assert [one.slice_id for one in land(workspace, "api", "web").merged] == ["api", "web"]


def test_a_directory_pattern_covers_a_submodule(
    repo: Path, tmp_path: Path, workspace: Workspace
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet")
    commit_all(library)
    apply_goal(workspace, {"id": "libs", "write_set": ["lib*/", ".gitmodules"]})
    path = slice_path(workspace, "libs")
    allowed = ("-c", "protocol.file.allow=always")
    git(path, *allowed, "submodule", "--quiet", "add", str(library), "libx")
    commit_all(path)
    assert_merged(workspace, "libs")
