"""Whatever is changed in whatever graph, the file holds that graph then, or stays as it is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitslices.core.errors import GraphError, InputError
from gitslices.graph.edit import add_task, change_task, remove_task
from gitslices.graph.lines import GraphText
from gitslices.graph.load import read_tree

TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n"\\#:'), max_size=9
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXTS,
    "description": TEXTS | st.sampled_from(["no", "012", "1:30", "a\nb\n\n", "\n x", "'''", '"""']),
    "write_set": st.lists(st.sampled_from(["src/", "!a", "*.md", "a [1]"]), unique=True),
    "acceptance": st.lists(TEXTS, max_size=3),
    "estimate": st.integers(1, 9) | st.floats(0.5, 9),
}
FIELDS = st.fixed_dictionaries({}, optional=VALUES)
GRAPHS = st.lists(FIELDS, min_size=1, max_size=4).map(
    lambda tasks: {"goal_id": "g", "tasks": [{"id": f"t{n}", **one} for n, one in enumerate(tasks)]}
)
WRITERS: dict[str, Callable[[Any], str]] = {
    "JSON": lambda tree: json.dumps(tree, indent=2),
    "YAML": lambda tree: yaml.safe_dump(tree, allow_unicode=True),
}


@pytest.mark.parametrize("form", WRITERS)
@given(GRAPHS, FIELDS, st.integers(0, 9), st.sampled_from(["add", "set", "rm"]))
def test_any_graph_is_as_wished_or_refused(
    form: str, tree: dict[str, Any], fields: dict[str, Any], at: int, action: str
) -> None:
    source = GraphText("g", WRITERS[form](tree), form)
    number = at % len(tree["tasks"])
    id_, wished = f"t{number}", read_tree(source)
    try:
        if action == "add":
            made = add_task(source, {"id": "new", **fields})
            wished["tasks"].append({"id": "new", **fields})
        elif action == "set":
            made = change_task(source, id_, fields)
            wished["tasks"][number] |= fields
        else:
            made = remove_task(source, id_)
            del wished["tasks"][number]
    except GraphError:
        return
    except InputError:
        # A graph has at least one task.
        assert action == "rm"
        assert len(tree["tasks"]) == 1
        return
    assert read_tree(made) == wished
