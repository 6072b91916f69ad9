"""Slices that start from a remote's branch and land there, and targets that are fetched."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from gitslices.core.errors import InputError, RefusedError, RemoteError
from gitslices.core.model import SliceId
from gitslices.ops.fetch import FetchedGoal, FetchRequest, fetch
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.status import status
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.remotes import clone, push_change
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import (
    apply_tasks,
    check_at,
    read_record,
    set_status,
    slice_path,
    take,
    work,
)
from tests.support.workspaces import open_at

TASKS = (
    {"id": "a", "write_set": ["a/"]},
    {"id": "b", "write_set": ["b/"], "dependencies": ["a"]},
)


@pytest.fixture
def colleague(hub: Path) -> Path:
    return clone(hub)


@pytest.fixture
def workspace(repo: Path, hub: Path) -> Workspace:
    """Slices a, which has a commit, and b that waits for it; both land in origin/main."""
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS, target="origin/main")
    work(workspace, "a", {"a/one": "1"})
    return workspace


def land(workspace: Workspace, *ids: str, **more: Any) -> MergeReport:
    return merge(workspace, MergeRequest(slice_ids=tuple(map(SliceId, ids)), **more))


def fetch_one(workspace: Workspace) -> FetchedGoal:
    (goal,) = fetch(workspace, FetchRequest()).goals
    return goal


def test_a_merge_lands_on_the_remote_and_the_local_branch_follows(
    repo: Path, hub: Path, colleague: Path, workspace: Workspace
) -> None:
    push_change(colleague, "others.txt", "theirs")
    report = land(workspace, "a")
    tip = git(hub, "rev-parse", "main")
    assert (report.merged[0].commit, report.target, report.warnings) == (tip, "origin/main", ())
    assert git(repo, "rev-parse", "main") == git(repo, "rev-parse", "origin/main") == tip
    assert (repo / "a" / "one").read_text() == "1"
    assert (repo / "others.txt").read_text() == "theirs"
    assert git(repo, "status", "--porcelain") == ""
    # What waited starts from there.
    assert read_record(workspace, "b").base_commit == tip
    assert [one.status for one in status(workspace, None).slices] == ["merged", "provisioned"]


def test_an_address_from_the_repository_s_own_folder_is_one_from_wherever_git_runs(
    repo: Path, hub: Path, colleague: Path, workspace: Workspace
) -> None:
    git(repo, "remote", "set-url", "origin", f"../{hub.name}")
    theirs = push_change(colleague, "others.txt", "theirs")
    fetch(open_at(repo), FetchRequest())
    assert git(repo, "rev-parse", "origin/main") == theirs
    slice_at_hand = open_at(slice_path(workspace, "a"))
    report = land(slice_at_hand, "a")
    assert git(hub, "rev-parse", "main") == report.merged[0].commit


def test_the_local_branch_stays_where_it_would_lose_something(
    repo: Path, hub: Path, workspace: Workspace
) -> None:
    (repo / "a").mkdir()
    (repo / "a" / "one").write_text("mine, not committed")
    report = land(workspace, "a")
    assert git(hub, "rev-parse", "main") == report.merged[0].commit
    assert "main was not brought to origin/main" in report.warnings[0]
    assert (repo / "a" / "one").read_text() == "mine, not committed"
    own = commit_all(repo, "Of the local branch alone")
    assert "it has commits that the remote lacks" in fetch_one(workspace).warnings[0]
    assert git(repo, "rev-parse", "main") == own


def test_a_push_that_comes_between_is_not_undone(
    repo: Path, hub: Path, colleague: Path, workspace: Workspace
) -> None:
    """The colleague pushes while the merge is under way: it is made again, on what is there now."""
    others = colleague / "others.txt"
    others.write_text("theirs")
    commit_all(colleague, "Just in time")
    hook = repo / ".git" / "hooks" / "pre-push"
    hook.write_text(f'#!/bin/sh\nexec git -C "{colleague}" push --quiet origin main\n')
    hook.chmod(0o755)
    (commit,) = [one.commit for one in land(workspace, "a").merged]
    assert git(hub, "rev-parse", "main") == commit
    assert git(hub, "show", "main:others.txt") == "theirs"
    assert git(hub, "show", "main:a/one") == "1"


def test_a_target_that_was_set_back_is_not_brought_back(
    hub: Path, colleague: Path, workspace: Workspace
) -> None:
    before = git(hub, "rev-parse", "main")
    dropped = push_change(colleague, "others.txt", "to be dropped")
    fetch(workspace, FetchRequest())
    git(hub, "update-ref", "refs/heads/main", before)
    land(workspace, "a")
    assert git(hub, "show", "main:a/one") == "1"
    assert dropped not in git(hub, "rev-list", "main")


@pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
def test_a_refusal_of_the_remote_moves_nothing(
    repo: Path, hub: Path, workspace: Workspace, style: Any
) -> None:
    hook = hub / "hooks" / "update"
    hook.write_text("#!/bin/sh\necho main is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    before = git(repo, "rev-parse", "main", "origin/main")
    with pytest.raises(RefusedError, match=r"origin does not take the merge into main: .*declined"):
        land(workspace, "a", style=style)
    assert git(repo, "rev-parse", "main", "origin/main") == before
    assert read_record(workspace, "a").status == "provisioned"
    hook.unlink()
    assert land(workspace, "a", style=style).merged


def test_a_hook_of_the_repository_can_say_no(repo: Path, hub: Path, workspace: Workspace) -> None:
    hook = repo / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\necho not on a Friday >&2\nexit 1\n")
    hook.chmod(0o755)
    before = git(hub, "rev-parse", "main")
    with pytest.raises(RefusedError, match="not on a Friday"):
        land(workspace, "a")
    assert git(hub, "rev-parse", "main") == before


def test_a_remote_that_is_away_is_worth_another_try(
    cli: Cli, repo: Path, hub: Path, workspace: Workspace
) -> None:
    hub.rename(hub.with_name("away"))
    for command in (["merge", "a"], ["fetch"], ["claim", "a", "--fetch"], ["status", "--fetch"]):
        done = cli(*command, "--json")
        error = json.loads(done.out)["error"]
        assert (done.code, error["code"]) == (4, "remote-unreachable"), command
    # By the setting alone it keeps nobody from work.
    write_settings(repo, "[remote]\nfetch = 'claim'\n")
    report = json.loads(cli("claim", "a", "--json").out)
    assert report["warnings"][0].startswith("nothing was fetched: the remote 'origin'")


def test_what_a_forge_has_landed_is_seen_by_a_fetch(
    repo: Path, hub: Path, colleague: Path, workspace: Workspace
) -> None:
    git(repo, "push", "--quiet", "origin", "slices/default/a")
    git(colleague, "fetch", "--quiet")
    git(colleague, "merge", "--quiet", "--squash", "origin/slices/default/a")
    commit = commit_all(colleague, "All of a (#1)")
    git(colleague, "push", "--quiet", "origin", "main")
    push_change(colleague, "others.txt", "theirs")
    done = fetch_one(workspace)
    assert [(one.slice_id, one.landed and one.landed.commit) for one in done.landed] == [
        ("a", commit)
    ]
    assert (done.followed, done.forwarded) == ("main", ("b",))
    assert read_record(workspace, "b").base_commit == done.new
    again = fetch_one(workspace)
    assert (again.landed, again.followed, again.old) == ((), None, again.new)


def test_a_local_target_follows_its_upstream(
    cli: Cli, repo: Path, colleague: Path, hub: Path
) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    commit = push_change(colleague, "others.txt", "theirs")
    done = cli("fetch")
    assert done.out == (
        f"origin/main is at {commit[:10]} now\nmain was brought forward to it\n"
        "brought forward: a, b\n"
    )
    assert git(repo, "rev-parse", "main") == commit
    assert (repo / "others.txt").read_text() == "theirs"


def test_a_claim_fetches_first_where_that_is_wanted(
    repo: Path, hub: Path, colleague: Path, cli: Cli, workspace: Workspace
) -> None:
    commit = push_change(colleague, "others.txt", "theirs")
    assert json.loads(cli("claim", "b", "--json").out)["ok"] is False  # it waits for a
    write_settings(repo, "[remote]\nfetch = 'claim'\n")
    cli("ready")
    assert git(repo, "rev-parse", "origin/main") == commit


def test_a_check_compares_with_the_remote(
    repo: Path, hub: Path, colleague: Path, workspace: Workspace
) -> None:
    push_change(colleague, "others.txt", "theirs")
    fetch(workspace, FetchRequest())
    top = slice_path(workspace, "a")
    git(top, "merge", "--quiet", "-m", "Bring it in", "origin/main")
    assert check_at(top).ok
    (top / "others.txt").write_text("mine")
    assert not check_at(top).ok


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("origin/none", "there is no branch 'origin/none'"),
        ("origin/HEAD", "'origin/HEAD' is no branch"),
        ("origin/twice", "'origin/twice' is a local branch, too"),
    ],
)
def test_a_target_must_be_one_branch(repo: Path, hub: Path, named: str, message: str) -> None:
    git(repo, "remote", "set-head", "origin", "main")
    git(repo, "push", "--quiet", "origin", "main:twice")
    git(repo, "branch", "--no-track", "origin/twice")
    with pytest.raises(InputError, match=message):
        apply_tasks(open_at(repo), *TASKS, target=named)


def test_a_local_branch_of_the_same_name_changes_nothing(
    repo: Path, hub: Path, workspace: Workspace
) -> None:
    """`git branch origin/main` is soon typed."""
    git(repo, "branch", "--no-track", "origin/main", "HEAD")
    assert land(workspace, "a").merged
    assert git(hub, "show", "main:a/one") == "1"


def test_a_target_without_a_remote_is_told(repo: Path, workspace: Workspace) -> None:
    git(repo, "update-ref", "-d", "refs/remotes/origin/main")
    assert status(workspace, None).problem == "no such branch"
    assert fetch_one(workspace).new == git(repo, "rev-parse", "main")
    git(repo.with_name("origin.git"), "branch", "-m", "main", "trunk")
    with pytest.raises(InputError, match="the remote 'origin' has no branch 'main'"):
        fetch(workspace, FetchRequest())


def test_a_plan_without_a_remote_has_nothing_to_fetch(repo: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    with pytest.raises(InputError, match="the target 'main' follows no branch of a remote"):
        fetch(workspace, FetchRequest())


def test_nobody_is_asked_for_a_password(repo: Path, hub: Path, workspace: Workspace) -> None:
    script = repo.with_name("transport")
    script.write_text('#!/bin/sh\necho "prompts: $GIT_TERMINAL_PROMPT, $GIT_SSH_COMMAND" >&2\n')
    script.chmod(0o755)
    git(repo, "config", "remote.origin.url", f"ext::{script}")
    git(repo, "config", "protocol.ext.allow", "always")
    with pytest.raises(RemoteError, match="prompts: 0, ssh -o BatchMode=yes"):
        fetch(workspace, FetchRequest())


def test_an_agent_may_not_push_to_the_target(cli: Cli, workspace: Workspace) -> None:
    take(workspace, "a")
    payload = {
        "tool_name": "Bash", "hook_event_name": "PreToolUse", "session_id": "s",
        "cwd": str(slice_path(workspace, "a")),
        "tool_input": {"command": "git push origin HEAD:main"},
    }  # fmt: skip
    done = cli("agent", "guard", "--tool", "claude", stdin=json.dumps(payload).encode(),
               directory=slice_path(workspace, "a"))  # fmt: skip
    assert "the branch that slices are merged into" in done.out


def test_a_local_target_that_lags_is_named_before_it_hurts(
    cli: Cli, repo: Path, hub: Path, colleague: Path
) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    work(workspace, "a", {"a/one": "1"})
    assert "lag" not in json.loads(cli("status", "--json").out)["goals"][0]
    push_change(colleague, "others.txt", "theirs")
    push_change(colleague, "others.txt", "theirs again")
    git(repo, "fetch", "--quiet")
    said = "main lacks 2 commits of origin/main: gitslices fetch brings it there"
    assert said in cli("status").out.splitlines()[0]
    assert json.loads(cli("status", "--json").out)["goals"][0]["lag"] == {
        "remote_branch": "origin/main",
        "commits": 2,
    }
    claimed = json.loads(cli("claim", "a", "--holder", "w", "--json").out)
    assert claimed["warnings"] == [said]
    assert cli("done", "a", "--token", str(claimed["token"])).code == 0
    assert land(workspace, "a").warnings == (said,)
    fetch_one(workspace)


@pytest.mark.parametrize("point", ["git:push:after", "store:begin#2", "store:commit#2"])
def test_a_kill_between_push_and_record_leaves_a_merge_that_is_seen(
    cli: Cli, repo: Path, hub: Path, workspace: Workspace, point: str
) -> None:
    before = git(hub, "rev-parse", "main")
    set_status(workspace, "a", "done")
    struck = cli("merge", "a", env={"GITSLICES_FAULT": point})
    assert struck.code == -signal.SIGKILL
    landed = git(hub, "rev-parse", "main")
    assert git(hub, "rev-list", "--count", "--first-parent", f"{before}..main") == "1"
    assert fetch_one(workspace).warnings == ()
    assert [one.status for one in status(workspace, None).slices] == ["merged", "provisioned"]
    # Once more, it has nothing to do; and what waited goes on.
    assert cli("merge", "--all").code == 0
    assert git(hub, "rev-parse", "main") == landed
    take(workspace, "b")
    assert read_record(workspace, "b").base_commit == landed
    assert git(repo, "status", "--porcelain") == ""
