"""What `status` tells without a look at files, and before it has looked at them."""

import os
import sys
from pathlib import Path

from msgspec import structs

from gitslices.ops.status import status
from tests.support.commands import Cli
from tests.support.repositories import commit_quietly
from tests.support.slices import apply_tasks, slice_path, work
from tests.support.terminal import open_terminal
from tests.support.workspaces import open_at


def test_a_quick_status_is_the_whole_one_without_what_files_tell(repo: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *({"id": id_, "write_set": [f"{id_}/"]} for id_ in "abcd"))
    work(workspace, "a", {"a/new": "a"})
    (slice_path(workspace, "b") / "loose").write_text("b")
    commit_quietly(repo)
    whole, quick = status(workspace, None), status(workspace, None, quick=True)
    assert [one.dirty for one in whole.slices] == [False, True, False, False]
    assert [one.dirty for one in quick.slices] == [None] * 4
    # Whether an edit keeps it where it is, its files would tell.
    assert [one.follows for one in quick.slices] == [False, True, True, True]
    expected = [
        structs.replace(one, dirty=None, follows=one.slice_id != "a") for one in whole.slices
    ]
    assert list(quick.slices) == expected


def test_it_starts_git_in_no_worktree(repo: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *({"id": id_, "write_set": [f"{id_}/"]} for id_ in "ab"))
    # Without their files git would fail there, and `status` tell of it.
    for id_ in "ab":
        (slice_path(workspace, id_) / ".git").unlink()
    assert [one.problem for one in status(workspace, None, quick=True).slices] == [None, None]
    assert all(one.problem for one in status(workspace, None).slices)


def test_who_watches_wants_the_files(cli: Cli, repo: Path) -> None:
    assert cli("status", "--watch", "--quick").code == 2


def test_where_many_slices_stand_a_terminal_has_rows_before_files_were_looked_at(
    repo: Path,
) -> None:
    workspace = open_at(repo)
    tasks = [{"id": f"n{number}", "write_set": [f"n{number}/"]} for number in range(21)]
    apply_tasks(workspace, *tasks)
    (slice_path(workspace, "n0") / "loose").write_text("loose")
    argv = [sys.executable, "-m", "gitslices", "status"]
    with open_terminal(argv, repo, {**os.environ, "TERM": "xterm", "LINES": "60"}) as terminal:
        first = terminal.wait_for("n9")
        rest = terminal.wait_for("uncommitted")
    assert "uncommitted" not in first
    # The rows are drawn anew in their place.
    assert "\x1b[1A" in rest
