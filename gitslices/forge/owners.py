"""Who answers for which paths, by the file CODEOWNERS that forges read."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from gitslices.core.errors import ScopeError
from gitslices.core.model import RepoPath
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import ScopeMatcher, compile_scope

PLACES: Final = (
    RepoPath(".github/CODEOWNERS"),
    RepoPath("CODEOWNERS"),
    RepoPath("docs/CODEOWNERS"),
    RepoPath(".gitlab/CODEOWNERS"),
)
"""Where the file may be; the first that is there counts."""


class OwnerRule(Struct, frozen=True, kw_only=True):
    """The owners of what a pattern names."""

    pattern: str
    owners: tuple[str, ...]


def parse_owners(text: str) -> tuple[OwnerRule, ...]:
    """The rules of the file, in their order; lines that make no sense name nobody."""
    rules = []
    for line in text.splitlines():
        words = line.partition(" #")[0].split()
        # `[Section]` and `^[Section]` are GitLab's, and change nothing of who owns a path.
        if words and not words[0].startswith(("#", "[", "^[")):
            rules.append(OwnerRule(pattern=words[0], owners=tuple(words[1:])))
    return tuple(rules)


def find_owners(rules: Sequence[OwnerRule], paths: Iterable[RepoPath]) -> tuple[str, ...]:
    """The owners of `paths`, each once; of a path the last rule that names it counts."""
    return tuple(count_owned(rules, paths))


def count_owned(rules: Sequence[OwnerRule], paths: Iterable[RepoPath]) -> Counter[str]:
    """How many of `paths` each of their owners has."""
    matchers = [(matcher, rule) for rule in rules if (matcher := _compile(rule.pattern))]
    found: Counter[str] = Counter()
    for path in paths:
        rule = next((rule for matcher, rule in reversed(matchers) if matcher.allows(path)), None)
        found.update(rule.owners if rule else ())
    return found


def _compile(pattern: str) -> ScopeMatcher | None:
    """What a pattern names; None for one that makes no sense, or would take for ever."""
    try:
        return compile_scope(parse_scope([_make_entry(pattern)]), Folding())
    except ScopeError:
        return None


def _make_entry(pattern: str) -> str:
    # As in gitignore: at home everywhere, unless a slash stands before its end.
    is_anchored = "/" in pattern.rstrip("/")
    return pattern.lstrip("/") if is_anchored else f"**/{pattern}"
