"""Every value of a text is found on the line that it stands on, however the text is laid out."""

import json
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitslices.graph.findings import name_key
from gitslices.graph.lines import find_lines

# Short and in one line: YAML puts the values of other keys on lines of their own.
KEYS = st.sampled_from(["a", "b_1", "a key", 'q"', "]", "x.y", "#", "[[", "é", "tasks[0]"])
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        st.just("v"),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=20,
    ),
    max_size=5,
)

TRICKY = '''goal_id = "v1"  # [x]
[defaults]
owner_role = 'v2'
shared = [
  ["v3"],
  ["v4"]
]
[[tasks]]
id = "v5"
"odd key" = "v6"
  [tasks.metadata]  # v
  a.b = "v7"
  "c.d".e = { f = "v8", g = [ "v9",
    "v10" ] }
[[tasks]]
title = """v11
[[tasks]]
id = 'x' """
dates = [1979-05-27 07:32:00, 2020-01-01, "v12",
  "v13", ]
[[tasks.metadata]]
k = ["]", "#", '"', "v14"]
[[tasks.metadata]]
k = """"v15"""""
'''


def number_leaves(tree: Any, numbers: Iterator[int]) -> Any:
    if isinstance(tree, dict):
        return {key: number_leaves(value, numbers) for key, value in tree.items()}
    if isinstance(tree, list):
        return [number_leaves(value, numbers) for value in tree]
    return f"v{next(numbers)}."


def list_leaves(tree: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from list_leaves(value, name_key(place, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from list_leaves(value, f"{place}[{index}]")
    elif isinstance(tree, str) and tree.lstrip('"').startswith("v"):
        yield place, tree.split("\n")[0]


def check(text: str, form: str, tree: Any) -> None:
    leaves = dict(list_leaves(tree))
    found = find_lines(text, form, leaves)
    lines = text.split("\n")
    assert [place for place, leaf in leaves.items() if leaf not in lines[found[place] - 1]] == []


WRITERS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "one line": ("JSON", json.dumps),
    "lines": ("JSON", lambda tree: json.dumps(tree, indent=1)),
    "block": ("YAML", lambda tree: yaml.safe_dump(tree, default_flow_style=False)),
    "flow": ("YAML", lambda tree: yaml.safe_dump(tree, default_flow_style=True, width=20)),
}


@pytest.mark.parametrize("style", WRITERS)
@given(TREES)
def test_each_leaf_of_any_tree(style: str, tree: Any) -> None:
    numbered = number_leaves(tree, iter(range(1000)))
    form, write = WRITERS[style]
    check(write(numbered), form, numbered)


def test_each_leaf_of_a_tricky_toml_text() -> None:
    tree = tomllib.loads(TRICKY)
    assert len(dict(list_leaves(tree))) == 15
    check(TRICKY, "TOML", tree)


def test_what_is_not_there_is_found_where_it_is_missing() -> None:
    assert find_lines(TRICKY, "TOML", ["tasks[1].id", "tasks[1]", "version"]) == {
        "tasks[1].id": 15,
        "tasks[1]": 15,
    }
