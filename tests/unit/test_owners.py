"""Who owns which paths by CODEOWNERS."""

import pytest

from gitslices.core.model import RepoPath
from gitslices.forge.owners import find_owners, parse_owners

RULES = """\
# comment
*           @everybody
*.md        @writers  # on them alone
/build/     @builders
docs/*      @docs
apps/       @apps
/src/a.py   @ann mail@example.com
/free.txt
[Section]
../odd      @nobody
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("main.c", ["@everybody"]),
        ("deep/in/README.md", ["@writers"]),
        ("build/x/y", ["@builders"]),
        ("deep/build/x", ["@everybody"]),
        ("docs/a.txt", ["@docs"]),
        ("deep/apps/x/y", ["@apps"]),
        ("src/a.py", ["@ann", "mail@example.com"]),
        ("free.txt", []),
    ],
)
def test_the_last_rule_that_names_a_path_counts(path: str, owners: list[str]) -> None:
    assert list(find_owners(parse_owners(RULES), [RepoPath(path)])) == owners
