"""What an agent may write in a slice, decided before it is written.

Inside the slice's worktree the fence decides, as it does for commits; this says what lies outside.
"""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from msgspec import Struct

from gitslices.core.model import RepoPath

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

    `free` are folders in which everybody may write what belongs to no repository.
    """

    worktree: PurePath
    common_dir: PurePath
    others: Sequence[OtherWorktree] = ()
    free: Sequence[PurePath] = ()


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
    if any(folder in target.path.parents for folder in surroundings.free):
        return None
    return "outside the worktree"
