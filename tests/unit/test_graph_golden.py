"""Every file in fixtures/graphs/bad, against the `.errors` file beside it.

GOLDEN=write makes those files.
"""

import os
from pathlib import Path

import pytest
from msgspec import UNSET

from gitslices.core.errors import GraphError, GraphProblem
from gitslices.graph.load import load_graph
from tests.support.repositories import FIXTURES

BAD = FIXTURES / "graphs" / "bad"
FILES = sorted(path for path in BAD.iterdir() if path.suffix != ".errors")


def render(error: GraphError) -> str:
    lines = [error.message.removeprefix(f"{BAD}{os.sep}")]
    for problem in error.problems:
        at = ""
        if isinstance(problem, GraphProblem) and problem.line is not UNSET:
            at = f" ({problem.task_id or None!r}, line {problem.line})"
        lines.append(f"{problem.place}{at}: {problem.message}")
        if problem.hint:
            lines.append(f"    {problem.hint}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_error_is_told_with_its_place(path: Path) -> None:
    with pytest.raises(GraphError) as caught:
        load_graph(path)
    golden = path.with_suffix(".errors")
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(render(caught.value), encoding="utf-8")
    assert render(caught.value) == golden.read_text(encoding="utf-8")
