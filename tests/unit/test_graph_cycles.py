from gitslices.graph.rules import find_cycles


def test_a_ring_of_a_hundred_thousand_is_one_cycle() -> None:
    size = 100_000
    assert find_cycles([[(node + 1) % size] for node in range(size)]) == [list(range(size))]


def test_a_chain_and_a_loop_have_none() -> None:
    assert find_cycles([[1], [2], [2]]) == []
