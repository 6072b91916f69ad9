"""What was found to have landed is found once, and never holds for other commits."""

from pathlib import Path
from threading import Thread

import pytest

from gitslices.ops.status import status
from gitslices.workspace import Workspace
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, work
from tests.support.workspaces import open_at

BRANCH = "slices/default/a"


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slice a with a commit that a forge has squashed, and others' commits since."""
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["a/"]}, {"id": "b", "write_set": ["b/"]})
    work(workspace, "a", {"a/one": "1"})
    work(workspace, "b", {"b/one": "1"})
    git(repo, "merge", "--quiet", "--squash", BRANCH)
    commit_all(repo, "All of a (#1)")
    commit_all(repo, "Others")
    return workspace


def read_statuses(repo: Path) -> list[str]:
    return [one.status for one in status(open_at(repo), None).slices]


def read_kept(workspace: Workspace) -> list[tuple[object, ...]]:
    with workspace.open_store() as store:
        return store.query("SELECT goal_id, verdicts FROM verdicts")


def forbid_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object) -> None:
        pytest.fail("git was asked what has been told")

    monkeypatch.setattr("gitslices.slices.verdicts.judge_slices", ask)


def test_what_was_told_is_not_asked_again(
    repo: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_statuses(repo)
    forbid_asking(monkeypatch)
    assert read_statuses(repo) == first == ["merged", "provisioned"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (("reset", "--quiet", "--hard", "HEAD~2"), "provisioned"),
        (("revert", "--no-edit", "HEAD~1"), "provisioned"),
        (("update-ref", f"refs/heads/{BRANCH}", "slices/default/b"), "provisioned"),
        (("commit", "--quiet", "--allow-empty", "-m", "More"), "merged"),
    ],
)
def test_when_a_branch_moves_it_is_another_question(
    repo: Path, workspace: Workspace, step: tuple[str, ...], expected: str
) -> None:
    read_statuses(repo)
    git(repo, *step)
    assert read_statuses(repo)[0] == expected


def test_a_target_that_comes_back_is_told_rightly(repo: Path, workspace: Workspace) -> None:
    read_statuses(repo)
    git(repo, "reset", "--quiet", "--hard", "HEAD~2")
    read_statuses(repo)
    git(repo, "reset", "--quiet", "--hard", "HEAD@{1}")
    assert read_statuses(repo) == ["merged", "provisioned"]


def test_no_more_is_kept_than_one_row_a_goal(repo: Path, workspace: Workspace) -> None:
    for _ in range(3):
        commit_all(repo, "Others")
        read_statuses(repo)
    ((_, verdicts),) = read_kept(workspace)
    assert isinstance(verdicts, bytes)
    assert verdicts.count(b'"presence"') == 2


def test_what_is_damaged_is_found_anew(repo: Path, workspace: Workspace) -> None:
    first = read_statuses(repo)
    with workspace.open_store() as store:
        store.execute("UPDATE verdicts SET verdicts = ?", (b'{"signs": 1',))
    assert read_statuses(repo) == first


def test_nobody_waits_for_another_writer_to_keep_what_was_told(
    repo: Path, workspace: Workspace
) -> None:
    found: list[list[str]] = []
    reader = Thread(target=lambda: found.append(read_statuses(repo)), daemon=True)
    with workspace.open_store() as store, store.transaction():
        reader.start()
        reader.join(timeout=60)
        assert found == [["merged", "provisioned"]]
    assert read_kept(workspace) == []
    read_statuses(repo)
    assert read_kept(workspace) != []
