"""`scripts/landed`: ranges of a history landed as forges do, each found, and no other."""

import subprocess
import sys
from pathlib import Path

from tests.support.repositories import commit_all, git

SCRIPT = Path(__file__).parents[2] / "scripts" / "landed"


def test_ranges_of_a_history_are_found_where_they_landed_and_nowhere_else(tmp_path: Path) -> None:
    history = tmp_path / "history"
    history.mkdir()
    git(history, "init", "--quiet", "--initial-branch=main")
    for number in range(45):
        with (history / f"file{number % 9}").open("a") as file:
            file.write(f"{number}\n" * 4)
        commit_all(history, f"Change {number}")
    done = subprocess.run(
        [sys.executable, SCRIPT, history, "--ranges", "3"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 ranges: " in done.stdout
    assert "3 squashed found by squash" in done.stdout
    assert "rightly not found" in done.stdout
