"""`merge` refuses what `check` reports, and nothing else: one rule for both."""

from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.check import CheckRequest, check
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.workspace import Workspace
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, check_at, find_owners, set_status, slice_path, work
from tests.support.workspaces import open_at


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    return open_at(repo)


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
    apply_tasks(workspace, {"id": "web", "write_set": ["src/web/", "docs/"]}, goal_id="first")
    apply_tasks(workspace, {"id": "notes", "write_set": ["**/*.note"]}, goal_id="second")
    path = slice_path(workspace, "notes", "second")
    (path / "Makefile").write_text("all:\n")
    (path / "docs/new.note").write_text("new\n")
    commit_all(path)
    words = "Makefile (in no slice), docs/new.note (new, and slice web of goal first comes first)"
    assert_refused(workspace, "notes", words, goal_id="second")


def test_a_new_path_waits_for_the_earlier_slice_begun_or_not(workspace: Workspace) -> None:
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["**/*.note"]},
        {"id": "b", "write_set": ["src/web/"]},
    )
    work(workspace, "b", {"src/web/y.note": "b\n"})
    assert_refused(workspace, "b", "src/web/y.note (new, and slice a comes first)")


def test_what_the_target_has_come_to_as_well_is_no_change(repo: Path, workspace: Workspace) -> None:
    apply_tasks(workspace, {"id": "api", "write_set": ["src/api/"]})
    work(workspace, "api", {"src/api/one.py": "1\n", "Makefile": "all: build\n"})
    (repo / "Makefile").write_text("all: build\n")
    commit_all(repo)
    assert_merged(workspace, "api")


def test_commits_that_a_slice_started_from_are_not_its_own(
    repo: Path, workspace: Workspace
) -> None:
    (repo / "Makefile").write_text("all: build\n")
    commit_all(repo)
    apply_tasks(workspace, {"id": "api", "write_set": ["src/api/"]})
    work(workspace, "api", {"src/api/one.py": "1\n"})
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    assert find_violations(workspace, "api") == ""
    (refused,) = land(workspace, "api").refused
    assert refused.message.endswith("which main does not have any more")
    git(repo, "reset", "--quiet", "--hard", "ORIG_HEAD")
    assert_merged(workspace, "api")


def test_work_taken_over_from_a_slice_that_lands_before_is_not_the_next_ones(
    workspace: Workspace,
) -> None:
    apply_tasks(
        workspace,
        {"id": "api", "write_set": ["src/api/"]},
        {"id": "web", "write_set": ["src/web/"], "dependencies": ["api"]},
    )
    work(workspace, "api", {"src/api/new.py": "1\n"})
    git(slice_path(workspace, "web"), "merge", "--quiet", "slices/default/api")
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
    apply_tasks(workspace, {"id": "libs", "write_set": ["lib*/", ".gitmodules"]})
    path = slice_path(workspace, "libs")
    allowed = ("-c", "protocol.file.allow=always")
    git(path, *allowed, "submodule", "--quiet", "add", str(library), "libx")
    commit_all(path)
    assert_merged(workspace, "libs")


def make_crossing(repo: Path, workspace: Workspace, landed: str) -> None:
    """Slice web and main have taken from each other: main the branch `landed`, web main's fix.

    web takes it with its own files kept as they were.
    """
    top = slice_path(workspace, "web")
    (repo / "Makefile").write_text("all: fixed\n")
    fix = commit_all(repo)
    git(repo, "merge", "--quiet", "--no-edit", landed)
    git(top, "merge", "--quiet", "--strategy=ours", "--no-commit", fix)
    owners = find_owners(check_at(top, staged=True))
    git(top, "commit", "--quiet", "--no-edit")
    assert owners == {"Makefile": None}


def test_taking_the_target_in_and_keeping_the_own_files_undoes_nothing(
    repo: Path, workspace: Workspace
) -> None:
    apply_tasks(workspace, {"id": "web", "write_set": ["src/web/"]})
    work(workspace, "web", {"src/web/one.ts": "1\n"})
    make_crossing(repo, workspace, "slices/default/web")
    assert_refused(workspace, "web", "Makefile (in no slice)")
    work(workspace, "web", {"src/web/two.ts": "2\n"})
    assert_refused(workspace, "web", "Makefile (in no slice)")
    assert (repo / "Makefile").read_text() == "all: fixed\n"


def test_nor_does_it_by_way_of_another_slice(repo: Path, workspace: Workspace) -> None:
    apply_tasks(
        workspace,
        {"id": "api", "write_set": ["src/api/"]},
        {"id": "web", "write_set": ["src/web/"]},
    )
    work(workspace, "api", {"src/api/one.py": "1\n"})
    git(slice_path(workspace, "web"), "merge", "--quiet", "--no-edit", "slices/default/api")
    work(workspace, "web", {"src/web/one.ts": "1\n"})
    make_crossing(repo, workspace, "slices/default/api")
    assert_refused(workspace, "web", "Makefile (in no slice)")


def test_what_both_have_taken_from_each_other_is_no_change(
    repo: Path, workspace: Workspace
) -> None:
    apply_tasks(workspace, {"id": "web", "write_set": ["src/web/"]})
    work(workspace, "web", {"src/web/one.ts": "1\n"})
    (repo / "Makefile").write_text("all: fixed\n")
    fix = commit_all(repo)
    git(repo, "merge", "--quiet", "--no-edit", "slices/default/web")
    git(slice_path(workspace, "web"), "merge", "--quiet", "--no-edit", fix)
    (repo / "Makefile").write_text("all: fixed again\n")
    commit_all(repo)
    work(workspace, "web", {"src/web/one.ts": "2\n"})
    assert_merged(workspace, "web")
    assert (repo / "Makefile").read_text() == "all: fixed again\n"


def test_where_the_common_ancestors_conflict_the_target_says_what_is_no_change(
    repo: Path, workspace: Workspace
) -> None:
    """git falls back to what was before both, as main has: so web's choice would come in."""
    apply_tasks(
        workspace,
        {"id": "api", "write_set": ["src/api/"]},
        {"id": "web", "write_set": ["src/web/"]},
    )
    web = slice_path(workspace, "web")
    before = (repo / "src/api/tokens.py").read_text()
    work(workspace, "api", {"src/api/tokens.py": "api\n"})
    (repo / "src/api/tokens.py").unlink()
    fix = commit_all(repo)
    git(web, "merge", "--quiet", "--no-edit", "slices/default/api")
    for top, other, text in ((web, fix, "api\n"), (repo, "slices/default/api", before)):
        git(top, "merge", "--quiet", "--no-edit", other, ok=False)
        (top / "src/api/tokens.py").write_text(text)
        commit_all(top)
    work(workspace, "web", {"src/web/one.ts": "1\n"})
    assert_refused(workspace, "web", "src/api/tokens.py (in no slice)")


@pytest.mark.parametrize("joined", ["api\nmain\n", "main\napi\n"])
def test_files_shared_by_the_graph_join_in_the_common_ancestors_too(
    repo: Path, workspace: Workspace, joined: str
) -> None:
    apply_tasks(
        workspace,
        {"id": "api", "write_set": ["src/api/", "CHANGELOG.md"]},
        {"id": "web", "write_set": ["src/web/", "CHANGELOG.md"]},
        shared=["CHANGELOG.md"],
    )
    log = (repo / "CHANGELOG.md").read_text()
    web = slice_path(workspace, "web")
    work(workspace, "api", {"CHANGELOG.md": f"{log}api\n"})
    (repo / "CHANGELOG.md").write_text(f"{log}main\n")
    line = commit_all(repo)
    git(web, "merge", "--quiet", "--no-edit", "slices/default/api")
    for top, other in ((web, line), (repo, "slices/default/api")):
        git(top, "merge", "--quiet", "--no-edit", other, ok=False)
        (top / "CHANGELOG.md").write_text(f"{log}{joined}")
        commit_all(top)
    (repo / "CHANGELOG.md").write_text(f"{log}{joined}more\n")
    commit_all(repo)
    work(workspace, "web", {"src/web/one.ts": "1\n"})
    assert_merged(workspace, "web")


def test_a_file_that_the_target_has_renamed_takes_the_slices_lines_where_it_is_now(
    repo: Path, workspace: Workspace
) -> None:
    lines = [f"line {number}\n" for number in range(20)]
    (repo / "src/web/long.ts").write_text("".join(lines))
    commit_all(repo)
    apply_tasks(workspace, {"id": "web", "write_set": ["src/web/"]})
    work(workspace, "web", {"src/web/long.ts": "".join([*lines, "web\n"])})
    git(repo, "mv", "src/web/long.ts", "docs/long.ts")
    commit_all(repo)
    assert_merged(workspace, "web")
    assert (repo / "docs/long.ts").read_text().endswith("web\n")
