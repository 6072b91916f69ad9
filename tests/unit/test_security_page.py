"""SECURITY.md: every test that it relies on is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_it_names_exists() -> None:
    named = re.findall(r"`([\w.]*)::(\w+)`", (ROOT / "SECURITY.md").read_text())
    assert len(named) > 30
    files = {path.name: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    file = ""
    for where, function in named:
        file = where or file
        assert f"def {function}(" in files[file], f"{file}::{function}"


def test_every_kind_of_trial_it_names_is_played() -> None:
    named = set(re.findall(r"`agents:([a-z]+)`", (ROOT / "SECURITY.md").read_text()))
    played = "".join(path.read_text() for path in (ROOT / "scripts" / "clients").glob("*.py"))
    assert len(named) > 8
    assert {kind for kind in named if f'"{kind}"' not in played} == set()
