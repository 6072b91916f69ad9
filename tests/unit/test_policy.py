"""Which tasks become slices; gates, reviews."""

import pytest

from gitslices.core.model import Task, TaskId
from gitslices.planning.policy import (
    contract_dependencies,
    find_skip_reason,
    make_gates,
    make_review_needs,
)
from gitslices.scopes.language.entries import parse_scope


def make_task(**fields: object) -> Task:
    return Task(**{"id": "t", "owner_role": "me", "write_set": ("src/",), **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"status": "blocked"}, None),
        ({"status": "done"}, "done"),
        ({"write_set": ()}, "empty write_set"),
        ({"owner_role": None}, "no owner_role"),
        ({"owner_role": ""}, "no owner_role"),
        ({"owner_role": None, "write_set": ("project files",)}, None),
        ({"owner_role": None, "write_set": ("**",)}, None),
    ],
)
def test_a_task_is_a_slice_or_says_why_not(fields: dict[str, object], reason: str | None) -> None:
    task = make_task(**fields)
    assert find_skip_reason(task, parse_scope(task.write_set)) == reason


@pytest.mark.parametrize(
    ("risk", "gated"),
    [("low", False), ("medium", False), ("high", True), ("High", True), ("HIGH", True),
     ("app security", True), ("Security-sensitive", True), ("job insecurity", False),
     ("highest", False)],
)  # fmt: skip
def test_the_security_gate_follows_the_risk_in_any_case(risk: str, gated: bool) -> None:
    assert ("security_review_gate" in make_gates(make_task(risk=risk))) is gated


def test_reviews_grow_with_risk_and_with_benchmarks() -> None:
    least = ("anti_slop_review", "code_review", "test_engineer_review")
    assert make_review_needs(make_task()) == least
    assert set(make_review_needs(make_task(risk="medium"))) == {
        *least, "architect_review", "security_review",
    }  # fmt: skip
    assert "performance_review" in make_review_needs(make_task(read_set=("benchmarks/",)))


def test_an_order_runs_through_tasks_that_are_no_slices() -> None:
    tasks = [
        make_task(id="c", dependencies=("x",)),
        make_task(id="x", dependencies=("y", "b")),
        make_task(id="y", dependencies=("a",)),
        make_task(id="a"),
        make_task(id="b"),
    ]
    waits = contract_dependencies(tasks, frozenset({TaskId("a"), TaskId("b"), TaskId("c")}))
    assert waits[TaskId("c")] == {"a", "b"}


def test_a_chain_of_a_hundred_thousand_tasks_does_not_overflow() -> None:
    tasks = [make_task(id=f"{n}", dependencies=(f"{n - 1}",) if n else ()) for n in range(100_000)]
    waits = contract_dependencies(tasks, frozenset({TaskId("0"), TaskId("99999")}))
    assert waits[TaskId("99999")] == {"0"}
