"""Slices whose worktree is not where the store has it, or whose branch is checked out elsewhere."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import convert, json

from gitslices.core.errors import RefusedError
from gitslices.core.model import SliceId, TaskGraph
from gitslices.ops.removal import PruneRequest, RemoveRequest, prune, remove
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_graph, examine
from tests.support.workspaces import open_at

A = SliceId("a")
GRAPH = {
    "goal_id": "g",
    "tasks": [{"id": id_, "owner_role": "w", "write_set": [f"{id_}/"]} for id_ in "ab"],
}


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Two slices, provisioned."""
    apply_graph(open_at(repo), convert(GRAPH, TaskGraph))
    return open_at(repo)


@pytest.fixture
def a(workspace: Workspace) -> Path:
    """The worktree of slice a."""
    return workspace.worktree_root / "g--a"


def find_record(workspace: Workspace) -> SliceRecord:
    with workspace.open_store() as store:
        record = store.find_slice("g", A)
    assert record is not None
    return record


def refusals(workspace: Workspace, *, force: bool) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        remove(workspace, RemoveRequest(slice_id=A, force=force))
    return [problem.message for problem in caught.value.problems]


def move_by_git(a: Path, moved: Path) -> None:
    git(a, "worktree", "move", str(a), str(moved))


def move_by_git_and_detach(a: Path, moved: Path) -> None:
    move_by_git(a, moved)
    git(moved, "switch", "--quiet", "--detach")


def move_by_hand(a: Path, moved: Path) -> None:
    a.rename(moved)


@pytest.mark.parametrize("move", [move_by_git, move_by_git_and_detach, move_by_hand])
def test_a_slice_whose_worktree_was_moved_is_not_removed(
    workspace: Workspace, a: Path, move: Callable[[Path, Path], None]
) -> None:
    moved = a.with_name("moved")
    move(a, moved)
    (moved / "loose.txt").write_text("precious")
    for force in (False, True):
        assert refusals(workspace, force=force) == [f"its worktree is at {str(moved)!r} now"]
    git(workspace.repo.common_dir, "worktree", "repair", str(moved))
    assert git(moved, "status", "--porcelain") == "?? loose.txt"
    assert git(moved, "rev-parse", "slices/g/a") == git(moved, "rev-parse", "HEAD")


def test_pruning_keeps_a_merged_slice_whose_worktree_was_moved(
    workspace: Workspace, repo: Path, a: Path
) -> None:
    commit_all(a, "Work")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge", "slices/g/a")
    move_by_git(a, a.with_name("moved"))
    report = prune(workspace, PruneRequest(force=True))
    assert report.removed == ()
    assert [problem.place for problem in report.refused] == ["a"]
    assert git(a.with_name("moved"), "status", "--porcelain", "--branch") == "## slices/g/a"


def test_a_branch_that_is_checked_out_elsewhere_is_not_removed(
    workspace: Workspace, repo: Path, a: Path
) -> None:
    git(a, "switch", "--quiet", "--detach")
    git(repo, "switch", "--quiet", "slices/g/a")
    for force in (False, True):
        assert refusals(workspace, force=force) == [f"its branch is checked out at {str(repo)!r}"]
    assert git(repo, "status", "--porcelain", "--branch") == "## slices/g/a"
    git(repo, "switch", "--quiet", "main")
    remove(workspace, RemoveRequest(slice_id=A))


def test_a_branch_that_a_rebase_elsewhere_will_move_is_not_removed(
    workspace: Workspace, repo: Path, a: Path
) -> None:
    commit_all(a, "Work")
    git(a, "switch", "--quiet", "--detach")
    git(repo, "switch", "--quiet", "slices/g/a")
    git(repo, "rebase", "--quiet", "--force-rebase", "--exec", "false", "main", ok=False)
    assert git(repo, "branch", "--show-current") == ""
    assert f"its branch is checked out at {str(repo)!r}" in refusals(workspace, force=True)
    git(repo, "rebase", "--abort")


def test_a_merge_sees_what_is_uncommitted_in_a_worktree_that_was_moved(
    cli: Cli, workspace: Workspace, a: Path
) -> None:
    commit_all(a, "Work")
    moved = a.with_name("moved")
    move_by_git(a, moved)
    (moved / "a").mkdir()
    (moved / "a" / "loose.txt").write_text("precious")
    done = cli("merge", "a")
    assert done.code == 1
    assert "uncommitted: a/" in done.out


def test_commits_on_no_branch_count_though_their_worktree_was_deleted(
    workspace: Workspace, a: Path
) -> None:
    git(a, "switch", "--quiet", "--detach")
    commit_all(a, "Precious")
    shutil.rmtree(a)
    assert refusals(workspace, force=False) == [
        "1 commit on no branch, at the worktree's detached HEAD"
    ]


def delete_worktree(a: Path) -> None:
    git(a, "worktree", "remove", "--force", str(a))


def keep_git_directory_apart(repo: Path) -> None:
    git(repo, "init", "--quiet", f"--separate-git-dir={repo.with_name('apart.git')}")


def link_to_git_directory(repo: Path) -> None:
    (repo / ".git").rename(repo.with_name("apart.git"))
    (repo / ".git").symlink_to(repo.with_name("apart.git"))


@pytest.mark.parametrize("lay_out", [None, keep_git_directory_apart, link_to_git_directory])
def test_the_main_worktree_is_never_taken_for_a_slices_own(
    repo: Path, lay_out: Callable[[Path], None] | None
) -> None:
    if lay_out:
        lay_out(repo)
    apply_graph(open_at(repo), convert(GRAPH, TaskGraph))
    workspace = open_at(repo)
    delete_worktree(workspace.worktree_root / "g--a")
    git(repo, "switch", "--quiet", "slices/g/a")
    before = find_record(workspace)
    (finding,) = examine(repo, fix=True)
    assert (finding.check, finding.fix, finding.fixed) == ("branch-elsewhere", None, False)
    assert finding.problem.startswith(f"its branch is checked out at '{repo.parent}/")
    assert find_record(workspace) == before
    git(repo, "switch", "--quiet", "main")
    assert [(one.check, one.fixed) for one in examine(repo, fix=True)] == [("lost-worktree", True)]
    assert git(Path(before.worktree_path), "status", "--porcelain", "--branch") == "## slices/g/a"


def test_a_branch_that_is_checked_out_elsewhere_is_told_with_the_way_back(
    workspace: Workspace, repo: Path, a: Path
) -> None:
    git(a, "switch", "--quiet", "--detach")
    git(repo, "switch", "--quiet", "slices/g/a")
    (finding,) = examine(repo)
    assert finding.check == "branch-elsewhere"
    assert finding.hint == f"switch to another branch there, then: git -C {a} switch slices/g/a"


def test_a_worktree_moved_by_git_is_found_on_whatever_branch_it_is(
    workspace: Workspace, repo: Path, a: Path
) -> None:
    move_by_git_and_detach(a, repo.parent / "far")
    (moved,) = examine(repo, fix=True)
    assert (moved.check, moved.fixed) == ("moved-worktree", True)
    assert find_record(workspace).worktree_path == str(repo.parent / "far")
    assert [one.check for one in examine(repo)] == ["off-branch"]


def test_nobody_gets_a_second_worktree_for_one_that_was_moved(
    cli: Cli, workspace: Workspace, a: Path
) -> None:
    for move in (move_by_git_and_detach, move_by_hand):
        moved = a.with_name(move.__name__)
        move(a, moved)
        done = cli("claim", "a")
        assert done.code == 1
        assert f"its worktree is at {str(moved)!r} now" in done.err
        assert not a.exists()
        moved.rename(a)
        git(a.parent.parent / "webshop", "worktree", "repair", str(a))


def rename_repository(repo: Path, *, worktrees: bool) -> Path:
    """Rename the repository's folder, and with `worktrees` that of its worktrees."""
    new = repo.rename(repo.with_name("renamed"))
    if worktrees:
        repo.with_name("webshop.slices").rename(repo.with_name("renamed.slices"))
    return new


@pytest.mark.parametrize("worktrees", [False, True])
def test_after_the_repository_was_renamed_the_doctor_mends_the_links(
    workspace: Workspace, repo: Path, a: Path, *, worktrees: bool
) -> None:
    (a / "loose.txt").write_text("precious")
    new = rename_repository(repo, worktrees=worktrees)
    now_at = new.with_name("renamed.slices") / "g--a" if worktrees else a
    check = "moved-worktree" if worktrees else "broken-link"
    assert [one.check for one in examine(new)] == [check] * 2
    assert [(one.check, one.fixed) for one in examine(new, fix=True)] == [(check, True)] * 2
    assert examine(new) == ()
    assert find_record(open_at(new)).worktree_path == str(now_at)
    assert git(now_at, "status", "--porcelain", "--branch") == "## slices/g/a\n?? loose.txt"


@pytest.mark.parametrize("worktrees", [False, True])
@pytest.mark.parametrize(
    "command", [("claim", "a"), ("remove", "a", "--force"), ("plan", "{graph}", "--apply")]
)
def test_after_the_repository_was_renamed_commands_say_what_mends_it(
    cli: Cli,
    workspace: Workspace,
    repo: Path,
    tmp_path: Path,
    command: tuple[str, ...],
    *,
    worktrees: bool,
) -> None:
    graph = tmp_path / "g.json"
    graph.write_bytes(json.encode({"version": 1, **GRAPH}))
    new = rename_repository(repo, worktrees=worktrees)
    done = cli(*(word.format(graph=graph) for word in command), directory=new)
    assert done.code == 1
    assert "gitslices doctor --fix" in done.err
    assert cli("doctor", "--fix", directory=new).code == 0
    assert cli(*(word.format(graph=graph) for word in command), directory=new).code == 0


def test_where_git_would_fail_of_a_broken_link_the_hint_is_the_doctor(
    cli: Cli, workspace: Workspace, repo: Path, a: Path
) -> None:
    commit_all(a, "Work")
    new = rename_repository(repo, worktrees=False)
    commit_all(new, "Elsewhere")
    done = cli("sync", "a", directory=new)
    assert done.code == 1
    assert "repair it: gitslices doctor --fix" in done.out


def test_a_merge_sees_what_is_uncommitted_behind_a_broken_link(
    cli: Cli, workspace: Workspace, repo: Path, a: Path
) -> None:
    commit_all(a, "Work")
    (a / "loose.txt").write_text("precious")
    done = cli("merge", "a", directory=rename_repository(repo, worktrees=False))
    assert (done.code, "uncommitted: loose.txt" in done.out) == (1, True)


def test_a_copy_of_the_repository_leaves_the_worktrees_of_the_first_alone(
    cli: Cli, workspace: Workspace, repo: Path, a: Path
) -> None:
    copy = Path(shutil.copytree(repo, repo.with_name("copy"), symlinks=True))
    assert [(one.check, one.fixed) for one in examine(copy, fix=True)] == [
        ("estranged-folder", False)
    ] * 2
    assert "not its worktree" in cli("remove", "a", "--force", directory=copy).err
    assert examine(repo) == ()
    assert git(a, "status", "--porcelain", "--branch") == "## slices/g/a"


def test_a_claim_passes_over_a_slice_that_is_out_of_place(repo: Path, call: Cli) -> None:
    tasks = [{"id": id_, "write_set": [f"{id_}/"]} for id_ in "ab"]
    graph = write_graph(repo.parent / "graph.json", *tasks)
    assert call("plan", graph, "--apply").code == 0
    top = repo.parent / "webshop.slices" / "default--a"
    git(repo, "worktree", "move", str(top), str(repo.parent / "moved"))
    claimed = call("claim", "--json").document
    assert claimed["slice_id"] == "b"
    moved = f"a was passed over: its worktree is at '{repo.parent / 'moved'}' now"
    assert claimed["warnings"] == [moved]
    refused = call("claim")
    assert (refused.code, "gitslices doctor --fix" in refused.err) == (1, True)
    assert call("doctor", "--fix").code == 0
    assert call("claim", "--json").document["slice_id"] == "a"
