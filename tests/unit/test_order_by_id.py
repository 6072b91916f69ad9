"""`--order id`: the smallest id of all tasks whose dependencies are taken, even a skipped one."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from tests.support.graphs import plan_tasks

Tasks = list[Mapping[str, Any]]


def task(id_: str, *dependencies: str, **fields: Any) -> Mapping[str, Any]:
    return {"id": id_, "write_set": ["one"], "dependencies": list(dependencies), **fields}


def list_order(tasks: Tasks) -> list[str]:
    return [slice_.slice_id for slice_ in plan_tasks(*tasks, order="id").slices]


SKIPPED: list[dict[str, Any]] = [
    {"status": "done"},
    {"write_set": []},
    {"owner_role": None},
    {"status": "done", "write_set": []},
]


@pytest.mark.parametrize("fields", SKIPPED, ids=str)
def test_a_task_that_is_no_slice_takes_its_turn(fields: dict[str, Any]) -> None:
    # z comes last of the ready ones, and holds back what waits for it.
    tasks = [task("z", **fields), task("a", "z"), task("b"), task("c")]
    assert list_order(tasks) == ["b", "c", "a"]


@pytest.mark.parametrize("fields", SKIPPED, ids=str)
def test_a_chain_of_them_takes_each_turn(fields: dict[str, Any]) -> None:
    tasks = [task("a", "y"), task("y", "x", **fields), task("x", **fields), task("m"), task("xx")]
    assert list_order(tasks) == ["m", "xx", "a"]


def test_ids_compare_by_their_bytes() -> None:
    tasks = [task(id_) for id_ in ("t2", "t10", "T3", "é", "z", "_a", "a-b", "a.b", "aa")]
    ids = [str(one["id"]) for one in tasks]
    assert list_order(tasks) == sorted(ids, key=str.encode)


def test_whatever_the_graph_it_is_that_order() -> None:
    random = Random(7)
    for _ in range(200):
        tasks = draw_tasks(random)
        assert list_order(tasks) == list_by_the_letter(tasks)


def draw_tasks(random: Random) -> Tasks:
    ids = random.sample([f"t{number}" for number in range(30)], random.randint(1, 12))
    return [
        task(
            id_,
            *(one for one in ids[:at] if random.random() < 0.25),
            **random.choice([{}, {}, *SKIPPED]),
        )
        for at, id_ in enumerate(ids)
    ]


def list_by_the_letter(tasks: Tasks) -> list[str]:
    """Take the tasks one by one, with nothing but the sentence above in mind."""
    taken: list[str] = []
    while len(taken) < len(tasks):
        ready = [
            str(one["id"])
            for one in tasks
            if one["id"] not in taken and set(one["dependencies"]) <= set(taken)
        ]
        taken.append(min(ready, key=str.encode))
    owners = any(one.get("owner_role", "") is not None for one in tasks)
    no_slices = {
        one["id"]
        for one in tasks
        if one.get("status") == "done"
        or not one["write_set"]
        or (owners and one.get("owner_role", "") is None)
    }
    return [id_ for id_ in taken if id_ not in no_slices]
