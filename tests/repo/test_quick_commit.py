"""The quick answer to a commit: what it rests on, and that it rests on nothing else."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.ops.hook import InstallRequest, install
from gitslices.quick.scope_file import seal
from tests.support.quick import commits_plainly, find_scope_file, refresh
from tests.support.repositories import commit_all, commit_quietly, git
from tests.support.slices import Desk, check_at, find_owners, set_status, slice_path

TASKS = (
    {"id": "a", "write_set": ["*.md", "docs/"]},
    {"id": "b", "write_set": ["src/", "!src/api/", "new-*.txt", "Makefile"]},
)


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply(*TASKS)
    return desk


@pytest.fixture
def b(desk: Desk) -> Path:
    """The worktree of slice b, with a change that it may make in the index."""
    top = desk.worktree("b")
    stage(top, "src/new.py")
    refresh(top)
    assert commits_plainly(top)
    return top


def stage(top: Path, path: str) -> None:
    (top / path).parent.mkdir(parents=True, exist_ok=True)
    (top / path).write_text("new\n")
    git(top, "add", "--", path)


def test_an_earlier_commit_outside_the_scope_is_not_forgotten(b: Path) -> None:
    (b / "notes.txt").write_text("outside\n")
    commit_quietly(b)
    stage(b, "src/more.py")
    assert not commits_plainly(b)
    assert find_owners(check_at(b, staged=True)) == {"notes.txt": None}


def test_undoing_what_the_target_did_is_not_plain(desk: Desk, b: Path) -> None:
    (desk.repo / "Dockerfile").write_text("theirs\n")
    commit_all(desk.repo, "Of the target")
    git(b, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "Work")
    git(b, "merge", "--quiet", "--no-edit", "main")
    refresh(b)
    stage(b, "src/more.py")
    assert commits_plainly(b)
    git(b, "rm", "--quiet", "Dockerfile")
    assert not commits_plainly(b)


def test_a_target_that_went_on_changes_nothing(desk: Desk, b: Path) -> None:
    (desk.repo / "Dockerfile").write_text("theirs\n")
    commit_all(desk.repo, "Of the target")
    assert commits_plainly(b)


def test_a_merge_is_for_the_whole_program(desk: Desk, b: Path) -> None:
    git(b, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "Work")
    (desk.repo / "Dockerfile").write_text("theirs\n")
    commit_all(desk.repo, "Of the target")
    git(b, "merge", "--quiet", "--no-commit", "--no-ff", "main")
    assert not commits_plainly(b)


def test_a_new_path_may_belong_to_whom_comes_first(desk: Desk) -> None:
    desk.apply(
        {"id": "first", "write_set": ["**/*.sql", "Makefile"]},
        {"id": "second", "write_set": ["db/", "setup.cfg"]},
        goal_id="late",
    )
    top = slice_path(desk.workspace, "second", "late")
    refresh(top)
    stage(top, "db/x.py")
    assert commits_plainly(top)
    stage(top, "db/x.sql")
    assert not commits_plainly(top)
    assert find_owners(check_at(top, staged=True)) == {"db/x.sql": "first"}


def test_a_slice_that_has_come_since_makes_new_paths_uncertain(desk: Desk, b: Path) -> None:
    desk.apply({"id": "late", "write_set": ["fixtures/"]}, goal_id="late")
    assert not commits_plainly(b)
    refresh(b)
    assert commits_plainly(b)


def widen(desk: Desk, top: Path) -> None:
    desk.apply(*TASKS[:1], {"id": "b", "write_set": ["src/", "Makefile", "new-*.txt"]})


def narrow(desk: Desk, top: Path) -> None:
    desk.apply(*TASKS[:1], {"id": "b", "write_set": ["Makefile"]})


def fold(desk: Desk, top: Path) -> None:
    git(desk.repo, "config", "core.ignorecase", "true")


def leave_an_intent(desk: Desk, top: Path) -> None:
    (desk.workspace.state_folder / "intent.json").write_text("{}")


def leave_an_operation(desk: Desk, top: Path) -> None:
    (desk.workspace.state_folder / "operation-1.lock").write_text("")


def lose_the_store(desk: Desk, top: Path) -> None:
    for path in desk.workspace.state_folder.glob("state.sqlite3*"):
        path.unlink()


def mark_as_another(desk: Desk, top: Path) -> None:
    mark = find_scope_file(top).with_name("gitslices-slice")
    mark.write_text('{"goal_id":"default","slice_id":"a"}\n')


def set_another_status(desk: Desk, top: Path) -> None:
    set_status(desk.workspace, "b", "done")


def lose_the_base(desk: Desk, top: Path) -> None:
    with desk.workspace.open_store() as store:
        store.execute("UPDATE slices SET base_commit = '--octopus'")


def remove(desk: Desk, top: Path) -> None:
    find_scope_file(top).unlink()


def empty(desk: Desk, top: Path) -> None:
    find_scope_file(top).write_bytes(b"")


def cut_short(desk: Desk, top: Path) -> None:
    path = find_scope_file(top)
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(desk: Desk, top: Path) -> None:
    path = find_scope_file(top)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def write_of_another_version(desk: Desk, top: Path) -> None:
    path = find_scope_file(top)
    path.write_bytes(path.read_bytes().replace(b"gitslices scope 1 ", b"gitslices scope 2 "))


def seal_nonsense(desk: Desk, top: Path) -> None:
    find_scope_file(top).write_bytes(seal({"own": []}))


@pytest.mark.parametrize(
    "change",
    [
        widen, narrow, fold, leave_an_intent, leave_an_operation, lose_the_store, mark_as_another,
        set_another_status, lose_the_base, remove, empty, cut_short, flip_a_bit,
        write_of_another_version, seal_nonsense,
    ],
    ids=lambda change: str(change.__name__),
)  # fmt: skip
def test_whatever_the_file_does_not_know_of_makes_it_worthless(
    desk: Desk, b: Path, change: Callable[[Desk, Path], None]
) -> None:
    change(desk, b)
    assert not commits_plainly(b)


def test_a_pipe_in_its_place_holds_up_nobody(desk: Desk, b: Path) -> None:
    path = find_scope_file(b)
    path.unlink()
    os.mkfifo(path)
    assert not commits_plainly(b)


def test_the_hook_writes_the_file_and_lets_the_next_commit_pass_by_it(desk: Desk) -> None:
    install(desk.workspace, InstallRequest(python=sys.executable))
    top = desk.worktree("b")
    assert not find_scope_file(top).exists()
    stage(top, "src/one.py")
    git(top, "commit", "--quiet", "-m", "One")
    stage(top, "src/two.py")
    assert commits_plainly(top)
    git(top, "commit", "--quiet", "-m", "Two")
    stage(top, "notes.txt")
    assert git(top, "commit", "--quiet", "-m", "Three", ok=False) == ""
    assert git(top, "log", "-1", "--format=%s") == "Two"


def test_a_hook_whose_library_is_gone_asks_the_whole_program(desk: Desk) -> None:
    install(desk.workspace, InstallRequest(python=sys.executable))
    hook = desk.repo / ".git" / "hooks" / "prepare-commit-msg"
    lines = hook.read_text().splitlines(keepends=True)
    gone = ["library=/nowhere\n" if one.startswith("library=") else one for one in lines]
    hook.write_text("".join(gone))
    top = desk.worktree("b")
    for path, code in (("src/one.py", 0), ("notes.txt", 1)):
        stage(top, path)
        git(top, "commit", "--quiet", "-m", path, ok=code == 0)
    assert git(top, "log", "-1", "--format=%s") == "src/one.py"
