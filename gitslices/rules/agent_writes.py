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


class Ground(Struct, frozen=True, kw_only=True):
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


def find_repo_path(ground: Ground, target: Target) -> RepoPath | None:
    """`target` from the root of the slice's worktree, where that is for the scope check to say."""
    if not target.path.is_relative_to(ground.worktree) or target.path == ground.worktree:
        return None
    inner = target.path.relative_to(ground.worktree)
    return None if is_git_path(inner) else RepoPath(str(inner))


def find_other(ground: Ground, target: Target) -> OtherWorktree | None:
    """The other worktree that `target` is in."""
    inside = (one for one in ground.others if target.path.is_relative_to(one.path))
    return max(inside, key=lambda one: len(one.path.parts), default=None)


def is_git_path(path: PurePath) -> bool:
    """Whether it is git's own, spelled in any case."""
    return any(part.casefold() == ".git" for part in path.parts)


def find_outside_reason(ground: Ground, target: Target) -> str | None:
    """Why what is for no scope check to say may not be written; None where it may."""
    if target.asked in _STREAMS or target.asked.startswith("/dev/fd/"):
        return None
    if target.path.is_relative_to(ground.common_dir) or is_git_path(target.path):
        return "git's own files"
    other = find_other(ground, target)
    if other is not None:
        return f"in {other.name}"
    tops = (ground.worktree, ground.common_dir, *(one.path for one in ground.others))
    if any(top.is_relative_to(target.path) for top in tops):
        return "it holds whole worktrees"
    if target.repository is not None:
        return f"in another repository, {target.repository}"
    if any(folder in target.path.parents for folder in ground.free):
        return None
    return "outside the worktree"
