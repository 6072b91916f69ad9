"""Every command in the README and the tutorial does what it is shown to do."""

from pathlib import Path

import pytest

from tests.support.documents import ROOT, Given, Reader, SetUp, Step, normalise, read_examples
from tests.support.repositories import make_repository

RUN_ELSEWHERE = ("pipx install .", "uv tool install .", "gitslices demo", "scripts/demo")
"""What sets a machine up: `scripts/release` and the tests of the demonstration run it."""


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_examples_do_what_is_shown(page: str, tmp_path: Path) -> None:
    examples = list(read_examples(ROOT / page))
    # The tutorial makes its repository; to the README one is there.
    repository = tmp_path / "webshop"
    if page == "README.md":
        make_repository(repository)
    reader = Reader(repository if repository.exists() else tmp_path, home=tmp_path)
    for example in examples:
        match example:
            case Given():
                reader.write(example)
            case SetUp():
                assert [
                    line for line in example.text.splitlines() if not line.startswith(RUN_ELSEWHERE)
                ] == []
            case Step():
                code, printed = reader.run(example)
                assert code == 0 or (code == 1 and example.shown), f"{example.command}\n{printed}"
                if example.shown:
                    assert printed == normalise(example.shown), example.command
    assert sum(isinstance(example, Step) for example in examples) > 6
