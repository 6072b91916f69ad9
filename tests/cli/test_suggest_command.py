"""`gitslices suggest` as it is typed: for people, for programs, and written into the graph."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.commands import run_cli
from tests.support.histories import Made, make_history
from tests.support.terminal import open_terminal

GRAPH = """\
goal_id = "g"
[[tasks]]
id = "api"
title = "Refresh tokens"  # kept
[[tasks]]
id = "ui"
write_set = ["src/nav.py"]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    commits = [
        Made(f"Refresh tokens {n}", {"src/token.py": f"{n}", "tests/test_token.py": f"{n}"})
        for n in range(20)
    ]
    repo = make_history(tmp_path / "shop", [*commits, Made("Nav", {"src/nav.py": "1"})])
    (repo / "gitslices.toml").write_text(GRAPH)
    return repo


def test_suggestions_for_people_and_for_programs(shop: Path) -> None:
    shown = run_cli(shop, "suggest")
    head, _, task, first, *_ = shown.out.splitlines()
    assert head == "from 21 changes of 21 commits"
    assert task == "api  needs a scope"
    assert first.split()[1] in {"src/token.py", "tests/test_token.py"}
    document = run_cli(shop, "suggest", "--task", "api", "--json").document
    assert document["ok"]
    assert document["suggestions"][0].keys() == {"path", "percent", "reasons"}
    assert run_cli(shop, "suggest", "--path", "src/token.py", "--write").code == 2
    wrong = run_cli(shop, "suggest", "--task", "apo")
    assert (wrong.code, wrong.err.splitlines()[1]) == (2, "hint: the nearest is 'api'")


def test_what_is_likely_enough_is_written_into_the_graph(shop: Path) -> None:
    assert run_cli(shop, "suggest", "--write").code == 2
    done = run_cli(shop, "suggest", "--write", "--min", "0.7", "--json").document
    assert done["written"].keys() == {"api"}
    assert set(done["written"]["api"]) == {"src/token.py", "tests/test_token.py"}
    text = (shop / "gitslices.toml").read_text()
    assert "# kept" in text
    assert run_cli(shop, "plan", "--json").document["slices"][0]["write_scope"] == [
        "src/token.py", "tests/test_token.py",
    ]  # fmt: skip
    again = run_cli(shop, "suggest")
    assert "every task has a write scope" in again.out


def test_a_person_chooses_by_numbers(shop: Path) -> None:
    argv = (sys.executable, "-m", "gitslices", "suggest", "--write", "--limit", "2")
    with open_terminal(argv, shop, os.environ) as terminal:
        terminal.wait_for("which")
        terminal.type("3\n")
        terminal.wait_for("choose from 1 to 2")
        terminal.type("1-2\n")
        terminal.wait_for("1 task changed in gitslices.toml")
    assert (shop / "gitslices.toml").read_text().count("src/token.py") == 1
