"""Ignored files: what is nowhere else stays, and no file of a project hangs anybody."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.errors import RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.doctor.doctor import DoctorRequest, doctor
from gitslices.ops.removal import PruneRequest, RemoveRequest, prune, remove
from gitslices.removal.candidates import find_candidates, find_disposable
from gitslices.slices.snapshot import Snapshot
from tests.support.commands import run_cli
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk

A = SliceId("a")
WILD = "*a" * 14 + "b"


@pytest.fixture
def desk(repo: Path) -> Desk:
    """Slices a and b; `.env`, `data/` and logs are ignored, and come along."""
    (repo / ".gitignore").write_text(".env\ndata/\n*.log\n")
    (repo / ".worktreeinclude").write_text(".env\ndata/\n*.log\n")
    commit_all(repo, "Ignore")
    (repo / ".env").write_text("SECRET=1")
    (repo / "data").mkdir()
    (repo / "data" / "one").write_text("1")
    (repo / "data" / "link").symlink_to("one")
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    return desk


def rewrite(top: Path) -> None:
    (top / ".env").write_text("SECRET=2")


def rewrite_later(top: Path) -> None:
    """The same length, the same time."""
    times = (top / ".env").stat()
    (top / ".env").write_text("SECRET=9")
    os.utime(top / ".env", ns=(times.st_atime_ns, times.st_mtime_ns))


def add_beside(top: Path) -> None:
    (top / "data" / "two").write_text("2")


def add_deep(top: Path) -> None:
    (top / "data" / "x" / "y").mkdir(parents=True)
    (top / "data" / "x" / "y" / "z").write_text("3")


def turn_link(top: Path) -> None:
    (top / "data" / "link").unlink()
    (top / "data" / "link").symlink_to("two")


def put_file_for_link(top: Path) -> None:
    (top / "data" / "link").unlink()
    (top / "data" / "link").write_text("1")


def add_named(top: Path) -> None:
    (top / "x.log").write_text("found the bug")


WORK = [rewrite, rewrite_later, add_beside, add_deep, turn_link, put_file_for_link, add_named]


@pytest.mark.parametrize("work", WORK)
def test_ignored_work_of_a_slice_keeps_it(desk: Desk, work: Callable[[Path], None]) -> None:
    work(desk.worktree("a"))
    with pytest.raises(RefusedError) as caught:
        remove(desk.workspace, RemoveRequest(slice_id=A))
    assert "nowhere else" in caught.value.problems[0].message
    desk.apply({"id": "b", "write_set": ["docs/"]})
    report = prune(desk.workspace, PruneRequest())
    assert (report.removed, [one.place for one in report.refused]) == ((), ["a"])
    assert desk.worktree("a").is_dir()


def lose_env(repo: Path) -> None:
    (repo / ".env").unlink()


def change_env(repo: Path) -> None:
    (repo / ".env").write_text("SECRET=3")


def lose_data(repo: Path) -> None:
    (repo / "data" / "one").unlink()


def turn_into_folder(repo: Path) -> None:
    (repo / ".env").unlink()
    (repo / ".env").mkdir()


def link_away(repo: Path) -> None:
    (repo / "data").rename(repo.parent / "elsewhere")
    (repo / "data").symlink_to(repo.parent / "elsewhere")


@pytest.mark.parametrize("lose", [lose_env, change_env, lose_data, turn_into_folder, link_away])
def test_what_the_main_worktree_has_no_more_keeps_it(
    desk: Desk, lose: Callable[[Path], None]
) -> None:
    lose(desk.repo)
    with pytest.raises(RefusedError):
        remove(desk.workspace, RemoveRequest(slice_id=A))


def test_what_was_brought_along_and_is_as_it_was_keeps_nobody(desk: Desk) -> None:
    (desk.repo / "data" / "three").write_text("more in the main one")
    assert remove(desk.workspace, RemoveRequest(slice_id=A)).slice_id == A


def test_what_the_user_calls_disposable_keeps_nobody(desk: Desk) -> None:
    git(desk.repo, "config", "gitslices.disposable", "*.log")
    (desk.worktree("a") / "x.log").write_text("noise")
    assert remove(desk.workspace, RemoveRequest(slice_id=A)).slice_id == A


def test_no_pattern_of_the_user_is_asked_of_what_comes_later(desk: Desk) -> None:
    git(desk.repo, "config", "gitslices.disposable", "*.log")
    is_disposable = find_disposable(desk.workspace, [desk.record("a")])
    (desk.worktree("a") / "x.log").write_text("noise")
    with desk.workspace.open_store() as store:
        goal = store.read_goal(desk.record("a").goal_id)
        assert goal is not None
        snapshot = Snapshot(desk.workspace, store, goal.plan)
        (found,) = find_candidates(snapshot, [desk.record("a")], is_disposable)
    assert found.facts.ignored == ("x.log",)


def find_doctors_words(desk: Desk) -> list[str]:
    request = DoctorRequest(common_dir=desk.workspace.repo.common_dir, python=sys.executable)
    found = doctor(lambda: desk.workspace, request).findings
    return [f"{one.thing}: {one.problem}" for one in found if one.check == "setting"]


@pytest.mark.parametrize("place", [".worktreeinclude", "gitslices.disposable"])
def test_a_wild_pattern_ends_at_once_and_doctor_tells_of_it(desk: Desk, place: str) -> None:
    if place == ".worktreeinclude":
        (desk.repo / place).write_text(f"{WILD}\n")
        commit_all(desk.repo, "Hostile")
    else:
        git(desk.repo, "config", place, WILD)
    (desk.worktree("a") / f"{'a' * 120}.log").write_text("x")
    process = subprocess.Popen(
        [sys.executable, "-m", "gitslices", "remove", "a"], cwd=desk.repo,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    _, said = process.communicate(timeout=30)
    assert (process.returncode, b"nowhere else" in said) == (1, True)
    (words,) = find_doctors_words(desk)
    assert words.startswith(f"{place}: '{WILD}' does not count")


@pytest.mark.parametrize("kind", ["zero", "stdin", "pipe", "huge", "folder", "loop"])
def test_an_include_file_that_is_none_is_told_and_passed_over(desk: Desk, kind: str) -> None:
    place = desk.repo / ".worktreeinclude"
    place.unlink()
    match kind:
        case "zero":
            place.symlink_to("/dev/zero")
        case "stdin":
            place.symlink_to("/dev/stdin")
        case "pipe":
            os.mkfifo(place)
        case "huge":
            place.write_text("*.log\n" * 100_000)
        case "folder":
            place.mkdir()
        case "loop":
            place.symlink_to(".worktreeinclude")
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "gitslices", "remove", "a"], cwd=desk.repo, stdin=reader,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    _, said = process.communicate(timeout=30)
    os.close(reader)
    os.close(writer)
    assert (process.returncode, said) == (0, b"")
    (desk.repo / "g.json").write_text(
        '{"goal_id": "o", "tasks": [{"id": "new", "owner_role": "x", "write_set": ["new/"]}]}'
    )
    # Its standard input is a pipe; that of a forked process is a file, which may be read.
    applied = run_cli(desk.repo, "plan", "g.json", "--apply", "--allow-dirty")
    assert applied.code == 0
    assert "warning: .worktreeinclude does not count: " in applied.out
    (words,) = find_doctors_words(desk)
    assert words.startswith(".worktreeinclude: it does not count")
