"""Which gates and reviews the settings ask of a slice: of all, or by its risk and its paths."""

from collections.abc import Iterable, Sequence

from gitslices.core.model import Oid, RepoTree, Requirement, When
from gitslices.scopes.language.entries import Access, Scope, parse_scope
from gitslices.scopes.overlap.scope_map import ScopeMap

_Asked = tuple[str, Scope]
"""The risk of a slice, and what it may write."""

_NO_FILES = RepoTree(commit=Oid("0" * 40), paths=())


def find_required(
    requirements: Iterable[Requirement], slices: Sequence[_Asked]
) -> list[tuple[str, ...]]:
    """For each slice the names of what it must fulfil."""
    names: list[list[str]] = [[] for _ in slices]
    for one in requirements:
        for own, is_met in zip(names, _find_met(one.when, slices), strict=True):
            own += [one.name] if is_met else ()
    return [tuple(own) for own in names]


def holds(when: When, risk: str, write_scope: Sequence[str]) -> bool:
    """Whether a slice meets a condition."""
    return _find_met(when, [(risk, parse_scope(write_scope))])[0]


def _find_met(when: When, slices: Sequence[_Asked]) -> list[bool]:
    risks = {risk.strip().casefold() for risk in when.risk}
    met = [not risks or risk.strip().casefold() in risks for risk, _ in slices]
    if not when.paths or not any(met):
        return met
    # In no files, so that nothing else than the two scopes decides: what a slice must fulfil is the
    # same when it is planned and when it is merged. As readers, slices are not compared with each
    # other.
    readers = [Access(read=write, write=Scope()) for _, write in slices]
    watched = Access(read=Scope(), write=parse_scope(when.paths))
    touching = ScopeMap(_NO_FILES, [*readers, watched], "all").conflicts[-1]
    return [is_met and touching >> number & 1 == 1 for number, is_met in enumerate(met)]
