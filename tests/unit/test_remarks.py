"""The tracked path that is offered for an entry that matches nothing."""

import pytest

from gitslices.core.errors import GraphError
from gitslices.graph.scopes import parse_scopes
from gitslices.planning.unmatched import find_unmatched, refuse_unmatched
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.tracked.remarks import Remarks
from gitslices.scopes.tracked.resolved import ResolvedTree
from tests.support.graphs import make_graph, make_tree

PATHS = (
    "README.md", "app/[slug]/page.tsx", "db/0006_users.sql", "docs/api.md", "httpx/__init__.py",
    "httpx/_decoders.py", "httpx/_models.py", "src/deep/er/old_name.py", "tests/test_models.py",
)  # fmt: skip


def remark(text: str, *paths: str, **more: object) -> str | None:
    scope = parse_scope([text] if not text.startswith("!") else ["**", text])
    resolved = ResolvedTree(make_tree(*(paths or PATHS), **more), [scope])
    (entry,) = (one for one in scope.entries if one.text == text)
    return Remarks(resolved).find(entry)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("httpx/_decoder.py", "httpx/_decoders.py"),
        ("htpx/_decoder.py", "httpx/_decoders.py"),
        ("HTTPX", "httpx/"),
        ("scr", "src/"),
        ("./docs/apo.md/", "docs/api.md"),
        ("src/httpx/_models.py", "httpx/_models.py"),
        ("test_models.py", "tests/test_models.py"),
        ("!httpx/_model.py", "!httpx/_models.py"),
        ("htpx/**/*.py", "httpx/**/*.py"),
        ("db/0007_users.sql", None),
        ("app/[slog]/page.tsx", None),
        ("docs/README.md", None),
        ("httpx/*.go", None),
        ("*.go", None),
        ("elsewhere/new.py", None),
    ],
)
def test_the_nearest_path_is_offered(text: str, near: str | None) -> None:
    said = remark(text)
    assert said is not None
    if near is None:
        assert "meant" not in said
    else:
        assert said == f"{text!r} matches no file; is {near!r} meant?"


def test_what_matches_needs_no_remark() -> None:
    assert remark("httpx/") is None
    assert remark("app/[slug]/page.tsx") is None


def test_a_path_is_offered_as_the_repository_spells_it() -> None:
    said = remark("src/Reader.py", "Src/Readers.py", "Src/other.py", ignore_case=True)
    assert said == "'src/Reader.py' matches no file; is 'Src/Readers.py' meant?"


def test_hints_end_where_they_would_take_long() -> None:
    paths = ("d/-readers.py", *(f"d/{number:06}x" for number in range(20_001)))
    second, first = parse_scope(["d/aaaa", "d/-raeders.py"]).entries
    resolved = ResolvedTree(make_tree(*paths), [])
    assert "'d/-readers.py' meant" in (Remarks(resolved).find(second) or "")
    remarks = Remarks(resolved)
    assert remarks.find(first) == "'d/aaaa' does not exist yet"
    assert remarks.find(second) == "'d/-raeders.py' does not exist yet"


def test_unmatched_entries_are_told_once_with_their_task() -> None:
    graph = make_graph(
        {"id": "done", "status": "done", "write_set": ["gone.py"]},
        {"id": "a", "write_set": ["docs/", "docs/apu.md", "new/{x,y}"], "read_set": ["*.go"]},
        {"id": "b", "write_set": ["httpx/"], "read_set": ["*.go"]},
    )
    found = find_unmatched(parse_scopes(graph), make_tree(*PATHS))
    assert [(one.place, one.task_id, one.message) for one in found] == [
        ("tasks[1].read_set[0]", "a", "'*.go' matches no tracked file"),
        ("tasks[1].write_set[1]", "a", "'docs/apu.md' matches no file; is 'docs/api.md' meant?"),
        ("tasks[1].write_set[2]", "a", "'new/x' does not exist yet"),
        ("tasks[1].write_set[2]", "a", "'new/y' does not exist yet"),
    ]
    with pytest.raises(GraphError, match="4 entries match no file"):
        refuse_unmatched(parse_scopes(graph), make_tree(*PATHS))
