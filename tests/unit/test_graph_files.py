"""Which file is taken for the task graph, and what is said when it cannot be read."""

import os
from pathlib import Path

import pytest

from gitslices.core.errors import GraphError, InputError
from gitslices.graph.load import FILE_NAMES, find_graph_file, load_graph, load_graph_stream


def refuse(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        load_graph(path)
    assert not isinstance(caught.value, GraphError)
    assert caught.value.hint
    return caught.value


def test_the_first_of_the_known_names_is_found(tmp_path: Path) -> None:
    assert find_graph_file(tmp_path) is None
    for name in reversed(FILE_NAMES):
        (tmp_path / name).touch()
        assert find_graph_file(tmp_path) == tmp_path / name


def test_a_directory_with_a_known_name_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "gitslices.toml").mkdir()
    (tmp_path / "task_graph.json").touch()
    assert find_graph_file(tmp_path) == tmp_path / "task_graph.json"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refuse(tmp_path / "graph.json").message == f"there is no file '{tmp_path}/graph.json'"


def test_in_a_directory_the_graph_is_pointed_out(tmp_path: Path) -> None:
    assert refuse(tmp_path).message == f"'{tmp_path}' is a directory"
    (tmp_path / "gitslices.yaml").touch()
    assert refuse(tmp_path).hint == f"name the file in it: {tmp_path}/gitslices.yaml"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "graph.json")
    assert refuse(tmp_path / "graph.json").message.endswith("is no regular file")


def test_a_device_is_not_read() -> None:
    assert refuse(Path("/dev/zero")).message == "'/dev/zero' is no regular file"


@pytest.mark.parametrize("name", ["loop.json", "gitslices.toml/x.json", "a\0b", "n" * 300])
def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "gitslices.toml").touch()
    assert " cannot be read: " in refuse(tmp_path / name).message


def test_a_stream_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    stream = os.fdopen(os.open(tmp_path / "graph", os.O_WRONLY | os.O_CREAT), "rb")
    with stream, pytest.raises(InputError) as caught:
        load_graph_stream(stream, "standard input")
    assert caught.value.message == "standard input cannot be read: Bad file descriptor"


def test_a_linked_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "real").write_text('{"tasks": [{"id": "a"}]}')
    (tmp_path / "graph.json").symlink_to("real")
    assert load_graph(tmp_path / "graph.json").graph.tasks[0].id == "a"


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".toml", ".txt"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"graph{suffix}"
    for content in ("", " \n\t\n", "\ufeff"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(GraphError) as caught:
            load_graph(path)
        assert [problem.message for problem in caught.value.problems] == ["the file is empty"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'{"tasks": "\xff"}', "byte 11"),
        (b"\xef\xbb\xbf\xff", "byte 3"),
        ('{"tasks": []}'.encode("utf-16"), "byte 3"),
        (b'{"tasks":\0 []}', "byte 9"),
        (b"\x7fELF\x02\x01\x01\x00", "byte 7"),
        (b"\xed\xa0\x80", "byte 0"),
    ],
)
def test_what_is_no_text_is_told_by_its_first_wrong_byte(
    tmp_path: Path, content: bytes, place: str
) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(content)
    with pytest.raises(GraphError) as caught:
        load_graph(path)
    (problem,) = caught.value.problems
    assert problem.place == place
    assert "not UTF-8 text" in problem.message
