"""Golden files: what was right once, kept whole."""

import os

from tests.support.repositories import FIXTURES

GOLDEN = FIXTURES / "golden"


def compare(name: str, text: str) -> None:
    """Hold `text` against the golden file of that name; with GOLDEN=write make the file."""
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
