"""What must hold between ids, dependencies and scopes, beyond what the golden files show."""

import json
from io import BytesIO
from typing import Any

import pytest

from gitslices.core.errors import GraphError, Problem
from gitslices.core.model import TaskGraph
from gitslices.graph.load import load_graph_stream


def load(*tasks: dict[str, Any], **fields: Any) -> TaskGraph:
    text = json.dumps({**fields, "tasks": tasks})
    return load_graph_stream(BytesIO(text.encode()), "-").graph


def refuse(*tasks: dict[str, Any], **fields: Any) -> tuple[Problem, ...]:
    with pytest.raises(GraphError) as caught:
        load(*tasks, **fields)
    return caught.value.problems


@pytest.mark.parametrize("task_id", ["a", "任务", "é", "a b", "²", "x" * 512, "😀1", "a\u00a0b"])
def test_an_id_may_be_any_text_with_a_letter_or_digit(task_id: str) -> None:
    assert load({"id": task_id}).tasks[0].id == task_id


@pytest.mark.parametrize("task_id", ["", " ", "😀", "-", "a\x00", "a\x1b[0m", "a\u2029", "x" * 513])
def test_other_ids_are_refused_for_tasks_and_goals(task_id: str) -> None:
    assert [problem.place for problem in refuse({"id": task_id})] == ["tasks[0].id"]
    assert [problem.place for problem in refuse({"id": "a"}, goal_id=task_id)] == ["goal_id"]


def test_defaults_fill_in_what_a_task_leaves_out() -> None:
    defaults = {"owner_role": "executor", "write_set": ["src/"], "estimate": 2}
    one, other = load({"id": "a"}, {"id": "b", "write_set": []}, defaults=defaults).tasks
    assert (one.owner_role, one.write_set, one.estimate) == ("executor", ("src/",), 2)
    assert (other.owner_role, other.write_set) == ("executor", ())


def test_a_wrong_default_is_told_once() -> None:
    defaults = {"dependencies": [1], "write_set": [2, "/abs"], "risk": 3}
    problems = refuse({"id": "a"}, {"id": "b"}, defaults=defaults)
    assert [problem.place for problem in problems] == [
        "defaults.dependencies[0]",
        "defaults.risk",
        "defaults.write_set[0]",
        "defaults.write_set[1]",
    ]


def test_a_task_may_read_what_it_writes() -> None:
    assert load({"id": "a", "read_set": ["src/"], "write_set": ["src/"]})


def test_later_versions_are_refused() -> None:
    (problem,) = refuse({"id": "a"}, version=2)
    assert (problem.place, problem.message) == (
        "version",
        "version 2 of this format is not known here",
    )


@pytest.mark.parametrize("estimate", [1, 0.001, 1_000_000_000])
def test_an_estimate_is_any_positive_number(estimate: float) -> None:
    assert load({"id": "a", "estimate": estimate}).tasks[0].estimate == estimate


@pytest.mark.parametrize("estimate", [0, -1, 0.0, 1_000_000_001, True, "1", None])
def test_other_estimates_are_refused(estimate: object) -> None:
    (problem,) = refuse({"id": "a", "estimate": estimate})
    assert problem.place == "tasks[0].estimate"


def test_what_is_beside_an_unreadable_value_is_still_checked() -> None:
    problems = refuse({"id": 1, "dependencies": [2, "gone"], "write_set": [3, "/abs", None]})
    assert [problem.place for problem in problems] == [
        "tasks[0].dependencies[0]",
        "tasks[0].dependencies[1]",
        "tasks[0].id",
        "tasks[0].write_set[0]",
        "tasks[0].write_set[1]",
        "tasks[0].write_set[2]",
    ]


def test_a_long_cycle_is_shown_in_part() -> None:
    (problem,) = refuse(*({"id": f"t{n}", "dependencies": [f"t{(n + 1) % 50}"]} for n in range(50)))
    assert problem.message == (
        "the dependencies go in a circle: "
        "t0 -> t1 -> t2 -> t3 -> t4 -> t5 -> (39 more) -> t45 -> t46 -> t47 -> t48 -> t49 -> t0"
    )


def test_a_chain_of_sixty_thousand_tasks_is_read() -> None:
    last = 59_999
    chain = [{"id": f"t{n}", "dependencies": [f"t{n + 1}"] * (n < last)} for n in range(last + 1)]
    assert len(load(*chain).tasks) == last + 1


def test_hints_stop_where_they_would_cost_too_much() -> None:
    problems = refuse(*({"id": f"task-{n}", "dependencies": [f"taks-{n}"]} for n in range(300)))
    assert problems[0].hint == "is 'task-0' meant?"
    assert problems[-1].hint is None
