"""`.pre-commit-hooks.yaml`: what the framework called pre-commit runs."""

import shlex
import subprocess
import sys
from pathlib import Path

import yaml
from msgspec import convert

from gitslices.core.model import TaskGraph
from tests.support.repositories import git
from tests.support.slices import apply_graph
from tests.support.workspaces import open_at

ROOT = Path(__file__).parents[2]


def test_the_hook_refuses_what_is_staged_outside_the_scope(repo: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["language"], hook["pass_filenames"], hook["always_run"]) == ("python", False, True)
    name, *arguments = shlex.split(hook["entry"])
    assert name == "gitslices"
    graph = {"tasks": [{"id": "a", "owner_role": "w", "write_set": ["src/"]}]}
    apply_graph(open_at(repo), convert(graph, TaskGraph))
    top = repo.parent / "webshop.slices" / "default--a"
    argv = [sys.executable, "-m", "gitslices", *arguments]
    assert subprocess.run(argv, cwd=top, check=False).returncode == 0
    (top / "Makefile").write_text("changed")
    git(top, "add", "--all")
    assert subprocess.run(argv, cwd=top, check=False).returncode == 1
