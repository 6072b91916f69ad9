"""The fence around a slice: which of its changes are outside its write scope, and whose they are.

One rule for the hooks, for `check`, for agents and for the merge.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from gitslices.core.model import Change, RepoPath, SliceId
from gitslices.scopes.language.matcher import Judge


class Neighbour(Struct, frozen=True, kw_only=True):
    """Another slice under way; `name` is how messages call it.

    `comes_first` where the plan lists it before the slice that is judged.
    """

    slice_id: SliceId
    name: str
    judge: Judge
    comes_first: bool


class Violation(Struct, frozen=True, kw_only=True):
    """A change that is not this slice's to make, the slice that may make it, and why."""

    path: RepoPath
    owner: SliceId | None
    reason: str


def find_violations(
    judge: Judge,
    changed: Iterable[Change],
    neighbours: Sequence[Neighbour] = (),
    shared: Judge | None = None,
) -> tuple[Violation, ...]:
    """The changes that a slice may not make, in the order of their paths.

    `judge` knows the slice's write scope; `neighbours` stand in the order of the plan. A new path
    in two write scopes belongs to the slice that comes first, unless `shared` lets both have it.
    """
    found = (_judge_change(judge, change, neighbours, shared) for change in changed)
    return tuple(sorted((one for one in found if one), key=lambda violation: violation.path))


def _judge_change(
    judge: Judge, change: Change, neighbours: Sequence[Neighbour], shared: Judge | None
) -> Violation | None:
    if not _allows(judge, change):
        owner = next((one for one in neighbours if _allows(one.judge, change)), None)
        reason = f"in slice {owner.name}" if owner else "in no slice"
        return Violation(path=change.path, owner=owner.slice_id if owner else None, reason=reason)
    if not change.is_new or (shared and _allows(shared, change)):
        return None
    earlier = (one for one in neighbours if one.comes_first and _allows(one.judge, change))
    first = next(earlier, None)
    if first is None:
        return None
    reason = f"new, and slice {first.name} comes first"
    return Violation(path=change.path, owner=first.slice_id, reason=reason)


def _allows(judge: Judge, change: Change) -> bool:
    return judge.allows(change.path, is_submodule=change.is_submodule)
