"""Patterns that expect a file to go, and the spelling of paths that patterns name."""

import pytest

from gitslices.core.model import NewPaths, Oid, RepoPath, RepoTree
from gitslices.scopes.language.entries import Access, Scope, parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import compile_scope
from gitslices.scopes.overlap.scope_map import ScopeMap
from tests.support.graphs import make_tree


def writing(*entries: str) -> Access:
    return Access(read=Scope(), write=parse_scope(entries))


@pytest.mark.parametrize("expected", ["gone/x.py", "gone/*.py", "gone/**/*.py", "gone/a?/*.py"])
@pytest.mark.parametrize("writer", ["gone", "/g*", "g*", "[g]one", "**/gone", "*", "?one", "**"])
def test_who_writes_a_file_and_who_expects_it_to_go_are_put_in_an_order(
    writer: str, expected: str
) -> None:
    scopes = ScopeMap(make_tree("gone", "stays"), [writing(writer), writing(expected)])
    overlap = scopes.find_overlap(1, 0)
    assert overlap is not None
    assert overlap.path.startswith("gone/")
    assert not overlap.exists
    assert scopes.open_overlaps == (0, 0)


@pytest.mark.parametrize("writer", ["*.md", "stays", "*/x.py", "g*/y", "other/"])
def test_who_only_reaches_beneath_the_file_stays_as_it_was(writer: str) -> None:
    scopes = ScopeMap(make_tree("gone", "stays"), [writing(writer), writing("gone/*.md")])
    anchored = ScopeMap(make_tree("stays"), [writing(writer), writing("gone/*.md")])
    assert scopes.conflicts == anchored.conflicts


def test_who_leaves_the_file_out_does_not_delete_it() -> None:
    pair = [writing("g*", "!gone"), writing("gone/*.py")]
    assert ScopeMap(make_tree("gone"), pair).conflicts == (0, 0)


@pytest.mark.parametrize("new_paths", ["anchored", "all"])
@pytest.mark.parametrize(
    ("entry", "other"),
    [
        ("a/\\[x]", "**/\\[x]"),
        ("a/\\*", "**/\\*"),
        ("A/\\[X]", "a/**/\\[x]"),
        ("b/\\?", "**/\\?"),
        ("caf\u00e9/\\[", "caf*/\\["),
        ("e\u0301/\\[x", "e\u0301/\\[?"),
    ],
)
@pytest.mark.parametrize("folds", [(False, False), (True, False), (False, True), (True, True)])
def test_a_witness_is_spelled_as_a_path_of_both(
    entry: str, other: str, folds: tuple[bool, bool], new_paths: NewPaths
) -> None:
    tree = RepoTree(
        commit=Oid("0" * 40),
        paths=(RepoPath("q"),),
        ignore_case=folds[0],
        precompose_unicode=folds[1],
    )
    pair = [writing(entry), writing(other)]
    overlap = ScopeMap(tree, pair, new_paths).find_overlap(1, 0)
    if overlap is None:
        assert entry.startswith("A")
        assert not folds[0]
        return
    assert "\\" not in overlap.path
    for access in pair:
        assert compile_scope(access.write, Folding(*folds)).allows(overlap.path)
