"""SECURITY.md: every test that it relies on is there."""

import re
from pathlib import Path

TESTS = Path(__file__).parent


def test_every_test_it_names_exists() -> None:
    named = re.findall(r"`([\w.]*)::(\w+)`", (TESTS.parent / "SECURITY.md").read_text())
    assert len(named) > 30
    file = ""
    for where, function in named:
        file = where or file
        assert f"def {function}(" in (TESTS / file).read_text(), f"{file}::{function}"
