"""What git still has of a worktree that is gone stays; what is mounted or away is left alone."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitslices.core.errors import RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.removal import (
    PruneRequest,
    RemoveRequest,
    UndoRequest,
    list_trash,
    prune,
    remove,
    undo,
)
from gitslices.ops.upkeep import empty_trash
from gitslices.system.folders import delete_tree
from gitslices.system.mounts import Mount, find_mount, find_mounts_beneath, parse_mounts
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk
from tests.support.workspaces import HALFWAY, LATER, open_at

A = SliceId("a")


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    return desk


def detach(tree: Path) -> str:
    git(tree, "switch", "--quiet", "--detach")
    (tree / "src" / "detached").write_text("detached")
    return commit_all(tree, "On no branch")


def rebase(tree: Path) -> str:
    for number in range(3):
        (tree / "src" / f"n{number}").write_text("n")
        commit_all(tree, f"n{number}")
    editor = "sed -i -e '2s/^pick/edit/'"
    git(tree, "rebase", "--quiet", "--interactive", "HEAD~3", GIT_SEQUENCE_EDITOR=editor, ok=False)
    (tree / "src" / "more").write_text("made in the rebase")
    return commit_all(tree, "In the rebase")


def stage(tree: Path) -> str:
    (tree / "src" / "staged").write_text("only staged")
    git(tree, "add", "--all")
    return git(tree, "rev-parse", ":src/staged")


def conflict(tree: Path) -> str:
    git(tree, "switch", "--quiet", "--create", "aside")
    (tree / "src" / "both").write_text("theirs")
    commit_all(tree, "Aside")
    git(tree, "switch", "--quiet", "slices/default/a")
    (tree / "src" / "both").write_text("ours")
    commit_all(tree, "Ours")
    (tree / "src" / "staged").write_text("staged in a merge")
    git(tree, "merge", "--quiet", "aside", ok=False)
    git(tree, "add", "--all")
    return git(tree, "rev-parse", ":src/staged")


LEFT = {"a detached HEAD": detach, "a rebase": rebase, "staged": stage, "a merge": conflict}
AGAIN = {
    "claim": ("claim", "a"),
    "apply": ("plan", "GRAPH", "--apply", "--allow-dirty"),
    "doctor": ("doctor", "--fix"),
    "remove": ("remove", "a", "--force"),
}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize("leave", LEFT.values(), ids=LEFT)
def test_work_that_only_git_has_outlives_the_worktree(
    desk: Desk, tmp_path: Path, call: Cli, leave: Callable[[Path], str], again: tuple[str, ...]
) -> None:
    graph = tmp_path / "graph.toml"
    graph.write_text(
        '[defaults]\nowner_role = "executor"\n[[tasks]]\nid = "a"\nwrite_set = ["src/"]\n'
        '[[tasks]]\nid = "b"\nwrite_set = ["docs/"]\n'
    )
    tree = desk.worktree("a")
    oid = leave(tree)
    shutil.rmtree(tree)
    done = call(*(str(graph) if word == "GRAPH" else word for word in again))
    assert done.code == 0, done.err
    git(desk.repo, "reflog", "expire", "--expire=now", "--all")
    git(desk.repo, "gc", "--quiet", "--prune=now")
    git(desk.repo, "cat-file", "-e", oid)
    assert "a" in [one.slice_id for one in list_trash(desk.workspace, None).trash]
    if again[0] != "remove":
        assert "refs/gitslices/trash/" in done.out + done.err
        assert git(tree, "status", "--short") == ""


def test_where_git_has_nothing_more_nothing_is_kept(desk: Desk) -> None:
    shutil.rmtree(desk.worktree("a"))
    desk.claim("a")
    assert list_trash(desk.workspace, None).trash == ()


def test_undo_leaves_no_reflog_that_git_complains_of(desk: Desk) -> None:
    tree = desk.worktree("a")
    detach(tree)
    git(tree, "switch", "--quiet", "slices/default/a")
    remove(desk.workspace, RemoveRequest(slice_id=A, force=True))
    git(desk.repo, "gc", "--quiet", "--prune=now")
    undo(desk.workspace, UndoRequest())
    said = subprocess.run(
        ["git", "-C", str(desk.repo), "fsck", "--no-progress"], capture_output=True, check=False
    )
    assert (said.returncode, said.stderr) == (0, b"")
    assert git(tree, "reflog", "-1", "HEAD") != ""


@pytest.fixture
def mounted(desk: Desk, tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Mount a folder with a file at a place, and return the folder."""

    def mount(place: Path) -> Path:
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        (data / "file").write_text("somebody else's")
        place.mkdir(parents=True)
        done = subprocess.run(
            ["mount", "--bind", str(data), str(place)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("nothing can be mounted here")
        return data

    yield mount
    for place in find_mounts_beneath(tmp_path):  # wherever it is now
        subprocess.run(["umount", place], check=True)


def test_a_worktree_with_a_mount_in_it_is_not_removed(
    desk: Desk, mounted: Callable[[Path], Path]
) -> None:
    place = desk.worktree("a") / "mounted here"
    mounted(place)
    with pytest.raises(RefusedError) as caught:
        remove(desk.workspace, RemoveRequest(slice_id=A, force=True))
    assert [str(place) in one.message for one in caught.value.problems] == [True]
    assert (place / "file").exists()


def test_it_keeps_no_other_from_being_pruned(desk: Desk, mounted: Callable[[Path], Path]) -> None:
    for id_ in ("a", "b"):
        (desk.worktree(id_) / {"a": "src", "b": "docs"}[id_] / "work").write_text("work")
        commit_all(desk.worktree(id_), "Work")
        desk.merge(id_)
    place = desk.worktree("a") / "node_modules"
    mounted(place)
    report = prune(desk.workspace, PruneRequest(force=True))
    assert [one.slice_id for one in report.removed] == ["b"]
    assert [one.place for one in report.refused] == ["a"]


def test_emptying_the_trash_leaves_what_was_mounted_into_it(
    desk: Desk, mounted: Callable[[Path], Path]
) -> None:
    (desk.worktree("a") / "loose").write_text("loose")
    remove(desk.workspace, RemoveRequest(slice_id=A, force=True))
    (folder,) = (desk.workspace.state_folder / "trash").glob("*/*/worktree")
    data = mounted(folder / "deep" / "mounted")
    empty_trash(open_at(desk.repo, now=HALFWAY))
    assert len(empty_trash(open_at(desk.repo, now=LATER)).emptied) == 1
    assert (data / "file").read_text() == "somebody else's"
    assert not list(desk.workspace.state_folder.rglob("loose"))


def test_a_mount_is_no_folder_to_be_deleted(
    tmp_path: Path, mounted: Callable[[Path], Path]
) -> None:
    top = tmp_path / "top"
    data = mounted(top / "a" / "b")
    (top / "a" / "beside").write_text("goes")
    delete_tree(top)
    assert (data / "file").exists()
    assert not (top / "a" / "beside").exists()


def test_mounts_are_read_with_odd_names() -> None:
    listing = (
        b"36 35 98:0 / /mnt/a\\040b\\134c rw,noatime master:1 - ext4 /dev/sda rw\n"
        b"37 35 0:50 / /mnt/n rw shared:1 master:2 - nfs4 host:/x rw\n"
        b"what is no entry\n38 35 0:51 / /mnt/s rw - fuse.sshfs host:/x rw\n"
    )
    found = tuple(parse_mounts(listing))
    assert found == (
        Mount("/mnt/a b\\c", "ext4"), Mount("/mnt/n", "nfs4"), Mount("/mnt/s", "fuse.sshfs"),
    )  # fmt: skip
    assert [one.is_network for one in found] == [False, True, True]


def test_the_nearest_mount_holds_a_path(tmp_path: Path) -> None:
    mount = find_mount(tmp_path)
    if mount is None:
        pytest.skip("this system does not tell")
    assert os.path.realpath(tmp_path).startswith(mount.point)


def test_what_is_away_is_not_written_off(
    desk: Desk, call: Cli, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Path("/dev/shm")
    if not os.access(other, os.W_OK) or other.stat().st_dev == desk.repo.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    root = other / f"{tmp_path_factory.getbasetemp().name}-{os.getpid()}-away"
    away = root.with_name(f"{root.name}-elsewhere")
    try:
        git(desk.repo, "config", "gitslices.worktreeRoot", str(root))
        far = Desk(desk.repo)
        far.apply({"id": "c", "write_set": ["tests/"]}, goal_id="far")
        tree = root / "far--c"
        (tree / "tests" / "loose").write_text("loose")
        remove(far.workspace, RemoveRequest(slice_id=SliceId("c"), goal_id="far", force=True))
        root.rename(away)
        assert "away-trash" in call("doctor", "--fix").out
        for now in (HALFWAY, LATER):
            assert empty_trash(open_at(desk.repo, now=now)).emptied == ()
        away.rename(root)
        undo(far.workspace, UndoRequest(slice_id=SliceId("c")))
        assert (tree / "tests" / "loose").read_text() == "loose"
    finally:
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(away, ignore_errors=True)
