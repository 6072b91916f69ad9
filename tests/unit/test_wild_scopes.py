"""Patterns that would take long to compare: their slices are put in an order, with a remark."""

from random import Random

import pytest

from gitslices.core.errors import ScopeError
from gitslices.core.model import NewPaths
from gitslices.scopes.language.entries import Access, Scope, parse_scope
from gitslices.scopes.overlap import path_product
from gitslices.scopes.overlap.scope_map import ScopeMap
from tests.support.graphs import make_tree, plan_tasks

LONG = "ab" * 20
WILD = [
    (["*a*b*a*b/?*?*?*a"], ["*b*a*b*a/*a*", f"!*{LONG}*"]),
    (["*a*b*a*b/*a"], ["*b*a*b*a/*", f"!*{LONG}*", f"!*/*{LONG[1:]}*"]),
    (["**/*a*b*a*"], ["**/*b*a*b*", f"!**/*{LONG}", f"!**/{LONG}*", "!**/?*?*?*a"]),
    (["*a*a*a*a/**/*b"], ["**/*b*b*b*b", "!**/*[ab]*[ab]*[ab]*/*"]),
    (["?*?*?*?", f"!*{LONG}*", f"!*{LONG[1:]}*"], ["*a*b*a*", f"!*b{LONG}*", f"!*{LONG}b"]),
    (["x/*a*b*a*b"], ["x/*b*a*b*a", f"!x/*{LONG}*"]),
]


def writing(*entries: str) -> Access:
    return Access(read=Scope(), write=parse_scope(entries))


@pytest.mark.parametrize("new_paths", ["anchored", "all"])
@pytest.mark.parametrize("pair", WILD, ids=lambda pair: pair[0][0])
@pytest.mark.parametrize("steps", [0, 1_000, 30_000, path_product.MAX_STEPS])
def test_a_pair_beyond_the_steps_is_an_overlap_with_a_path(
    pair: tuple[list[str], list[str]],
    new_paths: NewPaths,
    steps: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_product, "MAX_STEPS", steps)
    scopes = ScopeMap(make_tree("q"), [writing(*one) for one in pair], new_paths)
    for later, earlier in ((0, 1), (1, 0)):
        overlap = scopes.find_overlap(later, earlier)
        assert (overlap is not None) == bool(scopes.conflicts[later] >> earlier & 1)
        assert overlap is None or overlap.path
    found = dict(scopes.find_open_overlaps(0))
    assert found.keys() == {at for at in range(2) if scopes.open_overlaps[0] >> at & 1}
    if not steps:
        assert scopes.conflicts == (2, 1) or new_paths == "anchored"


def test_the_remark_names_both_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_product, "MAX_STEPS", 0)
    tasks = [{"id": "a", "write_set": WILD[0][0]}, {"id": "b", "write_set": WILD[0][1]}]
    plan = plan_tasks(*tasks, tree=make_tree("q"))
    assert plan.waves == (("a",), ("b",))
    assert plan.warnings[-1] == (
        "b: it waits for a: their patterns are too wild to compare,"
        " and fewer wildcards may let them go side by side"
    )


def draw_name(random: Random, longest: int) -> str:
    parts = ["*", "?", "a", "b", "[ab]", "[!a]", "ab", "a?"]
    return "".join(random.choice(parts) for _ in range(random.randint(2, longest)))


def draw_entry(random: Random) -> str:
    while True:
        names = [
            random.choice(["**", draw_name(random, 12), draw_name(random, 40)])
            for _ in range(random.randint(1, 5))
        ]
        try:
            parse_scope(["q", f"!{'/'.join(names)}"])
        except ScopeError:
            continue
        return "/".join(names)


def test_a_plan_of_many_wild_patterns_comes_to_an_end_and_is_always_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_product, "MAX_STEPS", 200_000)
    random = Random(1)
    accesses = [
        writing(*(draw_entry(random) for _ in range(6)), f"!{draw_entry(random)}") for _ in range(8)
    ]
    first, again = (ScopeMap(make_tree("q"), accesses, "all") for _ in range(2))
    assert first.conflicts == again.conflicts
    assert [first.find_overlap(at, 0) for at in range(8)] == [
        again.find_overlap(at, 0) for at in range(8)
    ]


def test_steps_that_others_have_used_up_leave_tame_slices_their_witness() -> None:
    accesses = [*(writing(*one) for pair in WILD for one in pair), writing("z/"), writing("z/y")]
    scopes = ScopeMap(make_tree("q"), accesses)
    overlap = scopes.find_overlap(len(accesses) - 1, len(accesses) - 2)
    assert overlap is not None
    assert (overlap.path, overlap.is_certain) == ("z/y", True)


@pytest.mark.parametrize("new_paths", ["anchored", "all", "none"])
def test_many_sets_of_unanchored_exclusions_are_decided_as_each_pair_by_itself(
    new_paths: NewPaths,
) -> None:
    accesses = [
        writing(f"**/*{at % 20}.md", f"!**/x{at % 12}/**", f"!d{at}/**/*.md") for at in range(24)
    ]
    tree = make_tree(*(f"d{at}/{at}.md" for at in range(24)))
    whole = ScopeMap(tree, accesses, new_paths)
    for one in range(24):
        for other in range(one):
            pair = ScopeMap(tree, [accesses[one], accesses[other]], new_paths)
            assert pair.conflicts[0] >> 1 == whole.conflicts[one] >> other & 1
            assert pair.open_overlaps[0] >> 1 == whole.open_overlaps[one] >> other & 1
