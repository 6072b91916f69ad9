"""`gitslices conflicts`: what merging would meet, found without touching anything."""

from pathlib import Path

import pytest

from gitslices.ops.conflicts import conflicts
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, set_status, slice_path, work
from tests.support.workspaces import open_at


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["src/", "docs/"]},
        {"id": "c", "write_set": ["docs/"]},
        {"id": "d", "write_set": ["d/"]},
    )
    return workspace


def find(workspace: Workspace) -> list[tuple[str, str, tuple[str, ...]]]:
    found = conflicts(workspace, None).conflicts
    return [(one.slice_id, one.other, one.files) for one in found]


def test_committed_and_uncommitted_work_is_compared_with_each_other_and_the_target(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    work(workspace, "a", {"src/api/tokens.py": "a\n"})
    top = slice_path(workspace, "b")
    (top / "src/api/tokens.py").write_text("b\n")
    (top / "docs/new.md").write_text("b\n")
    work(workspace, "c", {"docs/new.md": "c\n"})
    (repo / "src/api/tokens.py").write_text("main\n")
    commit_all(repo)
    before = git(top, "status", "--porcelain")
    done = cli("conflicts", "--json")
    assert done.code == 1
    tokens = ["src/api/tokens.py"]
    assert done.document["slices"] == ["a", "b", "c"]
    assert done.document["conflicts"] == [
        {"goal_id": "default", "slice_id": "a", "other": "main", "files": tokens},
        {"goal_id": "default", "slice_id": "b", "other": "main", "files": tokens},
        {"goal_id": "default", "slice_id": "a", "other": "b", "files": tokens},
        {"goal_id": "default", "slice_id": "b", "other": "c", "files": ["docs/new.md"]},
    ]
    assert git(top, "status", "--porcelain") == before
    assert git(repo, "fsck", "--no-dangling", "--no-progress") == ""


def test_people_get_a_matrix(cli: Cli, workspace: Workspace) -> None:
    work(workspace, "a", {"src/api/tokens.py": "a\n"})
    work(workspace, "b", {"src/api/tokens.py": "b\n"})
    done = cli("conflicts")
    assert done.code == 1
    assert [line.split() for line in done.out.splitlines()] == [
        ["files", "main", "a", "b"],
        ["─" * 20],
        ["a", "·", "·", "1"],
        ["b", "·", "1", "·"],
        [],
        ["a", "and", "b"],
        ["src/api/tokens.py"],
    ]


def test_work_that_lies_apart_or_agrees_is_no_conflict(cli: Cli, workspace: Workspace) -> None:
    work(workspace, "a", {"src/api/tokens.py": "same\n"})
    work(workspace, "b", {"src/api/tokens.py": "same\n", "docs/b.md": "b\n"})
    work(workspace, "c", {"docs/c.md": "c\n"})
    done = cli("conflicts")
    assert (done.code, done.out) == (0, "no conflicts: 3 slices with work, target main\n")


def test_a_file_against_a_folder_is_a_conflict(workspace: Workspace) -> None:
    work(workspace, "a", {"src/new": "a\n"})
    work(workspace, "b", {"src/new/inside": "b\n"})
    assert [(one, other) for one, other, _ in find(workspace)] == [("a", "b")]


def test_what_is_in_the_middle_of_a_merge_counts_as_it_stands(
    repo: Path, workspace: Workspace
) -> None:
    work(workspace, "a", {"src/api/tokens.py": "a\n"})
    (repo / "src/api/tokens.py").write_text("main\n")
    commit_all(repo)
    top = slice_path(workspace, "a")
    git(top, "merge", "--quiet", "main", ok=False)
    before = git(top, "status", "--porcelain")
    assert [one for one, *_ in find(workspace)] == ["a"]
    assert git(top, "status", "--porcelain") == before


def test_finished_and_untouched_slices_are_left_out(workspace: Workspace) -> None:
    for id_ in ("a", "b"):
        work(workspace, id_, {"src/api/tokens.py": f"{id_}\n"})
    set_status(workspace, "a", "merged")
    report = conflicts(workspace, None)
    assert (report.slices, report.conflicts) == (("b",), ())


def test_a_second_look_merges_nothing_again_and_sees_what_is_new(workspace: Workspace) -> None:
    work(workspace, "a", {"src/api/tokens.py": "a\n"})
    top = slice_path(workspace, "b")
    (top / "src/api/tokens.py").write_text("b\n")
    first = find(workspace)
    with workspace.open_store() as store:
        tried = store.query("SELECT * FROM trial_merges ORDER BY ours, theirs")
        assert len(tried) == 3
    assert find(workspace) == first
    with workspace.open_store() as store:
        assert store.query("SELECT * FROM trial_merges ORDER BY ours, theirs") == tried
    (top / "src/api/tokens.py").write_text("a\n")
    assert find(workspace) == []
