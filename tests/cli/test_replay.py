"""`scripts/replay`: real histories worked again as slices, without a single conflict."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repositories import commit_all, git

SCRIPT = Path(__file__).parents[2] / "scripts" / "replay"


def write(folder: Path, files: dict[str, str | None]) -> None:
    for path, text in files.items():
        if text is None:
            (folder / path).unlink()
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Renames, deletions, a file that many commits touch, odd names, and a merge."""
    path = tmp_path / "history"
    path.mkdir()
    git(path, "init", "--quiet")
    write(path, {"CHANGELOG.md": "0\n", "a/one.py": "1\n" * 30, "b/two.py": "2\n", "gone": "x\n"})
    commit_all(path, "Start")
    steps: list[dict[str, str | None]] = [
        {"CHANGELOG.md": "0\n1\n", "a/one.py": "1\n" * 31},
        {"b/two.py": "22\n"},
        {"a/one.py": None, "c/one.py": "1\n" * 31},
        {"CHANGELOG.md": "0\n1\n2\n", "gone": None},
        {"gone/now-a-folder": "y\n", "app/[id]/*.ts": "z\n"},
        {"c/one.py": "1\n" * 32},
        {"new\nline": "n\n", "~home": "h\n", "!bang": "b\n", "project files": "p\n", "k\\": "k\n"},
        {"app/[id]/*.ts": "zz\n", "app/i/a.ts": "a\n"},
    ]
    for number, step in enumerate(steps):
        write(path, step)
        commit_all(path, f"Step {number}")
    git(path, "switch", "--quiet", "-c", "side", "HEAD~3")
    write(path, {"side": "s\n"})
    commit_all(path, "Side")
    git(path, "switch", "--quiet", "main")
    git(path, "merge", "--quiet", "--no-edit", "side")
    return path


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_history_ends_in_its_own_tree_at_any_number_of_jobs(history: Path, jobs: int) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(history), "--jobs", str(jobs)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first, second, third = done.stdout.splitlines()
    assert first.startswith("9 commits in 4 waves")
    assert second == "all from one base: 4 of them would conflict"
    assert third.startswith("as slices: 0 not merged, ")
    assert third.endswith("; the final tree is the real one")
