"""Cycles in a directed graph of integers; nothing here recurses, so chains may be of any length."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

_STEPS: Final = 1_000_000


def find_cycles(edges: Sequence[Sequence[int]]) -> list[list[int]]:
    """Find one cycle in each strongly connected component, each node followed by one it points to.

    It is a shortest one unless the component is too large to compare them all, begins with its
    smallest node, and the cycles come in the order of these. An edge to itself is no cycle.
    """
    components = (sorted(group) for group in _find_components(edges) if len(group) > 1)
    return sorted(_find_short_cycle(edges, component) for component in components)


def _find_short_cycle(edges: Sequence[Sequence[int]], component: Sequence[int]) -> list[int]:
    members = frozenset(component)
    size = sum(len(edges[node]) for node in component)
    starts = islice(component, max(1, _STEPS // size))
    cycle = min((_find_way_back(edges, members, start) for start in starts), key=len)
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]


def _find_way_back(
    edges: Sequence[Sequence[int]], members: frozenset[int], start: int
) -> list[int]:
    """Find the shortest way from a node back to itself, breadth first."""
    came_from = {start: start}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for target in edges[node]:
            if target == start != node:
                return _walk_back(came_from, start, node)
            if target in members and target not in came_from:
                came_from[target] = node
                waiting.append(target)
    raise AssertionError("a node of a strongly connected component reaches itself")


def _walk_back(came_from: dict[int, int], start: int, node: int) -> list[int]:
    way = [node]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def _find_components(edges: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Find the strongly connected components (R. Tarjan, SIAM J. Comput. 1(2), 1972)."""
    found: dict[int, int] = {}  # node: how many were found before it
    lowest: dict[int, int] = {}  # node: the earliest found in its component, as far as is known
    unsettled: list[int] = []
    settled: set[int] = set()
    for root in range(len(edges)):
        way = [] if root in found else [(root, iter(edges[root]))]
        while way:
            node, targets = way[-1]
            if node not in found:
                found[node] = lowest[node] = len(found)
                unsettled.append(node)
            for target in targets:
                if target not in found:
                    way.append((target, iter(edges[target])))
                    break
                if target not in settled:
                    lowest[node] = min(lowest[node], lowest[target])
            else:
                way.pop()
                if way:
                    parent = way[-1][0]
                    lowest[parent] = min(lowest[parent], lowest[node])
                if lowest[node] == found[node]:
                    component = _cut_off(unsettled, node)
                    settled.update(component)
                    yield component


def _cut_off(nodes: list[int], first: int) -> list[int]:
    """Take everything from `first` on off the end of a list."""
    taken = [nodes.pop()]
    while taken[-1] != first:
        taken.append(nodes.pop())
    return taken
