"""By which `.gitattributes` a slice merges: those of what has landed before it, of nothing else.

In every test slice a lets all lines of log.txt stand, and slice b alone conflicts there.
"""

from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.conflicts import conflicts
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.sync import SyncRequest, sync
from gitslices.repo_commands.trust import approve
from gitslices.system.settings import load_settings
from gitslices.system.settings_tables import MergeStyle, SyncStyle
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, set_status, slice_path, work
from tests.support.workspaces import open_at

BOTH = (SliceId("a"), SliceId("b"))
UNION: dict[str, str | None] = {".gitattributes": "log.txt merge=union\n", "a.py": "slice\n"}


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slices a and b, done; main has gone on in log.txt, where b has, too."""
    workspace = open_at(repo)
    (repo / "log.txt").write_text("one\n")
    (repo / "a.py").write_text("x\n")
    commit_all(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": [".gitattributes", "a.py"]},
        {"id": "b", "write_set": ["log.txt"]},
    )
    work(workspace, "a", UNION)
    work(workspace, "b", {"log.txt": "one\nslice\n"})
    (repo / "log.txt").write_text("one\nmain\n")
    commit_all(repo)
    for slice_id in BOTH:
        set_status(workspace, slice_id, "done")
    return workspace


def list_outcomes(report: MergeReport) -> tuple[list[str], list[str], list[str]]:
    """The ids that were merged, that conflicted, and that were refused."""
    return (
        [one.slice_id for one in report.merged],
        [one.slice_id for one in report.conflicted],
        [one.place for one in report.refused],
    )


def land(workspace: Workspace, *ids: SliceId, style: MergeStyle = "merge") -> MergeReport:
    return merge(workspace, MergeRequest(slice_ids=ids or None, style=style))


@pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
@pytest.mark.parametrize("ids", [BOTH, ()], ids=["named", "all"])
def test_a_slice_whose_files_are_in_the_way_leaves_no_attributes_to_the_next(
    workspace: Workspace, repo: Path, ids: tuple[SliceId, ...], style: MergeStyle
) -> None:
    (repo / "a.py").write_text("uncommitted\n")
    assert list_outcomes(land(workspace, *ids, style=style)) == ([], ["b"], ["a"])
    assert (repo / "log.txt").read_text() == "one\nmain\n"


def test_a_slice_that_a_gate_refuses_leaves_no_attributes_to_the_next(
    cli: Cli, workspace: Workspace, repo: Path
) -> None:
    wall = "local_verification_wall"
    merged = "! grep -qs slice a.py || ! grep -qs main log.txt"
    (repo / ".gitslices.toml").write_text(
        f'[merge]\nrerun_gates = ["{wall}"]\n[gates]\n{wall} = "{merged}"\n'
    )
    approve(workspace, load_settings(repo).texts)
    for slice_id in BOTH:
        assert cli("gate", "run", slice_id).code == 0
    assert list_outcomes(land(workspace)) == ([], ["b"], ["a"])


def test_a_slice_that_the_files_cannot_follow_leaves_no_attributes_to_the_next(
    workspace: Workspace, repo: Path
) -> None:
    # A file that git is told not to look at is found only when it would be overwritten.
    git(repo, "update-index", "--skip-worktree", "a.py")
    (repo / "a.py").write_text("hidden\n")
    assert list_outcomes(land(workspace)) == ([], ["b"], ["a"])


def test_a_slice_that_leaves_its_scope_leaves_no_attributes_to_the_next(
    workspace: Workspace,
) -> None:
    work(workspace, "a", {"Makefile": "outside\n"})
    assert list_outcomes(land(workspace)) == ([], ["b"], ["a"])


def test_a_slice_that_lands_leaves_its_attributes_to_the_next(
    workspace: Workspace, repo: Path
) -> None:
    assert list_outcomes(land(workspace)) == (["a", "b"], [], [])
    assert sorted((repo / "log.txt").read_text().split()) == ["main", "one", "slice"]


@pytest.mark.parametrize("style", ["merge", "rebase"])
def test_no_slice_is_synced_by_the_attributes_of_another(
    workspace: Workspace, style: SyncStyle
) -> None:
    report = sync(workspace, SyncRequest(slice_ids=BOTH, style=style))
    assert [one.slice_id for one in report.synced] == ["a"]
    assert [one.slice_id for one in report.conflicted] == ["b"]


@pytest.mark.parametrize("committed", [True, False])
def test_no_slice_is_tried_by_the_attributes_of_another(
    workspace: Workspace, committed: bool
) -> None:
    if not committed:
        git(slice_path(workspace, "a"), "reset", "--quiet", "--mixed", "HEAD~1")
    found = conflicts(workspace, None).conflicts
    assert [(one.slice_id, one.other, one.files) for one in found] == [("b", "main", ("log.txt",))]
