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


COMMANDS = (
    ("merge", "--all"),
    ("merge", "api", "--style", "squash"),
    ("merge", "api", "--style", "rebase"),
    ("sync", "--all"),
    ("sync", "api", "--style", "merge"),
    ("conflicts",),
)


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_it_says_how_to_have_the_history_and_that_helps(
    call: Cli, repo: Path, command: tuple[str, ...]
) -> None:
    refs = git(repo, "for-each-ref", "refs/heads")
    done = call(*command)
    assert done.code == 1, done
    assert "this clone is shallow" in done.out + done.err
    assert "git fetch --unshallow" in done.out + done.err
    assert git(repo, "for-each-ref", "refs/heads") == refs
    git(repo, "fetch", "--quiet", "--unshallow")
    assert call(*command).code == 0


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("command", [("check", "--all"), ("publish", "api"), ("status",)])
def test_what_needs_no_history_works_without(call: Cli, command: tuple[str, ...]) -> None:
    assert call(*command).code == 0
