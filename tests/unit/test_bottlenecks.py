"""What holds a plan back: which paths are named, and what they cost."""

from typing import Any

import pytest
from msgspec import UNSET

from gitslices.core.model import Bottleneck, Order
from tests.support.graphs import make_tree, plan_tasks


def write(id_: str, *entries: str, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "write_set": entries, **fields}


def test_the_one_file_that_all_tasks_write_is_named_with_its_cost() -> None:
    tasks = [write(f"t{number}", "CHANGELOG.md", f"src/{number}.py") for number in range(6)]
    plan = plan_tasks(*tasks, tree=make_tree("CHANGELOG.md"))
    assert plan.critical_path_cost == 6
    assert plan.bottlenecks == (Bottleneck(path="CHANGELOG.md", cost_without=1, pairs=5),)


def test_sharing_a_bottleneck_saves_what_it_says() -> None:
    tasks = [write(f"t{n}", "CHANGELOG.md", f"src/{n % 3}.py", estimate=n + 1) for n in range(7)]
    (best, *_) = plan_tasks(*tasks).bottlenecks
    assert plan_tasks(*tasks, shared=[best.path]).critical_path_cost == best.cost_without


@pytest.mark.parametrize("order", ["id", "critical-path"])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_for_some_workers_it_saves_what_it_says(workers: int, order: Order) -> None:
    tasks = [write(f"t{n}", "CHANGELOG.md", f"src/{n % 3}.py", estimate=n + 1) for n in range(7)]
    plan = plan_tasks(*tasks, workers=workers, order=order)
    shared = plan_tasks(*tasks, workers=workers, order=order, shared=["CHANGELOG.md"])
    assert plan.schedule is not UNSET
    assert shared.schedule is not UNSET
    saved = shared.schedule.makespan < plan.schedule.makespan
    costs = {one.path: one.cost_without for one in plan.bottlenecks}
    assert costs == ({"CHANGELOG.md": shared.schedule.makespan} if saved else {})
    assert saved == (workers > 1)


def test_the_best_comes_first() -> None:
    early = [write(f"early-{n}", "a.py") for n in range(5)]
    needed = [task["id"] for task in early]
    late = [write(f"late-{n}", "b.py", dependencies=needed) for n in range(3)]
    plan = plan_tasks(*early, *late)
    assert [(one.path, one.cost_without) for one in plan.bottlenecks] == [("a.py", 4), ("b.py", 6)]


def test_two_files_that_force_the_same_orders_gain_nothing_alone() -> None:
    tasks = [write(f"t{number}", "a.py", "b.py") for number in range(4)]
    assert plan_tasks(*tasks).bottlenecks == ()


def test_an_order_that_is_declared_is_nobodys_bottleneck() -> None:
    plan = plan_tasks(write("a", "x.py"), write("b", "x.py", dependencies=["a"]))
    assert plan.bottlenecks == ()


def test_a_directory_is_named_with_a_slash() -> None:
    tasks = [write(f"t{number}", "src/api/") for number in range(3)]
    plan = plan_tasks(*tasks, tree=make_tree("src/api/a.py", "src/api/b.py"))
    assert [(one.path, one.cost_without) for one in plan.bottlenecks] == [("src/api/", 1)]


def test_the_directory_that_all_write_is_named_and_no_file_of_it() -> None:
    tasks = [write(f"t{number}", "src/") for number in range(3)]
    plan = plan_tasks(*tasks, tree=make_tree("src/a.py"))
    assert plan.bottlenecks == (Bottleneck(path="src/", cost_without=1, pairs=2, kind="entry"),)


def test_a_file_that_does_not_exist_yet_can_be_one() -> None:
    tasks = [write(f"t{number}", "NEWS", f"src/{number}/*.py") for number in range(3)]
    assert [one.path for one in plan_tasks(*tasks).bottlenecks] == ["NEWS"]


def test_few_are_named() -> None:
    tasks = [
        write(f"{chain}-{n}", f"{chain}.py", dependencies=[f"{chain - 1}-1"] if chain else [])
        for chain in range(9)
        for n in range(2)
    ]
    assert len(plan_tasks(*tasks).bottlenecks) <= 5


def test_by_id_the_rest_of_the_order_stays() -> None:
    tasks = [write("a", "x", "y"), write("b", "x"), write("c", "y", estimate=3)]
    plan = plan_tasks(*tasks, order="id")
    assert [(one.path, one.cost_without) for one in plan.bottlenecks] == [("y", 3)]


def test_reads_that_everybody_has_are_told_with_what_they_cost() -> None:
    tasks = [write(f"t{n}", f"pkg/m{n}.py", read_set=["pkg/"]) for n in range(60)]
    tree = make_tree(*(f"pkg/m{n}.py" for n in range(60)))
    plan = plan_tasks(*tasks, tree=tree)
    assert plan.critical_path_cost == 60
    assert plan.bottlenecks == (
        Bottleneck(path="", cost_without=1, pairs=1770, kind="reads"),
        Bottleneck(path="pkg/", cost_without=1, pairs=59, kind="entry"),
    )
    unread = [{**one, "read_set": []} for one in tasks]
    assert plan_tasks(*unread, tree=tree).critical_path_cost == 1


def test_reads_that_order_nobody_cost_nothing() -> None:
    tasks = [write(f"t{n}", "CHANGELOG.md", f"src/{n}.py", read_set=["docs/"]) for n in range(4)]
    kinds = {one.kind for one in plan_tasks(*tasks, tree=make_tree("docs/a.md")).bottlenecks}
    assert kinds == {"path"}


def test_an_entry_of_many_files_is_named() -> None:
    tasks = [write(f"t{n}", "locale/*.po", f"src/{n}.py") for n in range(5)]
    tree = make_tree(*(f"locale/{n}.po" for n in range(9)))
    (best, *_) = plan_tasks(*tasks, tree=tree).bottlenecks
    assert best.cost_without == 1
    assert best.path in {"locale/", "locale/*.po"}
