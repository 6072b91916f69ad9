"""The worktrees that have a branch at hand: their files follow when it moves."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import MachineError, Problem
from gitslices.core.files import read_regular
from gitslices.core.model import BranchName, Change, RepoPath, SliceId
from gitslices.git.follow import find_git_dir, find_overwritten, find_rebased, is_midway
from gitslices.git.ignored import list_placed
from gitslices.git.repository import Repository
from gitslices.git.uncommitted import read_uncommitted
from gitslices.git.worktrees import read_worktrees
from gitslices.workspace import Workspace

_LARGEST: Final = 16 * 1024 * 1024


class BranchWorktree(Struct, frozen=True, kw_only=True):
    """A worktree that has a branch at hand, and its uncommitted paths.

    `midway` says that a merge, a rebase or the like has been begun there and not ended.
    """

    path: Path
    edited: frozenset[str]
    midway: bool


def find_branch_worktrees(
    workspace: Workspace, branches: Iterable[BranchName]
) -> dict[BranchName, tuple[Path, ...]]:
    """Where each of `branches` is checked out, or will be when a rebase of it ends.

    Raises `MachineError` where one is checked out in a main worktree that git cannot find.
    """
    wanted = frozenset(branches)
    found: dict[BranchName, tuple[Path, ...]] = {}
    for place, worktree in enumerate(read_worktrees(workspace.repo)):
        # Of a submodule, or beside a separate git directory, git names a folder within itself.
        path = worktree.path if place else workspace.main_worktree or worktree.path
        # No files there have to follow the branch.
        if worktree.bare or worktree.missing:
            continue
        branch = worktree.branch or find_rebased(path)
        if branch not in wanted:
            continue
        # Only now: while another branch is at hand in such a worktree, it is no hindrance.
        if find_git_dir(path) is None:
            raise MachineError(
                f"{branch!r} is checked out in a main worktree that git does not find",
                hint="run gitslices there",
            )
        # Several: `--force` lets two worktrees have one branch, and both have to follow.
        found[branch] = (*found.get(branch, ()), path)
    return found


def read_branch_worktrees(
    repo: Repository, worktrees: Sequence[Path]
) -> tuple[BranchWorktree, ...]:
    """What is uncommitted in each of `worktrees`."""
    return tuple(
        BranchWorktree(
            path=path,
            edited=frozenset(read_uncommitted(repo, path, untracked=True)),
            midway=is_midway(path),
        )
        for path in worktrees
    )


def _find_copies(
    repo: Repository, worktree: Path, paths: Sequence[RepoPath]
) -> frozenset[RepoPath]:
    """Those of `paths` that we have put there for agents, as they still are in the main worktree.

    Once they are tracked, the branch brings them: the copies are nobody's work.
    """
    placed = {*paths}.intersection(list_placed(repo.common_dir))
    if not placed:
        return frozenset()
    main = read_worktrees(repo)[0].path
    return frozenset(path for path in placed if _are_alike(main / path, worktree / path))


def _are_alike(first: Path, second: Path) -> bool:
    with suppress(OSError):
        data = read_regular(first, limit=_LARGEST)
        return data == read_regular(second, limit=_LARGEST)
    return False


def find_in_the_way(
    repo: Repository,
    slice_id: SliceId,
    worktrees: Sequence[BranchWorktree],
    changes: Sequence[Change],
) -> Problem | None:
    """What keeps `worktrees` from taking in `changes` that come from a slice or go to it."""
    for one in worktrees:
        where = str(one.path)
        if one.midway:
            why = f"a merge or rebase is under way in {where!r}"
            return Problem(slice_id, why, "conclude or abort it first")
        found = find_overwritten(repo, one.path, one.edited, changes)
        paths = sorted({*found} - _find_copies(repo, one.path, found))
        if paths:
            rest = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
            why = f"it would overwrite uncommitted work in {where!r}: {', '.join(paths[:3])}{rest}"
            return Problem(slice_id, why, "commit it, or move it away")
    return None
