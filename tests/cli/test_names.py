"""Who says so, and why: what is written down for good must say something."""

from pathlib import Path

import pytest

from tests.support.commands import Cli


@pytest.fixture
def planned(cli: Cli, graph_file: Path) -> Cli:
    assert cli("plan", str(graph_file), "--apply").code == 0
    return cli


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201])
def test_a_name_that_names_nobody_is_an_input_error(planned: Cli, name: str) -> None:
    review = ("review", "ui", "--kind", "code_review", "--verdict", "approve")
    for command in (review, ("gate", "pass", "ui", "acceptance_criteria")):
        done = planned(*command, "--by", name)
        assert (done.code, done.out) == (2, "")
        assert "names nobody\nhint: choose 1 to 200 printable characters\n" in done.err


def test_a_scope_is_not_widened_without_a_reason(planned: Cli) -> None:
    done = planned("scope", "allow", "ui", "web/", "--reason", " ")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: the reason is empty\n")
    assert "scope-allowed" not in planned("log").out
