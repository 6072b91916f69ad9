"""Names that hold what Python takes for the end of a line, and git does not."""

from pathlib import Path

import pytest

from gitslices.git.read import read_branches, read_merged, read_refs
from gitslices.git.worktrees import find_last_commit
from gitslices.system.mounts import parse_mounts
from tests.support.repositories import git
from tests.support.workspaces import open_at

ENDS = ["\u2028", "\u2029", "\x85"]


@pytest.mark.parametrize("end", ENDS)
def test_a_branch_of_somebody_is_one_branch(repo: Path, end: str) -> None:
    name = f"odd{end}branch"
    git(repo, "branch", name)
    workspace = open_at(repo)
    main = git(repo, "rev-parse", "main")
    assert read_refs(workspace.repo, ["refs/heads"]) == {
        "refs/heads/main": main, f"refs/heads/{name}": main
    }  # fmt: skip
    (branch,) = set(read_branches(workspace.repo)) - {"main"}
    assert branch == name
    assert read_merged(workspace.repo, read_branches(workspace.repo)[branch], [branch]) == {name}


@pytest.mark.parametrize("end", ENDS)
def test_the_log_of_a_head_may_quote_it(repo: Path, end: str) -> None:
    git(repo, "switch", "--quiet", "-c", f"odd{end}branch")
    commit = git(repo, "rev-parse", "HEAD")
    assert find_last_commit(open_at(repo).repo, repo / ".git") == commit


@pytest.mark.parametrize("end", ENDS)
def test_something_may_be_mounted_there(end: str) -> None:
    line = f"36 35 98:0 / /mnt/odd{end}disk rw,noatime - ext4 /dev/root rw\n"
    (mount,) = parse_mounts(line.encode())
    assert mount.point == f"/mnt/odd{end}disk"
