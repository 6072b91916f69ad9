"""Paths that texts of other tools name: declared as a list of files, or in passing."""

import pytest

from gitslices.importing.named_paths import (
    find_declared_files,
    find_named_files,
    find_scope_fault,
    read_entries,
)


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("a user model in src/models/user.py", ("src/models/user.py",)),
        ("(see src/a.py, src/b.py).", ("src/a.py", "src/b.py")),
        ("and/or, CI/CD, GET /x, v1.2, e.g. Node.js", ()),
        ("`Makefile` and `src/`", ()),
        ("app/[slug]/page.tsx and app/(x)/y.ts", ("app/[slug]/page.tsx", "app/(x)/y.ts")),
        ("../secret.py /etc/passwd.txt http://x.y/z.py", ()),
        ("config in pyproject.toml.", ("pyproject.toml",)),
    ],
)
def test_files_named_in_passing(text: str, files: tuple[str, ...]) -> None:
    assert find_named_files(text) == files


@pytest.mark.parametrize(
    ("item", "entries"),
    [
        ("- `src/a.py` - the parser", ("src/a.py",)),
        ("* src/a.py:12-40", ("src/a.py",)),
        ("- Create: `src/a.py` and `src/b.py`", ("src/a.py", "src/b.py")),
        ("- modify src/a.py (the parser)", ("src/a.py",)),
        ("- Makefile", ("Makefile",)),
        ("- nothing that is a path", ()),
        ("a.ts, b.ts", ("a.ts", "b.ts")),
        ("- src/{a,b}.py", ("src/{a,b}.py",)),
    ],
)
def test_items_of_a_list_of_files(item: str, entries: tuple[str, ...]) -> None:
    assert read_entries(item) == entries


def test_a_list_of_files_ends_with_its_section() -> None:
    text = "# Plan\n## Files to modify\n- a.py\n### Tests\n- b.py\n## Rest\n- c.py\n"
    assert find_declared_files(text) == ("a.py", "b.py")
    assert find_declared_files("```\n## Files\n- a.py\n```\n") == ()


@pytest.mark.parametrize(
    "entry", [".", "**", "*", "**/*", "/", "/etc/x", "../x", "a/.git/x", "~x/", "", "project files"]
)
def test_scopes_that_no_tool_may_declare(entry: str) -> None:
    assert find_scope_fault(entry)
