"""Single paths against patterns and scopes: git's own answers are the measure."""

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gitslices.core.errors import ScopeError
from gitslices.scopes.language.atoms import make_atoms
from gitslices.scopes.language.entries import parse_entry, parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import compile_scope, covers
from tests.support.examples import scale
from tests.support.repositories import git

AS_SPELLED = Folding()
FRAGMENTS = [
    *("**/", "/**", "/**/", "/", "*", "***", "?", "a", "b", "A", " ", "#", "\\*", "\\[", "\\a"),
    *("[ab]", "[!a]", "[^b-]", "[]a]", "[a-b]", "[\\]]", "[!\\]-a]", "[a\\-b]", "[*]", "[-a]"),
]
PATTERNS = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6).map("".join) | st.text(
    "ab*?/[]!\\-^", min_size=1, max_size=9
)
NAMES = st.text("ab-]![\\\n^*# ", min_size=1, max_size=3)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def allows(entries: list[str], path: str, folding: Folding = AS_SPELLED) -> bool:
    return compile_scope(parse_scope(entries), folding).allows(path)


def ask_git(repository: Path, pattern: str, paths: list[str]) -> set[str]:
    escaped = "\\" + pattern if pattern.startswith("#") else pattern
    (repository / ".git/info/exclude").write_text(escaped + "\n")
    asked = subprocess.run(
        ["git", "-C", str(repository), "check-ignore", "--no-index", "--stdin", "-z"],
        input="".join(path + "\0" for path in paths).encode(),
        capture_output=True,
        check=False,
    )
    assert asked.returncode in (0, 1), asked.stderr
    return {path.decode() for path in asked.stdout.split(b"\0") if path}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, sealed_environment: None) -> Path:
    path = tmp_path_factory.mktemp("patterns")
    git(path, "init", "--quiet")
    return path


@pytest.fixture(scope="module")
def folding_repository(tmp_path_factory: pytest.TempPathFactory, sealed_environment: None) -> Path:
    path = tmp_path_factory.mktemp("folding")
    git(path, "init", "--quiet")
    git(path, "config", "core.ignorecase", "true")
    return path


def compare_with_git(
    repository: Path, pattern: str, paths: list[str], folding: Folding = AS_SPELLED
) -> None:
    try:
        entry = parse_entry(pattern)
    except ScopeError:
        assume(False)
    assume(entry.is_pattern and not entry.excluded)
    atom = make_atoms(entry, folding)[0]
    covered = {path for path in paths if covers(atom, folding.fold(path))}
    assert covered == ask_git(repository, entry.path, paths)


GIT_SETTINGS = settings(
    max_examples=scale(150),
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@GIT_SETTINGS
@given(PATTERNS, st.lists(PATHS, min_size=20, max_size=40))
def test_accepted_pattern_matches_what_git_matches(
    repository: Path, pattern: str, paths: list[str]
) -> None:
    compare_with_git(repository, pattern, paths)


@GIT_SETTINGS
@given(
    PATTERNS.filter(lambda pattern: "[" not in pattern),
    st.lists(PATHS.map(str.upper) | PATHS, min_size=20, max_size=40),
)
def test_pattern_without_brackets_ignores_case_as_git_does(
    folding_repository: Path, pattern: str, paths: list[str]
) -> None:
    compare_with_git(folding_repository, pattern, paths, Folding(ignore_case=True))


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("src", ["src", "src/a/b"], ["srcs", "a/src"]),
        ("*.py", ["a.py", "x/y/a.py", "x.py/readme"], ["a.pyc"]),
        ("/*.py", ["a.py"], ["x/a.py"]),
        ("src/*.py", ["src/a.py"], ["src/x/a.py", "x/src/a.py"]),
        ("src/**/*.py", ["src/a.py", "src/x/y/a.py"], ["a.py"]),
        ("**/test", ["test", "a/test/b"], ["tests"]),
        ("src/**", ["src/a", "src/a/b"], ["src"]),
        ("build*/", ["build/a", "x/build2/a"], ["build", "x/build2"]),
        ("x/**/", ["x/a/b"], ["x/a", "x"]),
        ("a[!x]c", ["abc"], ["axc", "a/c"]),
        ("a?c", ["abc", "aéc", "a\nc"], ["a/c"]),
        ("[\\]]x", ["]x"], ["\\x"]),
        ("#*", ["#a"], ["a"]),
        ("app/[slug]/page.tsx", ["app/[slug]/page.tsx", "app/s/page.tsx"], ["app/x/page.tsx"]),
        ("app/[slug]/", ["app/[slug]/a", "app/s/a"], ["app/[slug]", "app/s"]),
        ("a\\*", ["a*", "a\\*"], ["ab"]),
    ],
)
def test_entry_covers(entry: str, inside: list[str], outside: list[str]) -> None:
    assert [path for path in inside + outside if allows([entry], path)] == inside


def test_exclusion_wins_wherever_it_stands() -> None:
    assert not allows(["!src/gen", "src"], "src/gen/a")
    assert not allows(["src", "!*.md"], "src/a.md")
    assert allows(["src", "!*.md"], "src/a.py")


def test_exclusion_has_its_twin_too() -> None:
    assert not allows(["app", "!app/[id]"], "app/[id]/page.tsx")
    assert not allows(["app", "!app/[id]"], "app/i/page.tsx")


def test_case_is_folded_where_the_repository_does() -> None:
    folding = Folding(ignore_case=True)
    assert allows(["SRC/*.PY"], "src/a.py", folding)
    assert allows(["[A-C]x"], "bX", folding)
    assert allows(["straße"], "STRASSE/a", folding)
    assert not allows(["[!A]x"], "ax", folding)
    assert not allows(["SRC"], "src/a")


def test_unicode_is_composed_where_the_repository_does() -> None:
    folding = Folding(precompose_unicode=True)
    assert allows(["cafe\u0301"], "caf\u00e9/menu", folding)
    assert allows(["caf?"], "cafe\u0301", folding)
    assert allows(["caf\u00e9*"], "cafe\u0301.md", folding)
    assert not allows(["cafe\u0301"], "caf\u00e9")


def test_bytes_that_are_no_text_are_characters_like_others() -> None:
    assert allows(["src"], "src/\udcff")
    assert allows(["src/?"], "src/\udcff")


def test_submodule_counts_as_a_directory_and_stands_for_what_is_inside() -> None:
    def judge(entries: list[str]) -> bool:
        scope = parse_scope(entries)
        made = compile_scope(scope, AS_SPELLED, submodules={"vendor/lib"})
        return made.allows("vendor/lib", is_submodule=True)

    assert judge(["vendor/*/"])
    assert judge(["vendor/lib/src/a.c"])
    assert judge(["vendor/lib/**/*.c"])
    assert judge(["vendor", "!vendor/lib/src"])
    assert not judge(["vendor", "!vendor/lib"])
    assert not judge(["*/lib/*"])


WILDEST = [
    "**/" * 6 + "*a*a*a*b",
    "**/*a*a*a*b/" * 6,
    "**/a/" * 6 + "b",
    "*a*a*a*a",
    "/*a*a*a*" + "a" * 240 + "b",
    "*[ab]*[ab]*[ab]*[!a]",
    "*a" + "?" * 240 + "b",
    "*/" * 120 + "b",
    "/".join(["*a*"] * 60) + "b",
]
LONGEST = ["a" * 4096, "a/" * 2047 + "a", "ab" * 2048, ("a" * 50 + "/") * 80 + "a", "aab/" * 1023]


@pytest.mark.parametrize("pattern", WILDEST, ids=lambda pattern: pattern[:12])
def test_wildest_pattern_is_judged_at_once(pattern: str) -> None:
    judge = compile_scope(parse_scope([pattern]), AS_SPELLED)
    for path in LONGEST:
        started = time.process_time()
        judge.allows(path.rstrip("/"))
        assert time.process_time() - started < 5
