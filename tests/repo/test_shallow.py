"""Shallow clones: where the history that is needed is cut off, the hint says how to have it."""

from pathlib import Path

import pytest

from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, set_status, work
from tests.support.workspaces import open_at


@pytest.fixture
def shallow(repo: Path) -> Workspace:
    """A clone cut off below its last commit, fetched anew so; slice api has work on the old one."""
    upstream = repo.with_name("upstream")
    repo.rename(upstream)
    commit_all(upstream, "Second")
    git(upstream.parent, "clone", "--quiet", "--depth=1", f"file://{upstream}", str(repo))
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "api", "write_set": ["src/api/"]})
    work(workspace, "api", {"src/api/new.py": "1\n"})
    set_status(workspace, "api", "done")
    commit_all(upstream, "Third")
    git(repo, "fetch", "--quiet", "--depth=1")
    git(repo, "reset", "--quiet", "--hard", "origin/main")
    return workspace


@pytest.mark.usefixtures("shallow")
def test_every_command_says_how_to_have_the_history_and_it_helps(cli: Cli, repo: Path) -> None:
    for argv in (("merge", "--all"), ("sync", "--all"), ("conflicts",)):
        done = cli(*argv)
        assert done.code == 1
        assert "this clone is shallow" in done.out
        assert "git fetch --unshallow" in done.out
    git(repo, "fetch", "--quiet", "--unshallow")
    assert cli("merge", "api").code == 0
