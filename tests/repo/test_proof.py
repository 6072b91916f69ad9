"""Gates and reviews speak of what lands: the last commit of the slice's branch, all of its tree."""

from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.evidence import (
    GatesReport,
    GatesRequest,
    ReviewRequest,
    read_gates,
    review,
    run_gates,
)
from gitslices.ops.log import read_evidence
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.repo_commands.trust import approve
from gitslices.state.proofs import read_gate_runs
from gitslices.system.settings import load_settings
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, set_status, slice_path, work
from tests.support.workspaces import open_at

A = SliceId("a")
WALL = "local_verification_wall"


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slice a with a good commit and then a bad one, which the gate does not pass."""
    workspace = open_at(repo)
    (repo / ".gitslices.toml").write_text(f'[gates]\n{WALL} = "! grep -qs bad src/a.py"\n')
    approve(workspace, load_settings(repo).texts)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/"]})
    work(workspace, "a", {"src/a.py": "good\n"})
    run(workspace)
    return workspace


def run(workspace: Workspace) -> GatesReport:
    return run_gates(workspace, GatesRequest(slice_id=A))


def read_state(workspace: Workspace) -> str:
    report = read_gates(workspace, GatesRequest(slice_id=A))
    return next(one.state for one in report.gates if one.gate == WALL)


def land(workspace: Workspace) -> MergeReport:
    return merge(workspace, MergeRequest(slice_ids=(A,)))


def test_a_pass_on_an_older_commit_that_is_checked_out_is_none_of_the_branch(
    repo: Path, workspace: Workspace
) -> None:
    tip = work(workspace, "a", {"src/a.py": "bad\n"})
    git(slice_path(workspace, "a"), "switch", "--quiet", "--detach", "HEAD~1")
    run(workspace)
    assert read_state(workspace) == "missing"
    assert read_evidence(workspace, "a", None).commit == tip
    git(slice_path(workspace, "a"), "switch", "--quiet", "-")
    (problem,) = land(workspace).refused
    assert problem.message == f"gate {WALL} has not run on {tip[:10]}"


def test_a_review_of_an_older_commit_that_is_checked_out_is_none_of_the_branch(
    repo: Path, workspace: Workspace
) -> None:
    approval = ReviewRequest(slice_id=A, kind="code_review", reviewer="ann", verdict="approve")
    review(workspace, approval)
    tip = work(workspace, "a", {"src/a.py": "fine\n"})
    run(workspace)
    git(slice_path(workspace, "a"), "switch", "--quiet", "--detach", "HEAD~1")
    assert read_evidence(workspace, "a", None).commit == tip
    reviews = {one.commit for one in read_evidence(workspace, "a", None).reviews}
    assert tip not in reviews
    assert review(workspace, approval).commit == tip


def test_what_a_branch_has_passed_counts_wherever_its_worktree_is(workspace: Workspace) -> None:
    git(slice_path(workspace, "a"), "switch", "--quiet", "--detach", "HEAD~1")
    assert read_state(workspace) == "passed"


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_pass_beside_edits_that_git_was_told_not_to_see_does_not_count(
    workspace: Workspace, flag: str
) -> None:
    work(workspace, "a", {"src/a.py": "bad\n"})
    top = slice_path(workspace, "a")
    git(top, "update-index", flag, "src/a.py")
    (top / "src/a.py").write_text("mended\n")
    run(workspace)
    assert read_state(workspace) == "missing"
    assert [one.place for one in land(workspace).refused] == ["a"]


@pytest.mark.parametrize("by", ["plan", "hand"])
def test_a_pass_in_a_sparse_worktree_is_none_of_the_whole_tree(
    cli: Cli, repo: Path, tmp_path: Path, by: str
) -> None:
    (repo / "app").mkdir()
    (repo / "app/check.sh").write_text('[ "$(cat lib/v)" = 1 ]\n')
    (repo / "lib").mkdir()
    (repo / "lib/v").write_text("1\n")
    gate = "for t in */check.sh; do [ ! -f $t ] || sh $t || exit 1; done"
    (repo / ".gitslices.toml").write_text(
        f'[gates]\n{WALL} = "{gate}"\n[merge]\nrerun_gates = true\n'
    )
    commit_all(repo)
    graph = tmp_path / "graph.toml"
    graph.write_text("[[tasks]]\nid = 'a'\nowner_role = 'w'\nwrite_set = ['lib/']\n")
    sparse = ("--sparse",) if by == "plan" else ()
    assert cli("plan", str(graph), "--apply", *sparse).code == 0
    workspace = open_at(repo)
    approve(workspace, load_settings(repo).texts)
    work(workspace, "a", {"lib/v": "2\n"})
    if by == "hand":
        git(slice_path(workspace, "a"), "sparse-checkout", "set", "lib")
    assert run(workspace).ok
    set_status(workspace, "a", "done")
    (problem,) = land(workspace).refused
    assert problem.message.startswith(f"on the merged files: gate {WALL} failed")
    with workspace.open_store() as store:
        runs = read_gate_runs(store, "default", "a")
    assert [(one.passed, one.sparse) for one in runs] == [(True, True), (False, False)]
