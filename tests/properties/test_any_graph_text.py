"""Any bytes end in a graph or in an error that says where."""

from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st

from gitslices.core.errors import GraphError
from gitslices.core.model import TaskGraph
from gitslices.core.naming import make_graph_digest
from gitslices.graph.load import load_graph_stream
from tests.support.examples import scale


def load_or_refuse(data: bytes) -> None:
    try:
        graph = load_graph_stream(BytesIO(data), "-").graph
    except GraphError as error:
        problems = error.problems
    else:
        assert isinstance(graph, TaskGraph)
        assert make_graph_digest(graph)
        return
    assert problems
    assert all(problem.place and problem.message for problem in problems)


WORDS = st.sampled_from(
    ['{', '}', '[', ']', '"', "'", ':', ',', '=', '.', '-', '\n', ' ', '  ', '#', '\\', '\\ud800',
     '"""', "'''", "|", ">", "&a", "*a", "!!x", "<<", "? ", "---", "...", "%", "~", "no", "1:30",
     "012", "1e999", ".nan", "nan", "0x", "1_0", "2026-01-01", "T", "tasks", "id", "write_set",
     '"tasks":', '"id": "a"', "tasks:", "- id: a", "[[tasks]]", "id = 'a'", "defaults", "\t", "é"]
)  # fmt: skip


@given(st.binary(max_size=200))
def test_any_bytes_give_a_graph_or_an_error(data: bytes) -> None:
    load_or_refuse(data)


@settings(max_examples=scale(400))
@given(st.lists(WORDS, max_size=30).map("".join))
def test_any_heap_of_syntax_gives_a_graph_or_an_error(text: str) -> None:
    load_or_refuse(text.encode())


@given(st.binary(max_size=8), st.integers(0, 60), st.sampled_from(["json", "yaml", "toml"]))
def test_a_damaged_graph_gives_a_graph_or_an_error(junk: bytes, at: int, form: str) -> None:
    sound = {
        "json": b'{"goal_id": "g", "tasks": [{"id": "a", "write_set": ["x"]}]}',
        "yaml": b"goal_id: g\ntasks:\n  - id: a\n    write_set: [x]\n    risk: low\n",
        "toml": b"goal_id = 'g'\n[[tasks]]\nid = 'a'\nwrite_set = ['x']\n# end\n",
    }[form]
    load_or_refuse(sound[:at] + junk + sound[at + len(junk) // 2 :])
