"""A repository of several users: what one may not do is told, and a group gets its modes."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitslices.core.files import describe_refusal, follow_folder, make_folder, replace_file
from tests.support.commands import run_cli
from tests.support.graphs import format_toml
from tests.support.repositories import commit_all, make_repository

GRAPH = format_toml("g", a="src/", b="docs/")
COMMANDS = (
    ("status",), ("claim", "b"), ("doctor",), ("plan", "--apply"), ("log",), ("check", "--all"),
    ("merge", "a"), ("remove", "b"), ("prune",), ("undo",), ("sync", "b"),
    ("release", "a", "--force"),
)  # fmt: skip


def without_privileges() -> list[str]:
    """What starts a process for which modes count, as they do not for root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: no mode forbids it anything")
    return ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]


@pytest.fixture
def shop(repo: Path) -> Path:
    (repo / "gitslices.toml").write_text(GRAPH)
    commit_all(repo)
    assert run_cli(repo, "plan", "--apply").code == 0
    return repo


@pytest.fixture(params=["gitslices", "gitslices/state.sqlite3", "worktrees", "refs", "objects"])
def forbidden(request: pytest.FixtureRequest, shop: Path) -> Iterator[Path]:
    path = shop / ".git" / request.param
    if request.param == "gitslices/state.sqlite3":
        (path,) = (shop / ".git" / "gitslices").glob("*.sqlite3")
    mode = path.stat().st_mode
    path.chmod(0)
    yield path
    path.chmod(stat.S_IMODE(mode))


def test_what_a_user_may_not_do_is_no_bug_and_no_silence(shop: Path, forbidden: Path) -> None:
    for command in COMMANDS:
        argv = (*without_privileges(), sys.executable, "-m", "gitslices", *command)
        done = subprocess.run(argv, cwd=shop, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1, 3), (command, done)
        if forbidden.name == "gitslices":
            assert done.returncode == 3, (command, done)
            assert f"{str(forbidden)!r} belongs to " in done.stdout + done.stderr, (command, done)


def test_a_group_gets_the_modes_that_git_gives_it(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / "shop", "--shared=group")
    (repo / "gitslices.toml").write_text(GRAPH)
    commit_all(repo)
    commands = (
        ("plan", "--apply"), ("claim", "a", "--holder", "one"), ("done", "a", "--token", "1"),
        ("remove", "b"), ("plan", "--apply"), ("conflicts",), ("hook", "install"),
    )  # fmt: skip
    for command in commands:
        done = run_cli(repo, *command)
        assert done.code == 0, (command, done)
    state = repo / ".git" / "gitslices"
    private = [
        str(path)
        for path in (state, *state.rglob("*"))
        # What was moved to the trash has the modes that git and the user have given it.
        if not {"worktree", "admin"} & set(path.parts) and not may_group(path)
    ]
    assert private == []
    assert stat.S_IMODE(state.stat().st_mode) == 0o2770


def may_group(path: Path) -> bool:
    mode = path.stat().st_mode
    return (mode & stat.S_IRWXU) >> 3 & ~mode & stat.S_IRWXG == 0


def test_without_a_group_the_state_is_the_users_alone(shop: Path) -> None:
    assert stat.S_IMODE((shop / ".git" / "gitslices").stat().st_mode) == 0o700
    for path in (shop / ".git" / "gitslices").glob("*.sqlite3*"):
        assert not may_group(path) or path.stat().st_mode & stat.S_IRWXG == stat.S_IRGRP


@pytest.mark.parametrize("shared", [False, True])
def test_new_files_and_folders_follow_the_folder_they_are_in(tmp_path: Path, shared: bool) -> None:
    top = tmp_path / "top"
    top.mkdir(mode=0o700)
    if shared:
        top.chmod(0o2770)
    make_folder(top / "one" / "two")
    replace_file(top / "file", b"text")
    (top / "script").touch(mode=0o700)
    follow_folder(top / "script")
    for name, mode in (("one", 0o700), ("one/two", 0o700), ("file", 0o600), ("script", 0o700)):
        expected = mode | mode >> 3 if shared else mode
        assert stat.S_IMODE((top / name).stat().st_mode) & 0o777 == expected, name


def test_whose_a_folder_is_can_be_told_where_nothing_forbids(tmp_path: Path) -> None:
    assert describe_refusal(tmp_path / "new") is None
    assert describe_refusal(tmp_path) is None
