"""Texts made to hurt a parser end in a GraphError, and soon."""

from io import BytesIO
from time import process_time

import pytest

from gitslices.core.errors import GraphError
from gitslices.graph.findings import BAD_NUMBER, LONE_SURROGATE, TOO_DEEP
from gitslices.graph.load import load_graph_stream

MIB = 1024 * 1024
SECONDS = 5.0
"""Of the processor's time, several times what each text takes: a guard against explosions."""


def refuse(data: bytes) -> GraphError:
    begin = process_time()
    with pytest.raises(GraphError) as caught:
        load_graph_stream(BytesIO(data), "-")
    assert process_time() - begin < SECONDS
    return caught.value


def messages(data: bytes) -> set[str]:
    return {problem.message for problem in refuse(data).problems}


@pytest.mark.parametrize(
    "data",
    [
        b'{"tasks": ' + b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"tasks": [{"id": "a", "metadata": ' + b'{"a": [' * 16 + b"]}" * 16 + b"}]}",
        b"a: " + b"[" * 200_000,
        b"- " * 200_000,
        b"- ? " * 200_000,
        b"x: " + b"{a: " * 200_000,
        b"".join(b" " * depth + b"-\n" for depth in range(1000)),
        b"x = " + b"[" * 200_000,
        b"x = " + b"{a = " * 200_000,
        b"[a" + b".a" * 1_000_000 + b"]",
        b"x = 1\na" + b".a" * 1_000_000 + b" = 1",
        b"x = 1\n'a'" + b" . 'a'" * 500_000 + b" = 1",
        b"[a" + b".a" * 31 + b"]\nb" + b".b" * 31 + b" = 1",
    ],
    ids=lambda data: repr(data[:20]),
)
def test_deep_nesting_is_refused_before_anything_recurses(data: bytes) -> None:
    problems = refuse(data).problems
    assert any(p.message == TOO_DEEP or p.message.startswith("expected a key") for p in problems)


@pytest.mark.parametrize("levels", [29, 30])
def test_thirty_two_levels_are_the_most(levels: int) -> None:
    """The graph, its tasks and a task are three of them; the metadata's object is the fourth."""
    inner = f"{'[' * (levels - 1)}{']' * (levels - 1)}"
    for text in (
        f'{{"tasks": [{{"id": "a", "metadata": {{"x": {inner}}}}}]}}',
        f"tasks: [{{id: a, metadata: {{x: {inner}}}}}]",
        f"tasks = [{{id = 'a', metadata = {{x = {inner}}}}}]",
    ):
        if levels == 29:
            assert load_graph_stream(BytesIO(text.encode()), "-").graph.tasks
        else:
            assert messages(text.encode()) == {TOO_DEEP}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b" " * (64 * MIB + 1), "the file is larger than 64 MiB, the most that is read as JSON"),
        (b"a: b\n" * MIB, "the file is larger than 4 MiB, the most that is read as YAML"),
        (b"a = 'b'\n" * (MIB + 1), "the file is larger than 8 MiB, the most that is read as TOML"),
        (b'{"tasks": [' + b"[]," * 4_000_001 + b"0]}", "more than 4,000,000 values"),
    ],
)
def test_size_is_bounded(data: bytes, message: str) -> None:
    assert messages(data) == {message}


@pytest.mark.parametrize(
    "data",
    [
        b'{"tasks": [{"id": "a", "estimate": %s}]}' % (b"9" * MIB),
        b'{"tasks": [{"id": "a", "estimate": -1%s.0}]}' % (b"0" * 400),
        b"tasks: [{id: a, estimate: %s}]" % (b"9" * MIB),
        b"tasks: [{id: a, estimate: 0x%s}]" % (b"f" * MIB),
        b"tasks: [{id: a, estimate: 1%s}]" % (b":11" * MIB),
        b"tasks: [{id: a, estimate: 1%s.5}]" % (b":11" * MIB),
        b"tasks = [{id = 'a', estimate = %s}]" % (b"9" * 5000),
        b"tasks = [{id = 'a', estimate = 0x%s}]" % (b"f" * MIB),
    ],
    ids=lambda data: repr(data[:40]),
)
def test_numbers_of_any_length_are_refused(data: bytes) -> None:
    assert messages(data) == {BAD_NUMBER}


def test_references_do_not_multiply() -> None:
    lines = [b"a0: &a0 [x]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 10)]
    assert "references (*name) are not read" in messages(b"\n".join(lines))


def test_tag_directives_are_not_compared_with_each_other() -> None:
    assert messages(b"%TAG !a! x\n" * 300_000 + b"--- a") == {"tags are not read"}


@pytest.mark.parametrize("quote", [b'"""', b"'''", b'"', b"'"])
def test_strings_that_toml_never_closes_are_scanned_once(quote: bytes) -> None:
    refuse(b"x = 1\n" + (b"\\" + quote + b"x\n") * 500_000)
    refuse(b"x = 1\n" + (b"\\" + quote) * 500_000)


def test_strings_that_json_never_closes_are_scanned_once() -> None:
    assert LONE_SURROGATE in messages(b'{"\\ud800": ' + b'\\"' * MIB)


def test_bare_keys_of_any_length_are_scanned_once() -> None:
    refuse(b"x = 1\n" + b"a" * (4 * MIB))


def test_as_many_errors_as_tasks_are_all_told() -> None:
    wrong = b'{"id": 1, "dependencies": ["b"], "wirte_set": [], "write_set": ["/a"]}'
    error = refuse(b'{"tasks": [' + b",".join([wrong] * 10_000) + b"]}")
    assert error.message == "-: 40,000 errors"


def test_errors_without_end_are_cut_off() -> None:
    error = refuse(b'{"tasks": [' + b"0," * 300_000 + b"0]}")
    assert error.message == "-: at least 100,000 errors"


def test_repeated_keys_without_end_are_found_in_one_pass() -> None:
    assert len(refuse(b'{"a": 0' + b', "a": 0' * 50_000 + b"}").problems) == 50_000
