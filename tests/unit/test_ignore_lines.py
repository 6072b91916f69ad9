"""Lines as in a gitignore file: git's rules, within the limits that scopes have."""

import subprocess
import time
from pathlib import Path

import pytest

from gitslices.scopes.language.ignore import read_ignore_lines
from tests.support.repositories import git

LINES = """\
# a comment
\\#file
\\!odd
*.log
!keep.log
/root.txt
build/
docs/*.tmp
a/**/z
spaced\\_
trailing___
[ab]c?
/

!
**/deep/*.o
""".replace("_", " ")
PATHS = (
    "#file", "!odd", "x.log", "sub/x.log", "keep.log", "sub/keep.log", "root.txt", "sub/root.txt",
    "build/", "sub/build/", "build", "docs/x.tmp", "sub/docs/x.tmp", "a/z", "a/b/c/z", "b/z",
    "spaced ", "spaced", "trailing", "acx", "bcy/", "ac", "deep/x.o", "p/deep/y.o", "p/deep/q/y.o",
    "file", "odd",
)  # fmt: skip


def test_what_is_covered_is_what_git_ignores(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text(LINES)
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"], cwd=tmp_path,
        input="".join(f"{path}\0" for path in PATHS).encode(), capture_output=True, check=False,
    )  # fmt: skip
    ignored = {path for path in asked.stdout.decode().split("\0") if path}
    rules = read_ignore_lines(LINES.split("\n"))
    assert rules.refused == ()
    assert {path for path in PATHS if rules.covers(path)} == ignored


@pytest.mark.parametrize(
    "line",
    [
        "*a" * 14 + "b",
        "/".join(["**", "a"] * 7),
        "*" + "x" * 300,
        "x" * 5_000,
        "[[:alpha:]]",
        "[z-a",
        "a\\",
        "x**/y*",
        "./a",
        "a/../b",
        "\udce9",
    ],
)
def test_a_line_beyond_the_limits_covers_nothing(line: str) -> None:
    rules = read_ignore_lines(["*.log", line, "*.tmp"])
    assert [rule.text for rule in rules.rules] == ["*.log", "*.tmp"]
    assert [one.place for one in rules.refused] == [line]


def test_one_that_takes_back_takes_all_before_it_along() -> None:
    rules = read_ignore_lines(["*.log", "!" + "*a" * 9, "*.tmp"])
    assert [rule.text for rule in rules.rules] == ["*.tmp"]


def test_what_is_within_the_limits_is_answered_at_once() -> None:
    lines = ["*a*a*a*ab", "**/a/**/a/**/a/**/a/**/b", "?*?*?*?*b"] * 20
    rules = read_ignore_lines(lines)
    assert rules.refused == ()
    begin = time.perf_counter()
    assert not rules.covers("a/" * 1_000 + "a" * 250 + "/")
    assert time.perf_counter() - begin < 5
