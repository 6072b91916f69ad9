"""What only a worktree has is not overwritten by what comes, whatever becomes of folders."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.model import Oid
from gitslices.git.compare import read_tree_changes
from gitslices.git.follow import find_overwritten
from gitslices.git.read import read_base
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, slice_path
from tests.support.workspaces import open_at

IGNORED = "build/\n/out\n*.bin\n/link\n/tools/\n"


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    (repo / ".gitignore").write_text(IGNORED)
    commit_all(repo)
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["build", "out", "docs", "link", "tools"]},
               {"id": "b", "write_set": ["src/"]})  # fmt: skip
    return workspace


def put(top: Path, path: str) -> None:
    (top / path).parent.mkdir(parents=True, exist_ok=True)
    (top / path).write_text("precious")


def hide_repository(top: Path) -> None:
    put(top, "tools/lib/file")
    git(top / "tools", "init", "--quiet")


def link_folder(top: Path) -> None:
    put(top.parent, "elsewhere/x")
    (top / "link").symlink_to(top.parent / "elsewhere")


def change(top: Path, path: str) -> None:
    """Commit a file `path`, in place of a folder of that name."""
    git(top, "rm", "--quiet", "-r", "--ignore-unmatch", "--", path)
    (top / path).parent.mkdir(parents=True, exist_ok=True)
    (top / path).write_text("new")
    git(top, "add", "--force", "--", path)
    git(top, "commit", "--quiet", "-m", "Work")


CASES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "folder that becomes a file": (lambda top: put(top, "build/it/keep"), "build", "build/it/keep"),
    "file that becomes a folder": (lambda top: put(top, "out"), "out/deep/x", "out"),
    "link that becomes a folder": (link_folder, "link/x", "link"),
    "file in a tracked folder": (lambda top: put(top, "docs/x.bin"), "docs", "docs/x.bin"),
    "file of another repository": (hide_repository, "tools/lib/file", "tools/lib/file"),
    "folder of another repository": (hide_repository, "tools/lib", "tools/lib/file"),
}
"""How it comes to be there, the new path that it is in the way of, and what is named."""


@pytest.mark.parametrize("case", CASES)
def test_an_ignored_file_is_in_the_way_of_a_merge(
    cli: Cli, repo: Path, workspace: Workspace, case: str
) -> None:
    make, path, kept = CASES[case]
    make(repo)
    change(slice_path(workspace, "a"), path)
    done = cli("merge", "a")
    assert done.code == 1
    assert f"it would overwrite uncommitted work in '{repo}': {kept} (" in done.out
    assert (repo / kept / "x" if kept == "link" else repo / kept).read_text() == "precious"


@pytest.mark.parametrize("case", CASES)
def test_an_ignored_file_of_a_slice_is_in_the_way_of_a_sync_and_a_claim(
    cli: Cli, repo: Path, workspace: Workspace, case: str
) -> None:
    make, path, kept = CASES[case]
    top = slice_path(workspace, "b")
    make(top)
    change(repo, path)
    tip = git(top, "rev-parse", "HEAD")
    assert f"it would overwrite uncommitted work in '{top}': {kept} (" in cli("sync", "b").out
    assert cli("claim", "b", "--holder", "one").code == 0
    assert git(top, "rev-parse", "HEAD") == tip
    assert (top / kept / "x" if kept == "link" else top / kept).read_text() == "precious"


@pytest.mark.parametrize("edited", [False, True])
def test_tracked_files_make_way_unless_they_were_edited(
    repo: Path, workspace: Workspace, edited: bool
) -> None:
    before = read_base(workspace.repo, "main")
    change(repo, "docs")
    folder_gone = Oid(git(repo, "rev-parse", "HEAD"))
    (repo / "docs").unlink()
    put(repo, "docs/[x]")
    folder_back = Oid(commit_all(repo))
    git(repo, "checkout", "--quiet", before)
    paths = {"docs/api.md"} if edited else set()

    def find(old: Oid, new: Oid) -> tuple[str, ...]:
        changes = read_tree_changes(workspace.repo, old, new)
        return find_overwritten(workspace.repo, repo, paths, changes)

    assert find(before, folder_gone) == tuple(paths)
    git(repo, "checkout", "--quiet", folder_gone)
    assert find(folder_gone, folder_back) == ()
