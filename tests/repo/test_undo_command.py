"""Removal and `gitslices undo`: whatever was taken away comes back as it was."""

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gitslices.core.errors import InputError, RefusedError, UnknownSliceError
from gitslices.core.model import SliceId
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyRequest, apply
from gitslices.ops.plan import PlanRequest, plan
from gitslices.ops.removal import (
    PruneRequest,
    RemoveRequest,
    UndoRequest,
    list_trash,
    prune,
    remove,
    undo,
)
from gitslices.ops.reopen import ReopenRequest, reopen
from gitslices.ops.upkeep import empty_trash
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.graphs import make_graph
from tests.support.repositories import commit_all, git, list_branches, list_worktrees
from tests.support.workspaces import HALFWAY, LATER, open_at

A, B = SliceId("a"), SliceId("b")
SNAPSHOT = ("status", "--porcelain=v2", "--branch", "--untracked-files=all", "--ignored")


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Two slices, a then b, provisioned."""
    workspace = open_at(repo)
    provision(workspace)
    return workspace


def provision(workspace: Workspace) -> None:
    graph = make_graph({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["src/"]})
    made = plan(workspace, PlanRequest(scoped=parse_scopes(graph)))
    apply(workspace, ApplyRequest(graph=graph, plan=made), lambda progress: None)


@pytest.fixture
def a(workspace: Workspace) -> Path:
    """The worktree of slice a."""
    return workspace.worktree_root / "default--a"


def take(workspace: Workspace, *, force: bool = True) -> None:
    remove(workspace, RemoveRequest(slice_id=A, force=force))


def refusals(workspace: Workspace) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        take(workspace, force=False)
    return [problem.message for problem in caught.value.problems]


def make_every_kind_of_change(worktree: Path) -> None:
    (worktree / "committed.txt").write_text("committed")
    commit_all(worktree, "Work")
    (worktree / "staged.txt").write_text("staged")
    git(worktree, "add", "staged.txt")
    git(worktree, "rm", "--quiet", "docs/api.md")
    (worktree / "staged.txt").write_text("staged, then changed")
    (worktree / "Makefile").write_text("changed")
    (worktree / "loose.txt").write_text("untracked")
    (worktree / "link").symlink_to("/nowhere")
    (worktree / "odd\nname \udce9.txt").write_bytes(b"odd")


def test_undo_brings_back_branch_worktree_index_and_state(
    workspace: Workspace, a: Path, repo: Path
) -> None:
    make_every_kind_of_change(a)
    before = (git(a, *SNAPSHOT), git(a, "diff", "--cached"), git(a, "diff"), list_branches(repo))
    take(workspace)
    assert not a.exists()
    assert list_branches(repo) == ["main", "slices/default/b"]
    # What is only staged is named by nothing but the trash's own reference.
    git(repo, "gc", "--quiet", "--prune=now")
    report = undo(workspace, UndoRequest(slice_id=A))
    assert [one.slice_id for one in report.restored] == ["a"]
    assert (
        git(a, *SNAPSHOT),
        git(a, "diff", "--cached"),
        git(a, "diff"),
        list_branches(repo),
    ) == before
    assert git(repo, "for-each-ref", "refs/gitslices/") == ""
    assert git(repo, "fsck", "--no-progress", "--strict", "--no-dangling") == ""
    with workspace.open_store() as store:
        assert [record.slice_id for record in store.read_slices()] == ["a", "b"]
        assert [event.event for event in store.read_events(slice_id="a")] == [
            "provisioned", "removed", "restored",
        ]  # fmt: skip
    assert not any((workspace.state_folder / "trash").iterdir())


def test_undo_brings_back_a_merge_under_way(workspace: Workspace, a: Path, repo: Path) -> None:
    for place, text in ((a, "ours"), (repo, "theirs")):
        (place / "Makefile").write_text(text)
        commit_all(place)
    git(a, "merge", "main", ok=False)
    before = git(a, *SNAPSHOT)
    assert "u UU" in before
    take(workspace)
    git(repo, "gc", "--quiet", "--prune=now")
    undo(workspace, UndoRequest(slice_id=A))
    assert git(a, *SNAPSHOT) == before
    git(a, "merge", "--abort")
    assert git(a, "status", "--porcelain") == ""


def test_commits_on_a_detached_head_are_refused_and_kept_by_force(
    workspace: Workspace, a: Path, repo: Path
) -> None:
    git(a, "switch", "--quiet", "--detach")
    commit = commit_all(a, "On no branch")
    assert refusals(workspace) == ["1 commit on no branch, at the worktree's detached HEAD"]
    take(workspace)
    git(repo, "gc", "--quiet", "--prune=now")
    undo(workspace, UndoRequest())
    assert git(a, "rev-parse", "HEAD") == commit


def test_undo_without_a_name_takes_back_the_whole_prune(
    workspace: Workspace, repo: Path, a: Path
) -> None:
    for id_ in ("a", "b"):
        commit_all(workspace.worktree_root / f"default--{id_}", f"Work on {id_}")
        git(repo, "merge", "--quiet", "--no-ff", "--no-edit", f"slices/default/{id_}")
    before = list_branches(repo)
    assert len(prune(workspace, PruneRequest()).removed) == 2
    assert list_branches(repo) == ["main"]
    assert [one.slice_id for one in list_trash(workspace, None).trash] == ["a", "b"]
    assert [one.slice_id for one in undo(workspace, UndoRequest()).restored] == ["a", "b"]
    assert list_branches(repo) == before
    assert len(list_worktrees(repo)) == 3
    assert list_trash(workspace, None).trash == ()


def take_branch(workspace: Workspace, a: Path) -> None:
    git(workspace.repo.common_dir, "branch", "slices/default/a", "main")


def take_path(workspace: Workspace, a: Path) -> None:
    a.mkdir()


def make_again(workspace: Workspace, a: Path) -> None:
    reopen(workspace, ReopenRequest(slice_id=A))
    provision(workspace)


@pytest.mark.parametrize(
    ("meddle", "says"),
    [
        (take_branch, "branch 'slices/default/a' has been taken since"),
        (take_path, "has been taken since"),
        (make_again, "it has been made again since"),
    ],
)
def test_undo_is_refused_where_something_is_there_by_now(
    workspace: Workspace, a: Path, meddle: Callable[[Workspace, Path], None], says: str
) -> None:
    (a / "loose.txt").write_text("precious")
    take(workspace)
    meddle(workspace, a)
    with pytest.raises(RefusedError) as caught:
        undo(workspace, UndoRequest(slice_id=A))
    (problem,) = caught.value.problems
    assert says in problem.message
    (kept,) = (workspace.state_folder / "trash").rglob("loose.txt")
    assert kept.read_text() == "precious"


def test_undo_of_what_is_not_in_the_trash_is_refused(workspace: Workspace) -> None:
    with pytest.raises(RefusedError, match="the trash is empty"):
        undo(workspace, UndoRequest())
    take(workspace)
    with pytest.raises(UnknownSliceError, match="'aa' is not in the trash") as caught:
        undo(workspace, UndoRequest(slice_id=SliceId("aa")))
    assert caught.value.hint == "the nearest is 'a'"


def test_a_slice_removed_from_two_goals_asks_for_one(workspace: Workspace) -> None:
    graph = make_graph({"id": "a", "write_set": ["docs/"]}, goal_id="other")
    made = plan(workspace, PlanRequest(scoped=parse_scopes(graph)))
    apply(workspace, ApplyRequest(graph=graph, plan=made), lambda progress: None)
    for goal in ("default", "other"):
        remove(workspace, RemoveRequest(slice_id=A, goal_id=goal))
    with pytest.raises(InputError, match="removed from 2 goals: default, other"):
        undo(workspace, UndoRequest(slice_id=A))
    (one,) = undo(workspace, UndoRequest(slice_id=A, goal_id="other")).restored
    assert one.goal_id == "other"


def test_ignored_files_forbid_removal_unless_disposable_or_in_the_main_worktree(
    workspace: Workspace, a: Path, repo: Path
) -> None:
    (repo / ".git" / "info").mkdir(exist_ok=True)
    (repo / ".git" / "info" / "exclude").write_text(
        "__pycache__/\nnode_modules/\n.env\ndata/\n*.log\n"
    )
    for path in (
        "src/__pycache__/x.pyc",
        "node_modules/x/y.js",
        ".env",
        "data/1",
        "data/2",
        "n.log",
    ):
        (a / path).parent.mkdir(parents=True, exist_ok=True)
        (a / path).write_text("x")
    assert refusals(workspace) == ["ignored by git, and nowhere else: .env, data/, n.log"]
    (repo / ".worktreeinclude").write_text("# brought along\n.env\n")
    (repo / ".env").write_text("x")
    git(repo, "config", "--add", "gitslices.disposable", "*.log")
    assert refusals(workspace) == ["ignored by git, and nowhere else: data/"]
    git(repo, "config", "--add", "gitslices.disposable", "!node_modules/")
    assert refusals(workspace) == ["ignored by git, and nowhere else: data/, node_modules/"]
    take(workspace)
    undo(workspace, UndoRequest())
    assert (a / "data" / "2").read_text() == "x"


def test_a_claimed_slice_is_never_removed(a: Path, cli: Cli) -> None:
    assert cli("claim", "a", "--holder", "agent").code == 0
    for force in ((), ("--force",)):
        done = cli("remove", "a", *force)
        assert done.code == 1
        assert "it is claimed" in done.err
    assert a.is_dir()
    assert cli("release", "a", "--force").code == 0
    assert cli("remove", "a").code == 0


def test_a_folder_that_took_the_worktrees_place_is_left_alone(
    workspace: Workspace, a: Path
) -> None:
    (a / ".git").unlink()
    with pytest.raises(RefusedError) as caught:
        take(workspace)
    assert "not its worktree" in caught.value.problems[0].message
    assert (a / "Makefile").exists()


def test_a_deleted_worktree_is_removed_with_its_registration(
    workspace: Workspace, a: Path, repo: Path
) -> None:
    far = repo / "far"
    a.rename(far)
    take(workspace)
    assert len(list_worktrees(repo)) == 2
    far.rename(a)
    undo(workspace, UndoRequest())
    assert git(a, "branch", "--show-current") == "slices/default/a"


def test_a_worktree_cannot_name_anothers_folder_as_its_own(
    workspace: Workspace, a: Path, repo: Path
) -> None:
    (a / ".git").write_text(f"gitdir: {repo}/.git/worktrees/default--b\n")
    with pytest.raises(RefusedError) as caught:
        take(workspace)
    assert "git's link to its worktree" in caught.value.problems[0].message
    git(repo, "worktree", "repair")
    take(workspace)
    b = workspace.worktree_root / "default--b"
    assert git(b, "branch", "--show-current") == "slices/default/b"


def test_removal_from_inside_the_worktree_works_and_says_where_to_go(
    cli: Cli, workspace: Workspace, a: Path, repo: Path
) -> None:
    inside = os.open(a / "src", os.O_RDONLY)
    done = cli("remove", "a", directory=a / "src")
    assert (done.code, done.err) == (0, f"the current directory is in the trash now: cd {repo}\n")
    assert not a.exists()
    assert cli("undo").code == 0
    assert Path(f"/proc/self/fd/{inside}").resolve() == a / "src"
    os.close(inside)


def test_pruning_from_inside_a_worktree_says_where_to_go_once_it_is_gone(
    cli: Cli, workspace: Workspace, a: Path, repo: Path
) -> None:
    commit_all(a, "Work")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge", "slices/default/a")
    assert cli("prune", "--dry-run", directory=a).err == ""
    done = cli("prune", "--json", directory=a)
    assert [one["slice_id"] for one in done.document["removed"]] == ["a"]
    assert done.err == f"the current directory is in the trash now: cd {repo}\n"


def test_a_worktree_on_another_file_system_is_removed_and_comes_back(
    repo: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Path("/dev/shm")
    if not os.access(other, os.W_OK) or other.stat().st_dev == repo.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    root = other / f"{tmp_path_factory.getbasetemp().name}-{os.getpid()}-slices"
    try:
        git(repo, "config", "gitslices.worktreeRoot", str(root))
        workspace = open_at(repo)
        provision(workspace)
        make_every_kind_of_change(root / "default--a")
        before = git(root / "default--a", *SNAPSHOT)
        take(workspace)
        assert not (root / "default--a").exists()
        undo(workspace, UndoRequest())
        assert git(root / "default--a", *SNAPSHOT) == before
        take(workspace)
        empty_trash(open_at(repo, now=HALFWAY))
        empty_trash(open_at(repo, now=LATER))
        assert [path.name for path in root.rglob("*.txt")] == []
    finally:
        shutil.rmtree(root, ignore_errors=True)


def test_submodule_commits_that_no_remote_has_forbid_removal(repo: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet")
    commit_all(library, "Start")
    file = ("-c", "protocol.file.allow=always")
    git(repo, *file, "submodule", "--quiet", "add", str(library), "lib")
    commit_all(repo, "Library")
    workspace = open_at(repo)
    provision(workspace)
    a = workspace.worktree_root / "default--a"
    git(a, *file, "submodule", "--quiet", "update", "--init")
    commit_all(a / "lib", "Own work")
    assert refusals(workspace) == ["uncommitted: lib", "submodule lib: 1 commit that no remote has"]
    before = git(a, *SNAPSHOT)
    take(workspace)
    undo(workspace, UndoRequest())
    assert git(a, *SNAPSHOT) == before
    assert git(a / "lib", "log", "-1", "--format=%s") == "Own work"


def test_the_trash_is_emptied_after_fourteen_days_and_not_before(
    workspace: Workspace, a: Path, repo: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("not ours")
    (a / "link").symlink_to(tmp_path / "outside")
    (a / "sealed").mkdir()
    (a / "sealed" / "file").write_text("read-only folder")
    (a / "sealed").chmod(0o500)
    take(workspace)
    empty_trash(open_at(repo, now=HALFWAY))
    almost = open_at(repo, now=LATER - timedelta(seconds=1))
    assert empty_trash(almost).emptied == ()
    later = open_at(repo, now=LATER)
    assert [one.slice_id for one in empty_trash(later, dry_run=True).emptied] == ["a"]
    assert list_trash(workspace, None).trash != ()
    assert [one.slice_id for one in empty_trash(later).emptied] == ["a"]
    assert git(repo, "for-each-ref", "refs/gitslices/") == ""
    assert list((workspace.state_folder / "trash").iterdir()) == []
    assert (tmp_path / "outside" / "file").read_text() == "not ours"


def test_a_removal_empties_the_trash_in_the_background(
    workspace: Workspace, cli: Cli, repo: Path
) -> None:
    take(workspace)  # on a clock that stands long ago
    empty_trash(open_at(repo, now=HALFWAY))
    trash = workspace.state_folder / "trash"
    (old,) = trash.iterdir()
    done = cli("remove", "b")
    assert (done.code, done.err) == (0, "")
    while old.exists() or (trash / "expired").exists():
        os.sched_yield()
    assert [one.slice_id for one in list_trash(workspace, None).trash] == ["b"]


def test_the_command_lists_brings_back_and_empties(cli: Cli, workspace: Workspace) -> None:
    take(workspace)
    listed = cli("undo", "--list").out
    assert listed.startswith("a of default: removed 2026-01-01T00:00:00Z, kept until 2026-01-1")
    (entry,) = cli("undo", "--list", "--json").document["trash"]
    assert entry["branch_name"] == "slices/default/a"
    done = cli("undo", "a", "--json").document
    assert (done["ok"], [one["slice_id"] for one in done["restored"]]) == (True, ["a"])
    assert cli("undo", "--list").out == "the trash is empty\n"
    assert cli("prune", "--trash").out == "nothing in the trash is 14 days old\n"


def test_the_help_of_prune_says_which_trash_goes(cli: Cli) -> None:
    told = " ".join(cli("prune", "--help").out.split())
    assert "Only delete from the trash what was removed 14 days ago or earlier." in told


def stage_new(worktree: Path) -> None:
    (worktree / "new").write_text("new")
    git(worktree, "add", "new")


def stage_link(worktree: Path) -> None:
    (worktree / "link").symlink_to("/nowhere")
    git(worktree, "add", "link")


def stage_mode(worktree: Path) -> None:
    git(worktree, "update-index", "--chmod=+x", "Makefile")


def stage_intent(worktree: Path) -> None:
    (worktree / "intent").write_text("not written yet")
    git(worktree, "add", "--intent-to-add", "intent")


def stage_deletion(worktree: Path) -> None:
    git(worktree, "rm", "--quiet", "Makefile")


def stage_submodule(worktree: Path) -> None:
    entry = f"160000,{git(worktree, 'rev-parse', 'HEAD')},sub"
    git(worktree, "update-index", "--add", "--cacheinfo", entry)


@pytest.mark.parametrize(
    "stage",
    [stage_new, stage_link, stage_mode, stage_intent, stage_deletion, stage_submodule],
)
def test_every_git_is_content_with_what_keeps_staged_content(
    workspace: Workspace, a: Path, repo: Path, stage: Callable[[Path], None]
) -> None:
    stage(a)
    before = git(a, "diff", "--cached")
    take(workspace)
    kinds = git(repo, "for-each-ref", "--format=%(objecttype)", "refs/gitslices/")
    assert set(kinds.split()) == {"commit"}
    assert git(repo, "-c", "gc.writeCommitGraph=true", "gc", "--prune=now", ok=False) == ""
    assert not (repo / ".git" / "gc.log").exists()
    undo(workspace, UndoRequest(slice_id=A))
    assert git(a, "diff", "--cached") == before
