"""The fence around a slice: which of its changes are outside its write scope, and whose they are.

One rule for the hooks, for `check`, for agents and for the merge.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from gitslices.core.model import Change, RepoPath, SliceId
from gitslices.scopes.language.matcher import ScopeMatcher


class Neighbour(Struct, frozen=True, kw_only=True):
    """Another slice under way; `name` is how messages call it.

    `comes_first` where the plan lists it before the slice that is checked.
    """

    slice_id: SliceId
    name: str
    matcher: ScopeMatcher
    comes_first: bool


class Violation(Struct, frozen=True, kw_only=True):
    """A change that is not this slice's to make, the slice that may make it, and why."""

    path: RepoPath
    owner: SliceId | None
    reason: str


def find_violations(
    matcher: ScopeMatcher,
    changed: Iterable[Change],
    neighbours: Sequence[Neighbour] = (),
    shared: ScopeMatcher | None = None,
) -> tuple[Violation, ...]:
    """The changes that a slice may not make, in the order of their paths.

    `matcher` knows the slice's write scope; `neighbours` stand in the order of the plan. A new path
    in two write scopes belongs to the slice that comes first, unless `shared` lets both have it.
    """
    found = (_check_change(matcher, change, neighbours, shared) for change in changed)
    return tuple(sorted((one for one in found if one), key=lambda violation: violation.path))


def _check_change(
    matcher: ScopeMatcher,
    change: Change,
    neighbours: Sequence[Neighbour],
    shared: ScopeMatcher | None,
) -> Violation | None:
    # Git commits such a folder as a submodule that nobody can clone, and none of its files.
    if change.is_unnamed:
        reason = "a repository of its own that .gitmodules does not name"
        return Violation(path=change.path, owner=None, reason=reason)
    if not _allows(matcher, change):
        owner = next((one for one in neighbours if _allows(one.matcher, change)), None)
        reason = f"in slice {owner.name}" if owner else "in no slice"
        return Violation(path=change.path, owner=owner.slice_id if owner else None, reason=reason)
    # What exists has been put in an order by the plan. A path that did not exist then may be in two
    # scopes that the plan lets run side by side, and both may come to create it.
    if not change.is_new or (shared and _allows(shared, change)):
        return None
    earlier = (one for one in neighbours if one.comes_first and _allows(one.matcher, change))
    first = next(earlier, None)
    if first is None:
        return None
    reason = f"new, and slice {first.name} comes first"
    return Violation(path=change.path, owner=first.slice_id, reason=reason)


def _allows(matcher: ScopeMatcher, change: Change) -> bool:
    return matcher.allows(change.path, is_submodule=change.is_submodule)
