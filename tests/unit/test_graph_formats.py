"""One graph in three formats, and how a text without a telling name is understood."""

from io import BytesIO
from pathlib import Path

import pytest

from gitslices.core.errors import GraphError
from gitslices.core.model import Task, TaskGraph, TaskId
from gitslices.core.naming import make_graph_digest
from gitslices.graph.load import load_graph, load_graph_stream
from tests.support.repositories import FIXTURES

GOOD = FIXTURES / "graphs" / "good"


def load(text: str | bytes) -> TaskGraph:
    data = text.encode() if isinstance(text, str) else text
    return load_graph_stream(BytesIO(data), "-").graph


def refuse(text: str | bytes) -> GraphError:
    with pytest.raises(GraphError) as caught:
        load(text)
    return caught.value


def places(text: str | bytes) -> list[str]:
    return [problem.place for problem in refuse(text).problems]


def test_three_formats_give_one_graph_and_one_digest() -> None:
    graphs = [load_graph(GOOD / f"auth.{suffix}").graph for suffix in ("json", "yaml", "toml")]
    assert graphs[0] == graphs[1] == graphs[2]
    assert len({make_graph_digest(graph) for graph in graphs}) == 1


def test_the_whole_graph_is_read() -> None:
    graph = load_graph(GOOD / "auth.toml").graph
    schema, api, overview = graph.tasks
    assert (graph.goal_id, graph.shared) == ("auth-rework", ("CHANGELOG.md",))
    assert graph.generated_at == "2026-03-01T09:30:00Z"
    assert (schema.title, schema.status, schema.owner_role) == ("schema", "done", "executor")
    assert schema.evidence == {"commits": ["4f1a"], "tests": {"passed": 12, "skipped": 0}}
    assert api.write_set == ("src/api/", "tests/api/**/*.py", "!src/api/vendor/")
    assert api.metadata == {"ticket": 417, "labels": ["backend"], "ratio": 0.5, "ready": True}
    assert (overview.id, overview.owner_role, overview.estimate) == ("überblick-2", "writer", 0.5)


def test_a_dependency_named_twice_counts_once() -> None:
    assert load_graph(GOOD / "auth.yaml").graph.tasks[2].dependencies == ("api", "schema")


def test_an_id_is_enough() -> None:
    graph = load_graph(GOOD / "smallest.toml").graph
    assert graph == TaskGraph(tasks=(Task(id=TaskId("everything"), title="everything"),))


def test_null_stands_for_no_value_and_hides_the_default() -> None:
    (task,) = load_graph(GOOD / "nulls.json").graph.tasks
    assert task == Task(id=TaskId("intake"), title="intake")


@pytest.mark.parametrize(
    "text",
    [
        '{"tasks": [{"id": "a"}]}',
        '\n\t {"tasks": [{"id": "a"}]}',
        "tasks: [{id: a}]",
        "# tasks = 1\n---\ntasks:\n  - id: a\n",
        "'tasks': [{'id': 'a'}]",
        "tasks = [{id = 'a'}]",
        "# a: b\n\n[[tasks]]\nid = 'a'",
        "\"tasks\" = [{id = 'a'}]",
        "[defaults] # none\n[[tasks]]\nid = 'a'",
        "defaults.risk = 'low'\ntasks = [{id = 'a'}]",
        "\r\ntasks:\r\n- id: a\r\n",
        b"\xef\xbb\xbf[[tasks]]\nid = 'a'",
        b'\xef\xbb\xbf{"tasks": [{"id": "a"}]}',
        b"\xef\xbb\xbftasks: [{id: a}]",
    ],
)
def test_the_content_of_a_stream_tells_its_format(text: str | bytes) -> None:
    assert load(text).tasks == (Task(id=TaskId("a"), title="a"),)


def test_the_suffix_decides_before_the_content(tmp_path: Path) -> None:
    path = tmp_path / "graph.YML"
    path.write_text('{"tasks": [{id: a}]}')
    assert load_graph(path).graph.tasks[0].id == "a"


def test_a_file_without_a_telling_suffix_is_told_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "graph.txt"
    path.write_text("[[tasks]]\nid = 'a'")
    assert load_graph(path).graph.tasks[0].id == "a"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{\n "tasks": [\n  {"id": "a",}\n ]\n}', "line 3, column "),
        ('{"tasks": [{"id": "a"}]', "line 1, column 24"),
        ("tasks:\n  - id: a\n\tb: c\n", "line 3, column 1"),
        ("tasks: [a\nb", "line "),
        ("goal_id: a\ntasks: \x07\n", "line 2, column 8"),
        ('{"a": 1e, "a": 2}', "line 1, column 8"),
        ("a = 1\n[[tasks]\n", "line 2, column 8"),
        ("a = ", "line 1, column 5"),
        ("a = 1\na = 2\n\n[[tasks]]\nid = 'a'\n", "line 2, column "),
        ("x = 2026-13-01\n", "line 1, column "),
    ],
)
def test_a_syntax_error_is_told_with_line_and_column(text: str, place: str) -> None:
    (problem,) = refuse(text).problems
    assert problem.place.startswith(place)
    assert problem.message


def test_tabs_in_yaml_are_explained() -> None:
    (problem,) = refuse("tasks:\n  - id: a\n\tb: c\n").problems
    assert problem.hint == "indent with spaces, not with tabs"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02 03:04:05+00:00", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.5-07:00", "2026-01-02T03:04:05.500000-07:00"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05"),
        ("03:04:05", "03:04:05"),
    ],
)
def test_toml_dates_become_texts(value: str, text: str) -> None:
    (task,) = load(f"[[tasks]]\nid = 'a'\ncompleted_at = {value}\nevidence = [{value}]").tasks
    assert (task.completed_at, task.evidence) == (text, [text])


def test_yaml_dates_stay_as_they_are_written() -> None:
    text = "tasks: [{id: a, completed_at: 2026-01-02 3:04:05 -7, evidence: [2026-1-2]}]"
    (task,) = load(text).tasks
    assert (task.completed_at, task.evidence) == ("2026-01-02 3:04:05 -7", ["2026-1-2"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x10", 16),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("~", None),
        ("", None),
        ("off", False),
        ("'1'", "1"),
        ("=", "="),
        ("0x_", "0x_"),
    ],
)
def test_yaml_values_are_read_as_yaml_has_them(text: str, value: object) -> None:
    (task,) = load(f"tasks: [{{id: a, metadata: {{x: {text}}}}}]").tasks
    assert task.metadata == {"x": value}


def test_problems_come_in_the_order_of_the_file() -> None:
    tasks = "".join(f"[[tasks]]\nid = {number}\n" for number in range(12))
    assert places(tasks) == [f"tasks[{number}].id" for number in range(12)]


def test_the_message_counts_the_problems() -> None:
    assert refuse("tasks: [{id: 1}]").message == "-: 1 error"
    assert refuse("tasks: [{id: 1}, {id: 2}]").message == "-: 2 errors"
