"""The demonstration: every step ends as it says, without anybody's settings."""

import os
from pathlib import Path

from tests.support.commands import Cli, run_cli
from tests.support.repositories import git


def test_every_step_ends_as_it_is_told(tmp_path: Path) -> None:
    shown = run_cli(tmp_path, "demo", env={"TMPDIR": str(tmp_path), "GITSLICES_GOAL": "another"})
    assert shown.code == 0, shown.out[-2000:]
    for said in (
        "form  Login form",
        "after api: both write src/api/errors.py",
        "src/api/errors.py   in slice api",
        "menu: pushed",
        "Whoever is signed in finds the way out in one click.",
        "Gitslices-Slice: login/menu",
        "api: conflicts with main in 1 file",
        "all slices are merged",
    ):
        assert said in shown.out
    top = Path(shown.out.splitlines()[-1].partition("/plan.html")[0])
    assert (top / "plan.html").stat().st_size > 1000
    (pushed,) = git(top / "origin.git", "log", "--format=%s", "main..slices/login/menu").split("\n")
    assert pushed == "Sign out"
    merges = git(top / "webshop", "log", "--merges", "--format=%s", "--first-parent")
    assert merges.count("Merge slice ") == 4
    assert git(top / "webshop", "worktree", "list").count("\n") == 0


def test_the_repository_alone_is_made_where_nothing_is(cli: Cli, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    assert cli("demo", "--repository", str(shop)).out == f"made {shop}{os.linesep}"
    assert git(shop, "status", "--porcelain") == ""
    assert cli("plan", "-C", str(shop)).out.startswith("login · 4 slices in 2 waves")
    assert cli("demo", "--repository", str(shop)).code == 2
