"""A slice counts as merged for commits of its own, not for those it has taken from the target."""

from pathlib import Path

import pytest

from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, slice_path
from tests.support.workspaces import open_at

EARLY, LATE = "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"

CAUGHT_UP = {
    "fast-forward": ["merge --quiet main"],
    "pull": ["pull --quiet . main"],
    "rebase": ["rebase --quiet main"],
    "pull --rebase": ["pull --quiet --rebase . main"],
    "reset": ["reset --quiet --hard main"],
    "a commit taken back": ["commit --quiet --allow-empty -m Wrong", "reset --quiet --hard main"],
    "a reflog that is gone": ["merge --quiet main", "reflog expire --expire=now --all"],
    "without a reflog": ["-c core.logAllRefUpdates=false merge --quiet main"],
    "back and forth": ["reset --quiet --hard main", "reset --quiet --hard HEAD~1"],
}

WORKED = {
    "a commit": ["commit --quiet --allow-empty -m Work"],
    "a commit before a rebase": ["commit --quiet --allow-empty -m Work", "rebase --quiet main"],
    "a commit on top": ["merge --quiet main", "commit --quiet --allow-empty -m Work"],
    "a merge commit": ["commit --quiet --allow-empty -m Work", "merge --quiet -m Merge main"],
    "an amended commit": [
        "commit --quiet --allow-empty -m Work", "commit --quiet --allow-empty --amend -m Better",
    ],
    "work of another branch": [
        "switch --quiet -c aside", "commit --quiet --allow-empty -m Work",
        "switch --quiet slices/default/a", "merge --quiet aside",
    ],
    "a reflog that is gone": [
        "commit --quiet --allow-empty -m Work", "reflog expire --expire=now --all",
    ],
    "another tool": ["-c core.logAllRefUpdates=false commit --quiet --allow-empty -m Work"],
}  # fmt: skip


@pytest.fixture
def top(repo: Path) -> Path:
    """The worktree of slice `a`, for which `b` waits; the target has moved on since."""
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["docs/"], "dependencies": ["a"]},
    )
    (repo / "README.md").write_text("More\n")
    commit_all(repo, "Later")
    return slice_path(workspace, "a")


def follow(directory: Path, *commands: str, at: str) -> None:
    for command in commands:
        if "commit " in command and "-m" in command:
            with (directory / "src" / "work").open("a") as file:
                file.write("work\n")
            git(directory, "add", "--all")
        git(directory, *command.split(" "), GIT_COMMITTER_DATE=at)


def read_status(call: Cli) -> str:
    return str(call("status", "--json").document["slices"][0]["status"])


@pytest.mark.parametrize("commands", CAUGHT_UP.values(), ids=CAUGHT_UP)
def test_a_slice_that_was_only_brought_up_to_date_is_not_merged(
    call: Cli, repo: Path, top: Path, commands: list[str]
) -> None:
    follow(top, *commands, at=LATE)
    git(repo, "merge", "--quiet", "slices/default/a")
    assert read_status(call) == "provisioned"
    assert call("claim", "b").code == 1
    assert call("prune").out == "nothing to remove\n"
    assert call("claim", "a").code == 0


@pytest.mark.parametrize("fast_forward", ["--ff", "--no-ff"])
@pytest.mark.parametrize("commands", WORKED.values(), ids=WORKED)
def test_a_slice_with_work_of_its_own_is_merged_once_the_target_has_it(
    call: Cli, repo: Path, top: Path, commands: list[str], fast_forward: str
) -> None:
    follow(top, *commands, at=EARLY)
    follow(repo, f"merge --quiet {fast_forward} -m Land slices/default/a", at=LATE)
    assert read_status(call) == "merged"
    assert call("claim", "b").code == 0
    assert call("prune").out.startswith("removed a: merged into main\n")


def test_a_slice_that_follows_the_target_after_its_merge_stays_merged(
    call: Cli, repo: Path, top: Path
) -> None:
    follow(top, "commit --quiet --allow-empty -m Work", at=EARLY)
    follow(repo, "merge --quiet --no-ff -m Land slices/default/a", at=LATE)
    follow(top, "merge --quiet main", at=LATE)
    assert read_status(call) == "merged"


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", LATE, "2036-01-01T00:00:00Z"])
@pytest.mark.parametrize("way", ["mytool", "commit", "merge"])
def test_no_clock_and_no_text_makes_an_update_work(
    call: Cli, repo: Path, top: Path, way: str, at: str
) -> None:
    (repo / "README.md").write_text("Even more\n")
    git(repo, "commit", "--quiet", "--all", "-m", "Elsewhere", GIT_COMMITTER_DATE=at)
    git(top, "merge", "--quiet", "--ff-only", "main", GIT_REFLOG_ACTION=way, GIT_COMMITTER_DATE=at)
    assert read_status(call) == "provisioned"
    assert call("prune").out == "nothing to remove\n"


@pytest.mark.parametrize("how", ["--ff-only", "--no-ff"])
def test_what_came_from_a_remote_before_the_target_had_it_is_no_work(
    call: Cli, repo: Path, top: Path, tmp_path: Path, how: str
) -> None:
    git(repo, "clone", "--quiet", ".", str(tmp_path / "up"))
    (tmp_path / "up" / "README.md").write_text("Upstream\n")
    commit_all(tmp_path / "up", "Upstream")
    git(repo, "fetch", "--quiet", str(tmp_path / "up"), "main:refs/remotes/up/main")
    follow(top, "merge --quiet --ff-only up/main", at=EARLY)
    follow(repo, f"merge --quiet {how} -m Up up/main", at=LATE)
    assert read_status(call) == "provisioned"


def test_what_an_earlier_slice_has_made_is_not_the_work_of_a_later_one(
    call: Cli, repo: Path
) -> None:
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["src/"], "dependencies": ["a"]},
    )
    follow(slice_path(workspace, "a"), "commit --quiet -m Work", at=EARLY)
    follow(repo, "merge --quiet --ff-only slices/default/a", at=LATE)
    follow(slice_path(workspace, "b"), "merge --quiet --ff-only main", at=LATE)
    told = call("status", "--json").document["slices"]
    assert {one["slice_id"]: one["status"] for one in told} == {"a": "merged", "b": "provisioned"}


def test_without_a_reflog_of_the_target_what_was_moved_to_is_no_work(
    call: Cli, repo: Path, top: Path
) -> None:
    (repo / ".git" / "logs" / "refs" / "heads" / "main").unlink()
    follow(top, "merge --quiet main", at=LATE)
    assert read_status(call) == "provisioned"
