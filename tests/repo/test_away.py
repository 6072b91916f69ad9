"""Worktrees on a disk that is not mounted: nothing is made there anew, and nothing is dropped."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.removal import PruneRequest, UndoRequest, prune, undo
from gitslices.ops.status import status
from gitslices.system.mounts import find_mounts_beneath
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git, list_worktrees
from tests.support.slices import Desk, examine

GRAPH = """[defaults]
owner_role = "executor"
[[tasks]]
id = "a"
write_set = ["src/"]
[[tasks]]
id = "b"
write_set = ["docs/"]
[[tasks]]
id = "new"
write_set = ["tests/"]
"""


class Disk:
    """Where the worktrees are, and what takes it away and brings it back."""

    def __init__(self, desk: Desk, take: Callable[[], object], bring: Callable[[], object]) -> None:
        self.desk = desk
        self.root = desk.workspace.worktree_root
        self.take = take
        self.bring = bring


def make_desk(repo: Path, root: Path) -> Desk:
    git(repo, "config", "gitslices.worktreeRoot", str(root))
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    tree = desk.worktree("a")
    (tree / "src" / "loose").write_text("only there")
    (tree / "src" / "staged").write_text("staged")
    git(tree, "add", "src/staged")
    return desk


def move_root(repo: Path, top: Path) -> Disk:
    root, elsewhere = top / "disk" / "trees", top / "elsewhere"
    desk = make_desk(repo, root)
    return Disk(desk, lambda: shutil.move(root, elsewhere), lambda: shutil.move(elsewhere, root))


def move_above(repo: Path, top: Path) -> Disk:
    above, elsewhere = top / "disk", top / "elsewhere"
    desk = make_desk(repo, above / "deep" / "trees")
    return Disk(desk, lambda: shutil.move(above, elsewhere), lambda: shutil.move(elsewhere, above))


def mount(source: Path, place: Path) -> None:
    command = ["mount", "--bind", str(source), str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")


def unmount(place: Path) -> None:
    subprocess.run(["umount", str(place)], check=True)


def mount_at(inner: str) -> Callable[[Path, Path], Disk]:
    """A disk whose mount point stays, as an empty folder; the root is `inner` on it."""

    def make(repo: Path, top: Path) -> Disk:
        place, source = top / "media", top / "source"
        for folder in (place, source):
            folder.mkdir()
        mount(source, place)
        desk = make_desk(repo, place / inner)
        return Disk(desk, lambda: unmount(place), lambda: mount(source, place))

    return make


DISKS = {
    "the root": move_root,
    "a folder above": move_above,
    "a mount above": mount_at("trees"),
    "a mount": mount_at("."),
}


@pytest.fixture(params=DISKS.values(), ids=list(DISKS))
def disk(repo: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Disk]:
    yield request.param(repo, tmp_path)
    for place in find_mounts_beneath(tmp_path):
        unmount(Path(place))


def list_kept(repo: Path) -> list[str]:
    """What git has of worktrees, and of branches."""
    folders = sorted((repo / ".git" / "worktrees").iterdir())
    refs = git(repo, "for-each-ref", "--format=%(refname) %(objectname)")
    files = [
        f"{path} {path.stat().st_size}"
        for folder in folders
        for path in (folder / "index", folder / "HEAD")
    ]
    return [*map(str, folders), *files, refs]


COMMANDS = {
    "doctor": ("doctor", "--fix"),
    "apply": ("plan", "GRAPH", "--apply", "--allow-dirty"),
    "claim": ("claim", "a"),
    "any": ("claim",),
    "remove": ("remove", "a"),
    "prune": ("prune",),
    "merge": ("merge", "a"),
    "sync": ("sync", "a"),
    "check": ("check", "--all"),
    "conflicts": ("conflicts",),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_what_is_away_is_left_alone(
    disk: Disk, tmp_path: Path, call: Cli, command: tuple[str, ...]
) -> None:
    graph = tmp_path / "graph.toml"
    graph.write_text(GRAPH)
    repo, tree = disk.desk.repo, disk.desk.worktree("a")
    disk.take()
    before, there = list_kept(repo), disk.root.exists()
    done = call(*(str(graph) if word == "GRAPH" else word for word in command))
    assert done.code in {0, 1} if command[0] in {"prune", "conflicts"} else done.code == 1, done
    assert list_kept(repo) == before
    assert disk.root.exists() == there
    assert not there or not list(disk.root.iterdir())
    disk.bring()
    assert git(tree, "status", "--short").split() == ["A", "src/staged", "??", "src/loose"]
    assert [one for one in examine(repo) if one.check != "graph"] == []


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_so_it_is_when_git_has_pruned_what_it_had_of_it(
    repo: Path, tmp_path: Path, call: Cli, command: tuple[str, ...]
) -> None:
    disk = mount_at(".")(repo, tmp_path)
    graph = tmp_path / "graph.toml"
    graph.write_text(GRAPH)
    disk.take()
    try:
        git(repo, "worktree", "prune", "--expire=now")
        before = git(repo, "for-each-ref", "--format=%(refname) %(objectname)")
        done = call(*(str(graph) if word == "GRAPH" else word for word in command))
        assert done.code == (0 if command[0] == "prune" else 1), done
        found = [one for one in examine(repo) if one.check != "graph"]
        assert [(one.check, one.thing) for one in found] == [
            ("away-worktree", "a"),
            ("away-worktree", "b"),
        ]
        assert list(disk.root.iterdir()) == []
        assert git(repo, "for-each-ref", "--format=%(refname) %(objectname)") == before
        problems = {one.problem for one in status(disk.desk.workspace, None).slices[:2]}
        assert problems == {"away"}
    finally:
        disk.bring()
        examine(repo, fix=True)
        assert git(disk.desk.worktree("a"), "status", "--short").split()[-1] == "src/staged"
        unmount(disk.root)


def test_the_doctor_says_where_it_is_missed(disk: Disk) -> None:
    disk.take()
    found = [one for one in examine(disk.desk.repo, fix=True) if one.check == "away-worktree"]
    assert [(one.thing, one.fixed) for one in found] == [("a", False), ("b", False)]
    assert "mount" in (found[0].hint or "")


def test_work_that_has_landed_is_not_pruned_unseen(disk: Disk) -> None:
    desk = disk.desk
    (desk.worktree("b") / "docs" / "work").write_text("work")
    commit_all(desk.worktree("b"), "Work")
    desk.merge("b")
    disk.take()
    report = prune(desk.workspace, PruneRequest())
    assert (report.removed, [one.place for one in report.refused]) == ((), ["b"])


def test_nothing_is_made_beside_what_other_goals_have_there(disk: Disk, call: Cli) -> None:
    disk.take()
    other = disk.desk.repo.with_name("other.toml")
    other.write_text('goal_id = "other"\n' + GRAPH.replace("executor", "x"))
    there = disk.root.exists()
    done = call("plan", str(other), "--apply", "--allow-dirty")
    assert done.code == 1, done
    assert disk.root.exists() == there


def test_a_slice_whose_disk_is_lost_can_be_removed_and_undone(disk: Disk, call: Cli) -> None:
    tree = disk.desk.worktree("a")
    disk.take()
    done = call("remove", "a", "--force")
    assert done.code == 0, done
    disk.bring()
    undo(disk.desk.workspace, UndoRequest(slice_id=SliceId("a")))
    assert git(tree, "status", "--short").split() == ["A", "src/staged", "??", "src/loose"]


def test_where_the_folder_was_deleted_an_empty_one_says_so(repo: Path, tmp_path: Path) -> None:
    disk = move_root(repo, tmp_path)
    tree = disk.desk.worktree("a")
    disk.take()
    (finding, *_) = examine(repo)
    assert "gitslices doctor --fix --deleted" in (finding.hint or "")
    found = examine(repo, fix=True, deleted=True)
    assert [(one.check, one.thing, one.fixed) for one in found if one.check != "graph"] == [
        ("deleted-folder", str(disk.root), True),
        ("lost-worktree", "a", True),
        ("lost-worktree", "b", True),
    ]
    assert git(tree, "status", "--short") == ""
    assert "refs/gitslices/trash/" in git(repo, "for-each-ref")  # what was staged


def test_a_mount_point_without_its_disk_is_never_deleted(repo: Path, tmp_path: Path) -> None:
    disk = mount_at("trees")(repo, tmp_path)
    disk.take()
    before = list_kept(repo)
    found = examine(repo, fix=True, deleted=True)
    assert [(one.check, one.fixed) for one in found] == [("away-worktree", False)] * 2
    assert (list_kept(repo), disk.root.exists()) == (before, False)


def test_a_folder_deleted_on_a_disk_that_is_mounted_is_gone(repo: Path, tmp_path: Path) -> None:
    disk = mount_at("trees")(repo, tmp_path)
    try:
        shutil.rmtree(disk.desk.worktree("b"))
        assert [one.check for one in examine(repo)] == ["lost-worktree"]
    finally:
        unmount(tmp_path / "media")


def test_what_was_pruned_meanwhile_is_registered_again_once_it_is_back(
    disk: Disk, call: Cli
) -> None:
    desk = disk.desk
    tip = commit_all(desk.worktree("b"), "Work")
    mine = desk.worktree("a") / "src" / "loose"
    disk.take()
    for admin in (desk.repo / ".git" / "worktrees").iterdir():
        shutil.rmtree(admin)  # as `git worktree prune` does once it may
    disk.bring()
    found = [one for one in examine(desk.repo) if one.check == "pruned-worktree"]
    assert [(one.thing, one.fixed) for one in found] == [("a", False), ("b", False)]
    fixed = [one for one in examine(desk.repo, fix=True) if one.check == "pruned-worktree"]
    assert [one.fixed for one in fixed] == [True, True]
    assert examine(desk.repo) == ()
    assert git(desk.worktree("a"), "status", "--short").split() == [
        "??", "src/loose", "??", "src/staged",
    ]  # fmt: skip
    assert mine.read_text() == "only there"
    assert git(desk.worktree("b"), "rev-parse", "HEAD") == tip
    assert git(desk.worktree("b"), "symbolic-ref", "--short", "HEAD") == desk.branch("b")
    assert desk.claim("b").slice_id == "b"


@pytest.mark.parametrize("state", ["branch elsewhere", "name taken", "another repository's"])
def test_what_was_pruned_is_told_apart_from_what_is_not_the_slice_s(
    repo: Path, tmp_path: Path, state: str
) -> None:
    disk = move_root(repo, tmp_path)
    tree, admins = disk.desk.worktree("a"), repo / ".git" / "worktrees"
    shutil.rmtree(admins / "default--a")
    if state == "branch elsewhere":
        git(repo, "worktree", "add", "--quiet", str(tmp_path / "x"), disk.desk.branch("a"))
    elif state == "name taken":
        git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "default--a"))
    else:
        (tree / ".git").write_text(f"gitdir: {tmp_path}/other/.git/worktrees/default--a\n")
    examine(repo, fix=True)
    is_renewed = state == "name taken"
    assert (str(tree) in list_worktrees(repo)) == is_renewed
    assert (tree / "src" / "loose").read_text() == "only there"
    if is_renewed:
        assert git(tree, "symbolic-ref", "--short", "HEAD") == disk.desk.branch("a")
        assert git(tmp_path / "default--a", "status", "--short") == ""


def test_a_sparse_worktree_that_was_pruned_is_sparse_again(repo: Path, tmp_path: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, sparse=True)
    tree = desk.worktree("a")
    before = sorted(path.name for path in tree.iterdir())
    shutil.rmtree(repo / ".git" / "worktrees" / "default--a")
    examine(repo, fix=True)
    assert git(tree, "status", "--short") == ""
    assert sorted(path.name for path in tree.iterdir()) == before


def test_what_a_killed_apply_had_begun_there_waits_until_it_is_back(
    repo: Path, tmp_path: Path, cli: Cli
) -> None:
    root, elsewhere = tmp_path / "disk" / "trees", tmp_path / "elsewhere"
    git(repo, "config", "gitslices.worktreeRoot", str(root))
    graph = tmp_path / "graph.toml"
    graph.write_text(GRAPH)
    killed = cli("plan", str(graph), "--apply", env={"GITSLICES_FAULT": "write:index"})
    assert killed.code == -9
    shutil.move(root, elsewhere)
    for command in (
        ("status",),
        ("plan", str(graph), "--apply"),
        ("claim", "a"),
        ("doctor", "--fix"),
    ):
        said = cli(*command)
        assert "away" in said.out + said.err or command == ("status",)
        assert not root.exists()
    shutil.move(elsewhere, root)
    assert cli("status").code == 0
    tree = root / "default--a"
    assert git(tree, "status", "--short") == ""
    assert examine(repo) == ()
