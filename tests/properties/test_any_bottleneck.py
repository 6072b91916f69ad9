"""Bottlenecks of graphs drawn at random: every gain is real."""

from random import Random

import pytest
from msgspec.structs import replace

from gitslices.core.model import NewPaths
from gitslices.graph.scopes import parse_scopes
from gitslices.planning.bottlenecks import find_bottlenecks
from gitslices.planning.outline import make_outline
from gitslices.scopes.language.entries import Entry, Scope
from gitslices.scopes.overlap.scope_map import ScopeMap
from tests.support.drawn_graphs import draw_graph, draw_tree
from tests.support.graphs import SETTINGS


@pytest.mark.parametrize("new_paths", ["anchored", "all", "none"])
def test_conflicts_without_a_place_are_those_of_a_map_that_shares_it(new_paths: NewPaths) -> None:
    random = Random(5)
    tried = 0
    for _ in range(150):
        graph, drawn = draw_graph(random), draw_tree(random)
        settings = replace(SETTINGS, new_paths=new_paths, order="id")
        outline = make_outline(parse_scopes(graph), drawn.tree, settings)
        for segment in outline.scopes.contested:
            place = outline.scopes.name_segment(segment)
            if place == "/":
                continue
            shared = Scope((Entry(place, place.rstrip("/"), excluded=False, is_pattern=False),))
            whole = ScopeMap(drawn.tree, outline.accesses, new_paths, shared)
            assert outline.scopes.find_conflicts_without(place) == whole.conflicts
            tried += 1
    assert tried > 100


def test_every_gain_is_real() -> None:
    random = Random(6)
    for _ in range(150):
        graph, drawn = draw_graph(random), draw_tree(random)
        outline = make_outline(parse_scopes(graph), drawn.tree, SETTINGS)
        for one in find_bottlenecks(outline):
            less = replace(graph, shared=(one.path,))
            if one.kind == "reads":
                less = replace(
                    graph, tasks=tuple(replace(task, read_set=()) for task in graph.tasks)
                )
            cost = make_outline(parse_scopes(less), drawn.tree, SETTINGS).critical_path_cost
            assert cost <= one.cost_without < outline.critical_path_cost
