"""The words that texts are searched by, and names of files found by them."""

import pytest

from gitslices.core.model import RepoPath
from gitslices.history.names import PathNames, is_test
from gitslices.history.words import find_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fix TokenService in HTTPServer", {"fix", "token", "servic", "server"}),
        ("policies, policy; stopped stopping stops", {"policy", "stop"}),
        ("classes class, status, analysis; passes", {"class", "status", "analysis", "pass"}),
        ("src/api/rate_limit.py", {"src", "api", "rate", "limit", "py"}),
        ("the and of 42 #1234 x", set()),
        ("Überprüfung größer", {"überprüfung", "größer"}),
        ("", set()),
    ],
)
def test_forms_of_a_word_meet(text: str, words: set[str]) -> None:
    assert find_words(text) == words


PATHS = [
    RepoPath(path)
    for path in (
        "README.md", "src/api/token.py", "src/api/token_store.py", "src/web/Token.tsx",
        "tests/api/test_token.py", "tests/web/nav.test.ts", "src/web/nav.ts", "docs/policies.md",
    )
]  # fmt: skip
NAMES = PathNames(PATHS)


def test_paths_are_found_by_their_words() -> None:
    found = NAMES.match(find_words("Token policy of the API"))
    assert set(found) == {
        path for path in PATHS if "oken" in path or "api" in path or "pol" in path
    }
    exact, longer = found[RepoPath("src/api/token.py")], found[RepoPath("src/api/token_store.py")]
    assert exact.in_name == longer.in_name > 0
    assert exact.covered > longer.covered
    assert exact.in_folder > found[RepoPath("src/web/Token.tsx")].in_folder == 0


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [
        ("see `src/web/nav.ts`.", {"src/web/nav.ts": 1.0}),
        ("(web/nav.ts)", {"src/web/nav.ts": 1.0}),
        ("change token.py, please", {"src/api/token.py": 0.7}),
        ("README.md and nothing.md", {"README.md": 1.0}),
        ("oken.py; i.e. e.g. ../x", {}),
    ],
)
def test_paths_in_a_text_are_mentioned(text: str, mentioned: dict[str, float]) -> None:
    assert dict(NAMES.find_mentioned(text)) == mentioned


def test_files_are_alike_by_their_names_without_kind_and_test() -> None:
    alike = dict(NAMES.find_alike(RepoPath("src/api/token.py")))
    assert alike == {
        "tests/api/test_token.py": 1.0, "src/web/Token.tsx": 1.0, "src/api/token_store.py": 0.5,
    }  # fmt: skip
    assert dict(NAMES.find_alike(RepoPath("src/web/nav.ts"))) == {"tests/web/nav.test.ts": 1.0}
    assert is_test(RepoPath("tests/web/nav.test.ts"))
    assert not is_test(RepoPath("src/latest.py"))
