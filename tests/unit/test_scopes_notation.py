"""Notations from elsewhere: braces are expanded, others refused; ranges may run backwards."""

import re

import pytest

from gitslices.core.errors import ScopeError
from gitslices.scopes.language.entries import parse_entries, parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import compile_scope


def list_texts(text: str) -> list[str]:
    return sorted(entry.text for entry in parse_entries(text))


def allows(entry: str, path: str, folding: Folding = Folding()) -> bool:  # noqa: B008 - frozen
    return compile_scope(parse_scope([entry]), folding).allows(path)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("src/**/*.{ts,tsx}", ["src/**/*.ts", "src/**/*.tsx"]),
        ("{src,tests}/api/", ["src/api/", "tests/api/"]),
        ("{a,b}/{c,d}", ["a/c", "a/d", "b/c", "b/d"]),
        ("x{a,b{c,d}}", ["xa", "xbc", "xbd"]),
        ("x{b{c,d},a}", ["xa", "xbc", "xbd"]),
        ("index{,.test}.ts", ["index.test.ts", "index.ts"]),
        ("!src/{gen,out}/", ["!src/gen/", "!src/out/"]),
        ("{src/a.ts,docs/b.md}", ["docs/b.md", "src/a.ts"]),
        ("{a,a}", ["a"]),
        ("users/{id}.yaml", ["users/{id}.yaml"]),
        ("{}", ["{}"]),
        ("a}b{c", ["a}b{c"]),
        ("[{,}]x", ["[{,}]x"]),
        ("a[,]b.csv", ["a[,]b.csv"]),
        ("*\\{a\\,b}", ["*\\{a\\,b}"]),
    ],
)
def test_braces_with_a_comma_stand_for_several_entries(text: str, texts: list[str]) -> None:
    assert list_texts(text) == texts


def test_scopes_that_were_kept_are_read_with_their_braces() -> None:
    assert parse_scope(["src/*.{ts,tsx}", "src/*.ts"]).texts == ("src/*.ts", "src/*.tsx")


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("a,b", "has a comma", "an entry for each"),
        ("src/a.ts, src/b.ts", "has a comma", "an entry for each"),
        ("{a,b", "is not closed", "{a,b}"),
        ("src/{a,b", "is not closed", "'[{]'"),
        ("src/{a,b/*.ts", "is not closed", "{a,b}"),
        ("{a,{b,c}", "is not closed", "{a,b}"),
        ("{a}{b,", "is not closed", "{a,b}"),
        ("!src/{a,b", "is not closed", "{a,b}"),
        ("src/a,b}", "is not opened", "{a,b}"),
        ("{a,b},c}", "is not opened", "{a,b}"),
        ("{a},b", "has a comma", "'[,]'"),
        ("src/*.ts,*.tsx", "has a comma", "an entry for each"),
        ("+(a|b)", "no groups", "{a,b}"),
        ("src/@(a|b)/*.ts", "no groups", "{a,b}"),
        ("*.(ts|tsx)", "no groups", "{a,b}"),
        ("+(src/a|src/b)", "no groups", "{a,b}"),
        ("file{1..3}.ts", "sequence", "[1-9]"),
        ("src\\a.ts", "backslash", "'src/a.ts'"),
        ("src\\api\\", "backslash", "'src/api/'"),
        ("src\\api\\*.ts", "backslash", "'src/api/*.ts'"),
        ("a.ts:12", "names lines", "a.ts"),
        ("a.ts:12-40", "names lines", "a.ts"),
        ("a.ts:12:5", "names lines", "a.ts"),
        ("src/a.ts#L12-L40", "names lines", "src/a.ts"),
        ("src/a.ts ", "with a space", "leave the space out"),
        (" src/a.ts", "with a space", "leave the space out"),
        ("! src/a.ts", "with a space", "leave the space out"),
        ("*.ts ", "with a space", "leave the space out"),
        ("`src/a.ts`", "in quotes", "src/a.ts"),
        ("'src/a.ts'", "in quotes", "src/a.ts"),
        ("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "more than 64", "a pattern"),
        ("!a,b", "has a comma", "an entry for each"),
    ],
)
def test_what_gitignore_lacks_is_refused_with_the_way_to_write_it(
    text: str, reason: str, hint: str
) -> None:
    with pytest.raises(ScopeError, match=re.escape(reason)) as refusal:
        parse_entries(text)
    assert refusal.value.hint
    assert hint in refusal.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "app/(auth)/page.tsx",
        "app/@modal/(.)photo/[id]/page.tsx",
        "!(auth)/page.tsx",
        "c++(old)/x.c",
        "routes/$slug.tsx",
        "a b/c d.txt",
        "docs/#1.md",
        "*\\ ",
        "[a\\-b]*",
        "docker/redis:7/Dockerfile",
        "name[:]12",
        "x=1/y.parquet",
        "…/x",
        "a|b",
    ],
)
def test_names_that_only_look_odd_are_entries(text: str) -> None:
    assert list_texts(text) == [text]


@pytest.mark.parametrize(
    ("text", "name"),
    [("a[,]b.csv", "a,b.csv"), ("a[\\\\]b", "a\\b"), ("a[:]12", "a:12"), ("a[ ]", "a ")],
)
def test_the_way_to_write_such_a_name_is_true(text: str, name: str) -> None:
    assert parse_entries(text)
    assert allows(text, name)


ROUTES = ["[user-id]", "[post-id]", "[order-id]", "[[...sign-in]]", "[z-a]", "[!z-a]", "[a-Z]"]


@pytest.mark.parametrize("folding", [Folding(), Folding(ignore_case=True)])
@pytest.mark.parametrize("route", ROUTES)
def test_a_range_that_runs_backwards_leaves_the_path_spelled_like_it(
    route: str, folding: Folding
) -> None:
    entry = f"app/{route}/page.tsx"
    assert list_texts(entry) == [entry]
    assert allows(entry, entry, folding)
    assert not allows(entry, "app/users/page.tsx", folding)


def test_a_backward_range_is_its_first_character() -> None:
    # git check-ignore says so; the property on random patterns compares with it.
    assert [name for name in "userid-" if allows("/[user-id]", name)] == list("userd")
