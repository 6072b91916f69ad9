"""The rule: which changes a slice may make, and whose the others are."""

import pytest

from gitslices.core.model import Change, RepoPath, SliceId
from gitslices.rules.scope_check import Neighbour, Violation, find_violations
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import ScopeMatcher, compile_scope


def make_matcher(*entries: str, ignore_case: bool = False) -> ScopeMatcher:
    return compile_scope(parse_scope(entries), Folding(ignore_case=ignore_case))


def make_neighbour(name: str, *entries: str, comes_first: bool) -> Neighbour:
    return Neighbour(
        slice_id=SliceId(name), name=name, matcher=make_matcher(*entries), comes_first=comes_first
    )


def judge(changes: list[Change], *neighbours: Neighbour) -> dict[str, tuple[str | None, str]]:
    found = find_violations(make_matcher("src/", "*.md"), changes, neighbours)
    return {violation.path: (violation.owner, violation.reason) for violation in found}


def change(path: str, *, is_new: bool = False) -> Change:
    return Change(path=RepoPath(path), is_new=is_new)


BEFORE = make_neighbour("docs", "docs/", comes_first=True)
AFTER = make_neighbour("web", "web/", "docs/", "src/web/", comes_first=False)


def test_changes_inside_are_no_violations() -> None:
    assert judge([change("src/a"), change("README.md", is_new=True)]) == {}


def test_a_change_outside_belongs_to_nobody_or_to_the_first_that_covers_it() -> None:
    found = judge([change("web/x"), change("docs/x"), change("Makefile")], BEFORE, AFTER)
    assert found == {
        "Makefile": (None, "in no slice"),
        "docs/x": ("docs", "in slice docs"),
        "web/x": ("web", "in slice web"),
    }
    assert list(found) == ["Makefile", "docs/x", "web/x"]


def test_a_new_path_in_two_scopes_belongs_to_the_one_that_comes_first() -> None:
    found = judge([change("docs/new.md", is_new=True)], BEFORE, AFTER)
    assert found == {"docs/new.md": ("docs", "new, and slice docs comes first")}


def test_an_owner_that_comes_later_does_not_hide_the_one_that_comes_first() -> None:
    later = make_neighbour("all", "**", comes_first=False)
    found = judge([change("docs/new.md", is_new=True)], later, BEFORE)
    assert found == {"docs/new.md": ("docs", "new, and slice docs comes first")}


@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param(change("docs/old.md"), id="not new"),
        pytest.param(change("src/web/new", is_new=True), id="the other comes later"),
    ],
)
def test_a_path_in_two_scopes_is_allowed_otherwise(harmless: Change) -> None:
    assert judge([harmless], BEFORE, AFTER) == {}


def test_a_new_path_that_is_shared_belongs_to_both() -> None:
    changed = [change("docs/new.md", is_new=True)]
    assert not find_violations(make_matcher("*.md"), changed, [BEFORE], make_matcher("docs/new.md"))


def test_a_submodule_is_in_a_pattern_for_directories() -> None:
    own = make_matcher("lib*/")
    path = RepoPath("libfoo")
    assert not find_violations(own, [Change(path=path, is_submodule=True)])
    outside = Violation(path=path, owner=None, reason="in no slice")
    assert find_violations(own, [Change(path=path)]) == (outside,)


def test_names_are_compared_as_the_repository_does() -> None:
    changed = [change("SRC/a")]
    assert find_violations(make_matcher("src/"), changed)
    assert not find_violations(make_matcher("src/", ignore_case=True), changed)
