"""Landed is what the target has now: merges that were taken back, and targets that moved."""

from pathlib import Path

import pytest

from gitslices.core.errors import RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.ready import ready
from gitslices.ops.removal import PruneRequest, RemoveRequest, prune, remove
from gitslices.ops.reopen import ReopenRequest, reopen
from gitslices.ops.status import SliceState, status
from gitslices.system.settings_tables import MergeStyle
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, read_record, slice_path, take, work
from tests.support.workspaces import open_at

A, B = SliceId("a"), SliceId("b")
TASKS = (
    {"id": "a", "write_set": ["a/"]},
    {"id": "b", "write_set": ["b/"], "dependencies": ["a"]},
    {"id": "c", "write_set": ["c/"]},
)


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slice a with a commit, b that waits for it, c that nobody has begun."""
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    work(workspace, "a", {"a/file": "a"})
    return workspace


def land(workspace: Workspace, style: MergeStyle = "merge") -> None:
    report = merge(workspace, MergeRequest(slice_ids=(A,), style=style))
    assert [one.slice_id for one in report.merged] == ["a"]


def state_of(workspace: Workspace, slice_id: str) -> SliceState:
    return next(one for one in status(workspace, None).slices if one.slice_id == slice_id)


def list_waiting(workspace: Workspace) -> dict[str, str]:
    return {one.slice_id: one.reason for one in ready(workspace, None).waiting}


@pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
def test_a_merge_that_the_target_has_lost_counts_no_longer(
    repo: Path, workspace: Workspace, style: MergeStyle
) -> None:
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "Between")
    land(workspace, style)
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    a = state_of(workspace, "a")
    assert (a.status, a.problem) == ("provisioned", "taken back from main")
    assert state_of(workspace, "b").waits_for == ("a",)
    assert list_waiting(workspace) == {"b": "waits for a (provisioned)"}
    assert prune(workspace, PruneRequest()).removed == ()
    with pytest.raises(RefusedError) as caught:
        remove(workspace, RemoveRequest(slice_id=A))
    assert [one.message for one in caught.value.problems] == ["1 commit not in the target"]
    assert git(repo, "branch", "--list", "slices/default/a")
    land(workspace, style)
    assert (state_of(workspace, "a").status, state_of(workspace, "a").problem) == ("merged", None)
    assert [one.slice_id for one in prune(workspace, PruneRequest()).removed] == ["a"]


def test_whoever_claims_it_then_has_it(workspace: Workspace, repo: Path) -> None:
    land(workspace)
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    take(workspace, "a")
    assert state_of(workspace, "a").status == "claimed"


@pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
@pytest.mark.parametrize("rewritten", ["amended", "rebased"])
def test_a_merge_whose_commit_was_made_anew_counts_on(
    repo: Path, workspace: Workspace, style: MergeStyle, rewritten: str
) -> None:
    land(workspace, style)
    if rewritten == "amended":
        git(repo, "commit", "--quiet", "--amend", "-m", "Better words")
    else:
        git(repo, "switch", "--quiet", "--create", "other", "main~1")
        git(repo, "commit", "--quiet", "--allow-empty", "-m", "Upstream")
        git(repo, "switch", "--quiet", "main")
        git(repo, "rebase", "--quiet", "other")
    assert state_of(workspace, "a").status == "merged"
    assert [one.slice_id for one in prune(workspace, PruneRequest()).removed] == ["a"]


@pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
def test_a_merge_that_was_reverted_counts_no_longer_until_that_is_reverted(
    repo: Path, workspace: Workspace, style: MergeStyle
) -> None:
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "Between")
    land(workspace, style)
    parent = ["-m", "1"] if style == "merge" else []
    git(repo, "revert", "--no-edit", *parent, "HEAD")
    reverting = git(repo, "rev-parse", "HEAD")
    a = state_of(workspace, "a")
    assert (a.status, a.landed) == ("provisioned", None)
    assert a.problem == f"taken back from main by {reverting[:10]}"
    assert list_waiting(workspace) == {"b": "waits for a (provisioned)"}
    assert prune(workspace, PruneRequest()).removed == ()
    if style == "merge":  # git would merge nothing: it has the branch
        (refused,) = merge(workspace, MergeRequest(slice_ids=(A,))).refused
        assert refused.message == f"its target has taken it back with {reverting[:10]}"
        assert refused.hint is not None
        assert "gitslices reopen a" in refused.hint
    git(repo, "revert", "--no-edit", "HEAD")
    assert state_of(workspace, "a").status == "merged"


def test_one_that_was_taken_back_is_opened_again(repo: Path, workspace: Workspace) -> None:
    land(workspace)
    git(repo, "revert", "--no-edit", "-m", "1", "HEAD")
    former = reopen(workspace, ReopenRequest(slice_id=A)).former
    assert former is not None
    git(slice_path(workspace, "a"), "cherry-pick", f"{former.base}..{former.tip}")
    land(workspace)
    assert (repo / "a" / "file").read_text() == "a"


def test_who_deletes_what_a_slice_has_made_does_not_take_it_back(
    repo: Path, workspace: Workspace
) -> None:
    land(workspace)
    git(repo, "rm", "--quiet", "a/file")
    commit_all(repo, "Not needed any more")
    assert state_of(workspace, "a").status == "merged"


def test_what_a_former_target_has_stays_merged_until_that_loses_it(
    cli: Cli, repo: Path, workspace: Workspace, tmp_path: Path
) -> None:
    git(repo, "branch", "release")
    land(workspace)
    graph = write_graph(tmp_path / "g.json", *TASKS)
    assert cli("plan", graph, "--apply", "--target", "release").code == 0
    assert state_of(workspace, "a").status == "merged"
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    assert state_of(workspace, "a").status == "provisioned"


@pytest.mark.parametrize("by", ["reset", "update-ref", "branch"])
def test_a_slice_set_back_to_an_older_commit_has_landed_nothing(
    repo: Path, workspace: Workspace, by: str
) -> None:
    older = git(repo, "rev-parse", "main")
    commit_all(repo, "Later")
    merge(workspace, MergeRequest(slice_ids=()))
    top = slice_path(workspace, "c")
    git(top, "merge", "--quiet", "--ff-only", "main")
    with workspace.open_store() as store:
        record = read_record(workspace, "c")
        base = type(record.base_commit)(git(repo, "rev-parse", "main"))
        store.execute("UPDATE slices SET base_commit = ? WHERE slice_id = 'c'", (base,))
    if by == "reset":
        git(top, "reset", "--quiet", "--hard", older)
    elif by == "update-ref":
        git(top, "update-ref", "HEAD", older)
    else:
        git(top, "switch", "--quiet", "--detach", older)
        git(repo, "branch", "--force", "slices/default/c", older)
        git(top, "switch", "--quiet", "slices/default/c")
    git(top, "reset", "--quiet", "--hard")
    git(repo, "reflog", "expire", "--expire=now", "--all")
    assert state_of(workspace, "c").status == "provisioned"
    assert "c" not in [one.slice_id for one in prune(workspace, PruneRequest()).removed]


@pytest.mark.parametrize("moved", ["reset", "amended", "another target"])
def test_what_nobody_has_begun_follows_its_target_however_that_has_moved(
    cli: Cli, repo: Path, workspace: Workspace, tmp_path: Path, moved: str
) -> None:
    git(repo, "branch", "release")
    (repo / "secret").write_text("dropped")
    dropped = commit_all(repo, "Secret")
    take(workspace, "c")
    cli("release", "c", "--force")
    assert read_record(workspace, "c").base_commit == dropped
    if moved == "reset":
        git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    elif moved == "amended":
        git(repo, "rm", "--quiet", "secret")
        git(repo, "commit", "--quiet", "--amend", "--allow-empty", "-m", "Nothing")
    else:
        graph = write_graph(tmp_path / "g.json", *TASKS)
        assert cli("plan", graph, "--apply", "--target", "release").code == 0
        assert not (slice_path(workspace, "c") / "secret").exists()
    take(workspace, "c")
    target = "release" if moved == "another target" else "main"
    top = slice_path(workspace, "c")
    assert git(top, "rev-parse", "HEAD") == git(repo, "rev-parse", target)
    assert git(top, "status", "--porcelain") == ""
    work(workspace, "c", {"c/file": "c"})
    git(repo, "branch", "--force", "landed", "slices/default/c")
    assert "secret" not in git(repo, "ls-tree", "--name-only", "landed").split()


def test_what_was_to_start_from_elsewhere_stays_there_until_the_target_has_come_to_it(
    cli: Cli, repo: Path, tmp_path: Path
) -> None:
    workspace = open_at(repo)
    git(repo, "switch", "--quiet", "--create", "upstream")
    ahead = commit_all(repo, "Upstream")
    git(repo, "switch", "--quiet", "main")
    graph = write_graph(tmp_path / "g.json", *TASKS)
    assert cli("plan", graph, "--apply", "--base", "upstream").code == 0
    take(workspace, "c")
    assert read_record(workspace, "c").base_commit == ahead
    cli("release", "c", "--force")
    git(repo, "merge", "--quiet", "--ff-only", "upstream")
    later = commit_all(repo, "Later")
    take(workspace, "c")
    assert read_record(workspace, "c").base_commit == later
