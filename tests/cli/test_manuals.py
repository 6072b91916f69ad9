"""The manual pages: git finds them, and they show what `--help` says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gitslices.cli.commands import COMMANDS
from tests.support.documents import ROOT

MANUALS = ROOT / "man"


def test_every_command_has_a_page_and_no_other() -> None:
    expected = {"gitslices.1", "git-slices.1", *(f"gitslices-{name}.1" for name in COMMANDS)}
    assert {path.name for path in MANUALS.iterdir()} == expected


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man")
def test_git_opens_the_page_when_it_is_asked_for_help(tmp_path: Path) -> None:
    shutil.copytree(MANUALS, tmp_path / "man1")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown = subprocess.run(
        ["git", "slices", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": programs, "MANPATH": str(tmp_path), "MANPAGER": "cat"},
    )
    assert "gitslices - plan parallel work on one Git repository" in shown.stdout
    for name in COMMANDS:
        page = subprocess.run(
            ["man", "--local-file", "--warnings", MANUALS / f"gitslices-{name}.1"],
            capture_output=True, text=True, check=True, env={**os.environ, "MANPAGER": "cat"},
        )  # fmt: skip
        assert page.stdout.startswith(f"GITSLICES-{name.upper()}(1)"), page.stderr
        assert page.stderr == ""
