"""The fence around a slice: which of its changes are outside its write scope, and whose they are.

One rule for the hooks, for `check`, for agents and for the merge.

Inside the slice's worktree it decides what an agent may write, too; what is outside, goes by place.
"""

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

from msgspec import Struct

from gitslices.core.model import Change, RepoPath, SliceId
from gitslices.scopes.language.matcher import ScopeMatcher

UNNAMED: Final = "a repository of its own that .gitmodules does not name"
"""Why a link to another repository is refused, in whichever scope it lies."""


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
        return Violation(path=change.path, owner=None, reason=UNNAMED)
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


_STREAMS: Final = frozenset({"/dev/full", "/dev/null", "/dev/stderr", "/dev/stdout", "/dev/tty"})


class Target(Struct, frozen=True, kw_only=True):
    """Something that is to be written: as it was asked for, and where that really is.

    `repository` is the top of the repository that holds it, if any, or git's own folder.
    """

    asked: str
    path: PurePath
    repository: PurePath | None = None


class OtherWorktree(Struct, frozen=True, kw_only=True):
    """Another worktree of the repository, and what messages call it."""

    path: PurePath
    name: str


class Surroundings(Struct, frozen=True, kw_only=True):
    """Where a slice is: its worktree, git's folder, the worktrees beside it.

    `free` are folders in which everybody may write what belongs to no repository, unless it is
    `kept` for the user: settings that decide which hooks an agent asks.
    """

    worktree: PurePath
    common_dir: PurePath
    others: Sequence[OtherWorktree] = ()
    free: Sequence[PurePath] = ()
    kept: Sequence[PurePath] = ()


class Denial(Struct, frozen=True, kw_only=True):
    """Something that may not be written, and why."""

    asked: str
    reason: str


def find_repo_path(surroundings: Surroundings, target: Target) -> RepoPath | None:
    """`target` from the root of the slice's worktree, where that is for the scope check to say."""
    if (
        not target.path.is_relative_to(surroundings.worktree)
        or target.path == surroundings.worktree
    ):
        return None
    inner = target.path.relative_to(surroundings.worktree)
    return None if is_git_path(inner) else RepoPath(str(inner))


def find_handed_reason(surroundings: Surroundings, target: Target, *, whole: bool) -> str | None:
    """Why a program that may write `target` is not to have it; None where it may.

    Paths outside of all worktrees are anybody's: most of what programs are given is only read.
    """
    if target.path.is_relative_to(surroundings.common_dir):
        return "git's own files"
    own, other = surroundings.worktree, find_other(surroundings, target)
    inside = target.path.is_relative_to(own)
    if inside and (other is None or own.is_relative_to(other.path)):
        return None
    if other is not None:
        return f"in {other.name}"
    tops = (surroundings.common_dir, *(one.path for one in surroundings.others))
    holds = whole and any(top.is_relative_to(target.path) for top in tops)
    return "it holds whole worktrees" if holds else None


def find_other(surroundings: Surroundings, target: Target) -> OtherWorktree | None:
    """The other worktree that `target` is in."""
    inside = (one for one in surroundings.others if target.path.is_relative_to(one.path))
    # One worktree may lie inside another, and the inner one is meant.
    return max(inside, key=lambda one: len(one.path.parts), default=None)


def is_git_path(path: PurePath) -> bool:
    """Whether it is git's own, spelled in any case."""
    return any(part.casefold() == ".git" for part in path.parts)


def find_outside_reason(surroundings: Surroundings, target: Target) -> str | None:
    """Why what is for no scope check to say may not be written; None where it may."""
    if target.asked in _STREAMS or target.asked.startswith("/dev/fd/"):
        return None
    # Before the other worktrees, because git's own folder mostly lies in one of them.
    if target.path.is_relative_to(surroundings.common_dir) or is_git_path(target.path):
        return "git's own files"
    other = find_other(surroundings, target)
    if other is not None:
        return f"in {other.name}"
    tops = (
        surroundings.worktree,
        surroundings.common_dir,
        *(one.path for one in surroundings.others),
    )
    # Whoever moves or deletes a folder above a worktree takes the worktree along.
    if any(top.is_relative_to(target.path) for top in tops):
        return "it holds whole worktrees"
    if target.repository is not None:
        return f"in another repository, {target.repository}"
    if any(target.path.is_relative_to(one) for one in surroundings.kept):
        return "settings that decide which hooks are asked: they are for the user to change"
    if any(folder in target.path.parents for folder in surroundings.free):
        return None
    return "outside the worktree"
