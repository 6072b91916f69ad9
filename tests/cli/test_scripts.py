"""The scripts of the repository run with whatever Python is at hand."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.parametrize(
    ("name", "option", "said"),
    [
        ("agents", "--help", "usage: agents"),
        ("bench", "--help", "usage: bench"),
        ("soak", "--help", "usage: soak"),
        ("release", "--help", "usage:"),
        ("replay", "--help", "usage: replay"),
        ("generate", "--check", ""),
    ],
)
def test_a_script_sets_itself_up(name: str, option: str, said: str, tmp_path: Path) -> None:
    # That of the system, which has none of our packages; it is what the first line finds.
    python = Path(sys.base_prefix, "bin", "python3")
    ended = subprocess.run(
        [python, SCRIPTS / name, option], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout.startswith(said)) == (0, True), ended.stderr
