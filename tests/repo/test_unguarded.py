"""Hooks that hold in the main worktree and not in that of a slice are told of."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.ops.doctor.doctor import DoctorRequest, doctor
from gitslices.ops.hook import InstallRequest, install, read_hooks
from gitslices.output.text.checks import format_hooks
from tests.support.repositories import git
from tests.support.slices import Desk
from tests.support.workspaces import open_at


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    install(desk.workspace, InstallRequest(python=sys.executable))
    return desk


def set_own(desk: Desk, folder: str) -> None:
    git(desk.repo, "config", "extensions.worktreeConfig", "true")
    git(desk.worktree("a"), "config", "--worktree", "core.hooksPath", folder)


def point_nowhere(desk: Desk) -> None:
    set_own(desk, str(desk.repo.parent / "nowhere"))


def point_to_null(desk: Desk) -> None:
    set_own(desk, "/dev/null")


def point_inside(desk: Desk) -> None:
    set_own(desk, ".husky/_")


def point_to_foreign_hooks(desk: Desk) -> None:
    folder = desk.repo.parent / "foreign"
    folder.mkdir()
    (folder / "prepare-commit-msg").write_text("#!/bin/sh\n")
    (folder / "prepare-commit-msg").chmod(0o755)
    set_own(desk, str(folder))


def include_for_one(desk: Desk) -> None:
    other = desk.repo.parent / "other.gitconfig"
    other.write_text("[core]\nhooksPath = /dev/null\n")
    admin = git(desk.worktree("a"), "rev-parse", "--absolute-git-dir")
    git(desk.repo, "config", f"includeIf.gitdir:{admin}.path", str(other))


WAYS = [point_nowhere, point_to_null, point_inside, point_to_foreign_hooks, include_for_one]


def find_troubles(desk: Desk, place: Path) -> list[str]:
    request = DoctorRequest(common_dir=desk.workspace.repo.common_dir, python=sys.executable)
    found = doctor(lambda: open_at(place), request).findings
    return [one.thing for one in found if one.check == "disarmed-hooks"]


@pytest.mark.parametrize("way", WAYS)
def test_a_slice_that_has_not_our_hooks_is_named_from_everywhere(
    desk: Desk, way: Callable[[Desk], None]
) -> None:
    for place in (desk.repo, desk.worktree("a"), desk.worktree("b")):
        assert find_troubles(desk, place) == []
    way(desk)
    for place in (desk.repo, desk.worktree("a"), desk.worktree("b")):
        assert find_troubles(desk, place) == [str(desk.worktree("a"))]
        report = read_hooks(open_at(place))
        assert (report.ok, [one.slice_id for one in report.unguarded]) == (False, ["a"])
        assert "not for slice a: git looks in " in format_hooks(report)


def test_a_relative_folder_that_only_the_main_worktree_has(desk: Desk) -> None:
    (desk.repo / ".git" / "info" / "exclude").write_text(".husky/\n")
    git(desk.repo, "config", "core.hooksPath", ".husky/_")
    report = install(open_at(desk.repo), InstallRequest(python=sys.executable, force=True))
    assert {one.state for one in report.hooks} == {"installed"}
    assert [one.slice_id for one in report.unguarded] == ["a", "b"]
    assert not report.ok
