"""The cycles of any graph are its shortest."""

from hypothesis import given
from hypothesis import strategies as st

from gitslices.graph.rules import find_cycles

SIZE = 7
GRAPHS = st.lists(st.lists(st.integers(0, SIZE - 1), max_size=4), min_size=SIZE, max_size=SIZE)


def find_distances(edges: list[list[int]]) -> dict[tuple[int, int], int]:
    """The length of the shortest way of at least one step, between any two nodes."""
    distances = {(a, b): 1 for a in range(SIZE) for b in edges[a] if a != b}
    for via in range(SIZE):
        for a in range(SIZE):
            for b in range(SIZE):
                way = distances.get((a, via), SIZE + 1) + distances.get((via, b), SIZE + 1)
                if way < distances.get((a, b), SIZE + 1):
                    distances[a, b] = way
    return distances


@given(GRAPHS)
def test_each_component_gives_one_of_its_shortest_cycles(edges: list[list[int]]) -> None:
    distances = find_distances(edges)
    expected = {}
    for a in range(SIZE):
        mutual = [b for b in range(SIZE) if (a, b) in distances and (b, a) in distances]
        if mutual:
            expected[min(mutual)] = min(distances[b, b] for b in mutual)
    cycles = find_cycles(edges)
    assert sorted(len(cycle) for cycle in cycles) == sorted(expected.values())
    for cycle in cycles:
        assert cycle[0] == min(cycle)
        assert len(set(cycle)) == len(cycle) > 1
        assert all(b in edges[a] for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True))
