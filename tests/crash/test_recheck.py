"""All that a merge or sync rests on is looked at again under the lock: what has come counts."""

import shlex
import time
from pathlib import Path

import pytest

from gitslices.core.errors import BusyError
from gitslices.core.model import SliceId
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.sync import SyncRequest, sync
from gitslices.workspace import Workspace
from tests.support.commands import run_cli
from tests.support.meddling import in_repo, loud, meddle, ours
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, read_status, set_status, slice_path, work
from tests.support.workspaces import open_at

A, B = SliceId("a"), SliceId("b")


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slices a, done with a commit to the Makefile, and b."""
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["Makefile", "new.py"]},
        {"id": "b", "write_set": ["docs/"]},
    )
    work(workspace, "a", {"Makefile": "all: a\n", "new.py": "new\n"})
    set_status(workspace, "a", "done")
    return workspace


def land(workspace: Workspace, *ids: SliceId) -> MergeReport:
    return merge(workspace, MergeRequest(slice_ids=ids or (A,)))


def smudge_once(repo: Path, command: str) -> None:
    """Have git run `command` once, while files move: as it writes new.py in the main worktree."""
    once, script = repo.parent / "once", repo.parent / "smudge"
    said = shlex.quote(str(repo.parent / "said"))
    inside = f'[ "$(git rev-parse --show-toplevel)" = {shlex.quote(str(repo))} ]'
    script.write_text(
        f"#!/bin/sh\nif {inside} && mkdir {shlex.quote(str(once))} 2>/dev/null; then\n"
        f"  (unset $(git rev-parse --local-env-vars); {command}) > {said} 2>&1 < /dev/null\n"
        "fi\ncat\n"
    )
    script.chmod(0o755)
    git(repo, "config", "filter.once.smudge", shlex.quote(str(script)))
    (repo / ".git/info").mkdir(exist_ok=True)
    (repo / ".git/info/attributes").write_text("new.py filter=once\n")


def test_a_rejection_that_comes_meanwhile_keeps_the_slice_out(
    repo: Path, workspace: Workspace
) -> None:
    reject = ("--kind", "code_review", "--by", "ann", "--verdict", "reject")
    meddle(repo, ours(repo, "review", "a", *reject))
    (problem,) = land(workspace).refused
    assert problem.message == "code_review was rejected by ann"


def test_a_slice_that_is_opened_meanwhile_is_merged_as_it_is_then(
    repo: Path, workspace: Workspace
) -> None:
    (slice_path(workspace, "a") / "more.txt").write_text("uncommitted")
    meddle(repo, ours(repo, "release", "a", "--force"))
    (problem,) = land(workspace).refused
    assert problem.message == "uncommitted: more.txt"


def test_a_plan_that_makes_the_slice_wait_meanwhile_counts(
    repo: Path, workspace: Workspace, tmp_path: Path
) -> None:
    graph = tmp_path / "graph.toml"
    graph.write_text(
        "[defaults]\nowner_role = 'w'\n"
        "[[tasks]]\nid = 'a'\nwrite_set = ['Makefile', 'new.py']\ndependencies = ['c']\n"
        "[[tasks]]\nid = 'b'\nwrite_set = ['docs/']\n"
        "[[tasks]]\nid = 'c'\nwrite_set = ['src/']\n"
    )
    meddle(repo, ours(repo, "plan", str(graph), "--apply", "--allow-dirty"))
    (problem,) = land(workspace).refused
    assert problem.message == "it waits for c"


def test_a_merge_that_is_begun_in_the_targets_worktree_meanwhile_is_in_the_way(
    repo: Path, workspace: Workspace
) -> None:
    git(repo, "branch", "side")
    git(repo, "worktree", "add", "--quiet", str(repo.parent / "side"), "side")
    commit_all(repo.parent / "side", "Side")
    meddle(repo, in_repo(repo, "merge", "--quiet", "--no-ff", "--no-commit", "side"))
    (problem,) = land(workspace).refused
    assert problem.message == f"a merge or rebase is under way in {str(repo)!r}"


def test_an_ignored_file_that_comes_to_a_slice_meanwhile_is_not_overwritten_by_sync(
    repo: Path, workspace: Workspace
) -> None:
    (repo / ".git/info").mkdir(exist_ok=True)
    (repo / ".git/info/exclude").write_text("later.txt\n")
    (repo / "later.txt").write_text("of main\n")
    git(repo, "add", "--force", "later.txt")
    mine = slice_path(workspace, "a") / "later.txt"
    meddle(repo, f"echo precious > {shlex.quote(str(mine))}")
    (problem,) = sync(workspace, SyncRequest(slice_ids=(A,))).refused
    assert "later.txt" in problem.message
    assert mine.read_text() == "precious\n"


def test_a_slice_is_not_given_away_while_its_merge_moves_files(
    repo: Path, workspace: Workspace
) -> None:
    set_status(workspace, "a", "provisioned")
    smudge_once(repo, loud(repo, "claim", "a", "--holder", "ann", "--lock-timeout", "0"))
    assert [one.slice_id for one in land(workspace).merged] == ["a"]
    said = (repo.parent / "said").read_text()
    assert "held by ann" not in said
    assert read_status(workspace, "a") == "merged"
    assert slice_path(workspace, "a").is_dir()


def test_a_slice_is_not_opened_while_its_merge_moves_files(
    repo: Path, workspace: Workspace
) -> None:
    smudge_once(repo, loud(repo, "release", "a", "--force"))
    assert [one.slice_id for one in land(workspace).merged] == ["a"]
    assert "is being merged" in (repo.parent / "said").read_text()
    assert read_status(workspace, "a") == "merged"


def test_a_claim_that_waits_for_a_merge_learns_what_became_of_the_slice(
    repo: Path, workspace: Workspace
) -> None:
    set_status(workspace, "a", "provisioned")
    claim = loud(repo, "claim", "a", "--holder", "ann")
    smudge_once(repo, f"{claim} > {repo.parent}/late 2>&1 &")
    land(workspace)
    late = repo.parent / "late"
    give_up = time.monotonic() + 120
    while "error" not in late.read_text() and time.monotonic() < give_up:
        time.sleep(0.02)
    assert "slice 'a': it is merged already" in late.read_text()


def lock_index(repo: Path, slice_id: str) -> Path:
    lock = repo / f".git/worktrees/default--{slice_id}/index.lock"
    lock.touch()
    return lock


def test_a_slice_in_which_a_git_is_at_work_keeps_no_other_from_being_synced(
    repo: Path, workspace: Workspace
) -> None:
    commit_all(repo, "Later")
    lock = lock_index(repo, "a")
    report = sync(workspace, SyncRequest(slice_ids=None))
    assert [one.slice_id for one in report.synced] == ["b"]
    assert [(one.place, one.message.startswith(repr(str(lock)))) for one in report.refused] == [
        ("a", True)
    ]
    assert not (repo / ".git/gitslices/intent.json").exists()


def test_a_slice_in_which_a_git_is_at_work_is_busy_where_it_alone_is_wanted(
    repo: Path, workspace: Workspace
) -> None:
    commit_all(repo, "Later")
    lock_index(repo, "a")
    with pytest.raises(BusyError, match="a git command is at work there"):
        sync(workspace, SyncRequest(slice_ids=(A,)))
    assert run_cli(repo, "sync", "a").code == 4


def test_a_git_at_work_in_the_targets_worktree_makes_the_merge_busy(
    repo: Path, workspace: Workspace
) -> None:
    (repo / ".git/index.lock").touch()
    with pytest.raises(BusyError, match="a git command is at work there"):
        land(workspace)
    assert read_status(workspace, "a") == "done"
