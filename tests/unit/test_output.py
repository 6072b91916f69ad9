"""What reaches a terminal and what reaches a program."""

import json

import pytest

from gitslices.core.errors import GraphError, GraphProblem, Problem
from gitslices.output.document import describe_failure, encode_document, format_failure
from gitslices.output.words import escape


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain é 漢", "plain é 漢"), ("\x1b[31mred", "\\x1b[31mred"), ("a\nb\tc", "a\\nb\\tc"),
     ("\u202egnp.exe", "\\u202egnp.exe"), ("zero\u200bwidth", "zero\\u200bwidth"),
     ("caf\udce9", "caf\\xe9"), ("\x9b2J", "\\x9b2J")],
)  # fmt: skip
def test_nothing_acts_on_the_terminal(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_a_document_with_undecodable_bytes_is_still_json() -> None:
    assert json.loads(encode_document({"path": "caf\udce9", "n": ["\udcff"]}, ok=False)) == {
        "schema_version": 1,
        "ok": False,
        "path": "caf\\xe9",
        "n": ["\\xff"],
    }


def test_a_failure_lists_every_problem_with_its_place_and_hint() -> None:
    error = GraphError(
        "tasks.toml: 2 errors",
        hint="see the docs",
        problems=[Problem("tasks[0].id", "is empty"), Problem("tasks[1]", "bad", "try this")],
    )
    failure = describe_failure(error)
    assert failure.exit_code == 2
    assert failure.document["error"]["code"] == "graph-invalid"
    lines = [line.strip() for line in format_failure(failure).splitlines()]
    assert lines[1] == "tasks[0].id: is empty"
    assert lines[2] == "tasks[1]: bad"
    assert lines[3].endswith("try this")


def test_a_problem_of_a_graph_names_the_task_and_the_line() -> None:
    problems = [
        GraphProblem("tasks[0].id", "is odd", line=7, task_id="a\nb"),
        GraphProblem("version", "is odd", line=2),
        GraphProblem("line 1, column 2", "is odd"),
    ]
    failure = describe_failure(GraphError("wrong", problems=problems))
    assert format_failure(failure).splitlines()[1:] == [
        r"  tasks[0].id ('a\nb', line 7): is odd",
        "  version (line 2): is odd",
        "  line 1, column 2: is odd",
    ]
    told = json.loads(encode_document(failure.document))["error"]["problems"]
    assert told[1] == {"place": "version", "message": "is odd", "hint": None, "line": 2}


def test_anything_unforeseen_is_a_bug_with_its_own_exit_code() -> None:
    failure = describe_failure(ValueError("odd"))
    assert (failure.code, failure.exit_code) == ("internal", 70)
    assert "GITSLICES_DEBUG=1" in (failure.hint or "")
