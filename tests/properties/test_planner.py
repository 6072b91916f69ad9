"""Whole plans of random graphs, against every path tried one by one."""

from collections.abc import Iterable
from itertools import combinations, product
from random import Random

import msgspec
import pytest

from gitslices.core.model import NewPaths, Order, Plan, RepoTree, Serialization, Task, TaskGraph
from gitslices.graph.scopes import parse_scopes
from gitslices.planning.outline import make_outline
from gitslices.planning.planner import make_plan, write_plan
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import compile_scope
from tests.support.drawn_graphs import LITERALS, can_exist, cover, draw_graph, draw_tree
from tests.support.graphs import SETTINGS, find_before, make_graph, make_tree

GRAPHS = 3_400
"""For each setting: more than 10,000 in all."""


def list_unordered(plan: Plan) -> list[tuple[str, str]]:
    before = find_before(plan)
    return [
        (one, other)
        for one, other in combinations(before, 2)
        if one not in before[other] and other not in before[one]
    ]


def find_shared(one: tuple[int, int], other: tuple[int, int]) -> int:
    """The paths that two slices must not touch at once."""
    reads, writes = one
    return writes & (other[0] | other[1]) | reads & other[1]


def is_true(reason: Serialization, graph: TaskGraph, tree: RepoTree) -> bool:
    """Whether both slices may touch the witness as its kind says, and it can exist."""
    tasks = {str(task.id): task for task in graph.tasks}
    later, earlier = tasks[reason.blocked_slice_id], tasks[reason.serializes_after]
    first, second = reason.kind.split("_")
    scopes = (getattr(later, f"{first}_set"), getattr(earlier, f"{second}_set"))
    return can_exist(reason.path, tree) and all(
        compile_scope(parse_scope(scope), Folding()).allows(reason.path) for scope in scopes
    )


@pytest.mark.parametrize("new_paths", ["all", "anchored", "none"])
def test_no_two_slices_in_no_order_share_a_path(new_paths: NewPaths) -> None:
    random = Random(1)
    known: dict[tuple[str, ...], int] = {}
    trees = [draw_tree(random) for _ in range(20)]
    for number in range(GRAPHS):
        graph, drawn = draw_graph(random), random.choice(trees)
        order: Order = "id" if number % 4 else "critical-path"
        settings = msgspec.structs.replace(SETTINGS, new_paths=new_paths, order=order)
        outline = make_outline(parse_scopes(graph), drawn.tree, settings)
        plan = write_plan(outline)
        masks = {
            str(task.id): (cover(task.read_set, known), cover(task.write_set, known))
            for task in graph.tasks
        }
        at = {str(task.id): number for number, task in enumerate(outline.tasks)}
        left_open = 0
        for one, other in list_unordered(plan):
            shared = find_shared(masks[one], masks[other])
            is_open = bool(outline.scopes.open_overlaps[at[one]] >> at[other] & 1)
            left_open += is_open
            assert not shared & drawn.existing
            assert is_open or new_paths == "none" or not shared & drawn.possible
        assert plan.open_overlaps == left_open
        assert new_paths != "all" or not left_open
        for reason in plan.overlap_serializations:
            assert is_true(reason, graph, drawn.tree), reason


def draw_literal_graph(random: Random) -> TaskGraph:
    return make_graph(
        *(
            {
                "id": f"task-{number}",
                "write_set": random.sample(LITERALS, random.randint(1, 2)),
                "read_set": random.sample(LITERALS, random.randint(0, 2)),
                "dependencies": [f"task-{one}" for one in range(number) if random.random() < 0.08],
            }
            for number in random.sample(range(12), 12)[: random.randint(2, 12)]
        )
    )


def drop_dangling(graph: TaskGraph) -> TaskGraph:
    """The graph without dependencies on tasks that were not drawn."""
    ids = {task.id for task in graph.tasks}
    return msgspec.structs.replace(
        graph,
        tasks=tuple(
            msgspec.structs.replace(
                task, dependencies=tuple(one for one in task.dependencies if one in ids)
            )
            for task in graph.tasks
        ),
    )


def plan_pair_by_pair(graph: TaskGraph) -> list[tuple[str, set[str]]]:
    """The original rules: ready tasks by id, each after every earlier one that it meets."""
    left = {str(task.id): task for task in graph.tasks}
    placed: list[tuple[str, set[str]]] = []
    tasks = dict(left)
    while left:
        ready = [id_ for id_, task in left.items() if not left.keys() & set(task.dependencies)]
        id_ = min(ready)
        task = left.pop(id_)
        met = {other for other, _ in placed if meets(task, tasks[other])}
        placed.append((id_, met | set(task.dependencies)))
    return placed


def meets(one: Task, other: Task) -> bool:
    return (
        touches(one.write_set, other.write_set)
        or touches(one.write_set, other.read_set)
        or touches(one.read_set, other.write_set)
    )


def touches(ones: Iterable[str], others: Iterable[str]) -> bool:
    pairs = product((f"{one.rstrip('/')}/" for one in ones), (f"{o.rstrip('/')}/" for o in others))
    return any(one.startswith(other) or other.startswith(one) for one, other in pairs)


def test_by_id_the_order_is_that_of_the_pairwise_rules_with_no_edge_more() -> None:
    random = Random(2)
    settings = msgspec.structs.replace(SETTINGS, order="id", new_paths="all")
    fewer = 0
    for _ in range(300):
        graph = drop_dangling(draw_literal_graph(random))
        wanted = plan_pair_by_pair(graph)
        plan = make_plan(parse_scopes(graph), make_tree(), settings)
        before: dict[str, set[str]] = {}
        for id_, direct in wanted:
            before[id_] = direct.union(*(before[one] for one in direct))
        assert find_before(plan) == before
        edges = sum(len(slice_.dependencies) for slice_ in plan.slices)
        assert edges <= sum(len(direct) for _, direct in wanted)
        fewer += edges < sum(len(direct) for _, direct in wanted)
    assert fewer > 100


def test_the_order_of_tasks_in_the_file_changes_no_slice() -> None:
    random = Random(3)
    for _ in range(100):
        graph = drop_dangling(draw_literal_graph(random))
        shuffled = msgspec.structs.replace(
            graph, tasks=tuple(random.sample(graph.tasks, len(graph.tasks)))
        )
        one, other = (
            make_plan(parse_scopes(each), make_tree(), SETTINGS) for each in (graph, shuffled)
        )
        same = msgspec.structs.replace(other, graph_digest=one.graph_digest)
        assert same == one
