"""What an entry and a scope mean as text, and what is refused."""

import re

import pytest

from gitslices.core.errors import ScopeError
from gitslices.scopes.language.entries import Entry, parse_entry, parse_scope


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("src", "src"),
        ("src/", "src"),
        ("./a//b/", "a/b"),
        ("a/./b", "a/b"),
        (".github/workflows", ".github/workflows"),
        ("a b", "a b"),
        ("./!draft", "!draft"),
        ("./~home", "~home"),
        ("a\\b", "a\\b"),
        ("é", "é"),
        ("…/x", "…/x"),
    ],
)
def test_literal_is_one_path_from_the_root(text: str, path: str) -> None:
    assert parse_entry(text) == Entry(text, path, excluded=False, is_pattern=False)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("*.py", "*.py"),
        ("/*.py", "/*.py"),
        ("./*.py", "/*.py"),
        ("src//*.py", "src/*.py"),
        ("src/*/", "src/*/"),
        ("*.py ", "*.py"),
        ("*\\ ", "*\\ "),
        ("*\\  ", "*\\ "),
        ("app/[slug]/page.tsx", "app/[slug]/page.tsx"),
        ("[]a]", "[]a]"),
        ("[a-]", "[a-]"),
        ("foo**", "foo**"),
    ],
)
def test_wildcard_makes_a_pattern(text: str, path: str) -> None:
    assert parse_entry(text) == Entry(text, path, excluded=False, is_pattern=True)


@pytest.mark.parametrize("text", [".", "./", "**", "/**", "***", "**/**", "project files"])
def test_whole_repository_has_several_names(text: str) -> None:
    assert parse_entry(text).names_whole_repository
    assert parse_scope([text, "!docs"]).names_whole_repository


@pytest.mark.parametrize("text", ["src", "*", "**/", "**/*.py", "/*"])
def test_nothing_else_names_the_whole_repository(text: str) -> None:
    assert not parse_entry(text).names_whole_repository


def test_exclusion_keeps_its_text_and_drops_the_mark() -> None:
    assert parse_entry("!src/") == Entry("!src/", "src", excluded=True, is_pattern=False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cannot be empty"),
        (" \t", "cannot be empty"),
        ("!", "cannot be empty"),
        ("/etc/passwd", "absolute path"),
        ("/", "absolute path"),
        ("C:\\src", "absolute path"),
        ("c:/src/*", "absolute path"),
        ("~/src", "home directory"),
        ("!~x", "home directory"),
        ("..", "leads out"),
        ("a/../b", "leads out"),
        ("a/../*", "leads out"),
        (".git", "git's own"),
        ("a/.GIT/config", "git's own"),
        (".Git/*", "git's own"),
        ("\\.git/*", "git's own"),
        ("a\nb", "control character, U+000A"),
        ("a\x7f", "control character, U+007F"),
        ("a\u2028b", "line separator, U+2028"),
        ("a\udc80", "lone surrogate, U+DC80"),
        ("[[:alpha:]]", "POSIX class"),
        ("app/[slug", "not closed"),
        ("[a/b]", "not closed"),
        ("[]", "not closed"),
        ("*\\", "nothing follows the last backslash"),
        ("a\\/*", "nothing follows the last backslash"),
        ("foo**/bar", "in two ways"),
        ("*a*a*a*a*", "more than 4 '*'"),
        ("**/a/**/a/**/a/**/a/**/a/**/a/**", "more than 6 components '**'"),
        ("*" + "a" * 256, "too long"),
        ("a" * 4097, "too long"),
        ("é" * 2049, "too long"),
        ("!.", "takes out the whole repository"),
        ("!**", "takes out the whole repository"),
    ],
)
def test_refusal_says_why_and_what_to_write(text: str, reason: str) -> None:
    with pytest.raises(ScopeError, match=re.escape(reason)) as refusal:
        parse_entry(text)
    assert refusal.value.hint
    assert len(refusal.value.message) < 300


def test_stars_in_brackets_are_not_counted() -> None:
    assert parse_entry("*[*]*[*]*[*]*").is_pattern


def test_longest_entries_are_accepted() -> None:
    assert parse_entry("a" * 4096)
    assert parse_entry("!" + "a" * 4096)
    assert parse_entry("*" + "a" * 255)


def test_scope_is_sorted_and_without_duplicates() -> None:
    scope = parse_scope(["src/", "!src/gen", "docs", "src/"])
    assert scope.texts == ("!src/gen", "docs", "src/")
    assert [entry.text for entry in scope.included] == ["docs", "src/"]
    assert [entry.text for entry in scope.excluded] == ["!src/gen"]


def test_empty_scope_is_valid_and_one_of_exclusions_is_not() -> None:
    assert parse_scope([]).entries == ()
    with pytest.raises(ScopeError, match="only excludes"):
        parse_scope(["!src"])
