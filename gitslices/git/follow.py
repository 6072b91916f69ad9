"""The files of a worktree follow its branch from one commit to another; what was changed stays."""

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.fence import Change
from gitslices.git.compare import read_tree_changes
from gitslices.git.read import HEADS
from gitslices.git.repository import Repository, Result
from gitslices.git.worktrees import find_admin_folder
from gitslices.model import BranchName, Oid, RepoPath

_REBASES: Final = ("rebase-merge", "rebase-apply")


def find_git_dir(worktree: Path) -> Path | None:
    """Git's own folder of a worktree, main or linked."""
    own = worktree / ".git"
    return own if own.is_dir() else find_admin_folder(worktree)


def is_midway(worktree: Path) -> bool:
    """Whether the user is in the middle of a merge, a cherry-pick, a revert or a rebase there."""
    folder = find_git_dir(worktree)
    names = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", *_REBASES)
    return folder is not None and any((folder / name).exists() for name in names)


def find_rebased(worktree: Path) -> BranchName | None:
    """The branch that a rebase in `worktree`, whose HEAD is detached, will move at its end."""
    folder = find_git_dir(worktree)
    if folder is None:
        return None
    for name in _REBASES:
        with suppress(OSError):
            head = (folder / name / "head-name").read_text("utf-8", "surrogateescape").strip()
            if head.startswith(HEADS):
                return BranchName(head.removeprefix(HEADS))
    return None


def find_overwritten(
    worktree: Path, edited: Collection[str], changes: Iterable[Change]
) -> tuple[RepoPath, ...]:
    """Those of `changes` that would overwrite what only this worktree has.

    `edited` are its uncommitted paths. A file that git ignores counts, too, where a new one comes:
    git itself would overwrite it without a word.
    """
    return tuple(
        change.path
        for change in changes
        if change.path in edited or (change.is_new and _is_taken(worktree, change.path))
    )


def _is_taken(worktree: Path, path: RepoPath) -> bool:
    place = worktree / path
    return place.is_symlink() or place.is_file()


def can_move_files(repo: Repository, worktree: Path, old: Oid, new: Oid) -> bool:
    """Whether `move_files` would succeed now."""
    return _read_tree(repo, worktree, old, new, "--dry-run").status == 0


def move_files(repo: Repository, worktree: Path, old: Oid, new: Oid) -> str | None:
    """Bring index and files from commit `old` to `new`; return git's complaint if it refuses.

    Uncommitted changes elsewhere stay. Where git gave up half way, the files are as before. Doing
    it again does nothing.
    """
    result = _read_tree(repo, worktree, old, new)
    if result.status != 0:
        # A file that was only touched looks changed until the index has been refreshed.
        _refresh(repo, worktree)
        result = _read_tree(repo, worktree, old, new)
    if result.status == 0:
        return None
    restore_files(repo, worktree, old, new)
    return result.complaint


def restore_files(repo: Repository, worktree: Path, old: Oid, new: Oid) -> None:
    """Take back what a `move_files` that was cut short has done, and nothing else.

    git writes and deletes the files first, and the index last. What it wrote, whole or in part, are
    the first bytes of a file of `new`: only such files are replaced. What the index has and git
    deleted is written again.
    """
    changed = {change.path: change for change in read_tree_changes(repo, old, new)}
    listing = repo.run_at(worktree, "diff-files", "-z", "--name-only", "--no-renames").text
    dirty = {RepoPath(path) for path in listing.split("\0") if path} & changed.keys()
    if not can_move_files(repo, worktree, old, new):
        fresh = {path for path, change in changed.items() if change.is_new}
        for path in sorted(dirty | fresh):
            if not changed[path].is_gone and _is_part_of(repo, worktree, path, new):
                with suppress(OSError):
                    (worktree / path).unlink()
    lost = [path for path in dirty if not _exists(worktree / path)]
    if lost:
        names = "".join(f"{path}\0" for path in sorted(lost)).encode("utf-8", "surrogateescape")
        repo.run_at(worktree, "checkout-index", "--quiet", "-z", "--stdin", input=names)
    _refresh(repo, worktree)


def _is_part_of(repo: Repository, worktree: Path, path: RepoPath, new: Oid) -> bool:
    place = worktree / path
    if place.is_symlink():
        written = os.fsencode(place.readlink())
    elif place.is_file():
        written = place.read_bytes()
    else:
        return False
    whole = repo.run_at(worktree, "cat-file", "--filters", f"{new}:{path}", ok=(0, 128))
    return whole.status == 0 and whole.stdout.startswith(written)


def _exists(place: Path) -> bool:
    return place.is_symlink() or place.exists()


def _refresh(repo: Repository, worktree: Path) -> None:
    repo.run_at(worktree, "update-index", "-q", "--refresh", ok=(0, 1, 128))


def _read_tree(repo: Repository, worktree: Path, old: Oid, new: Oid, *options: str) -> Result:
    return repo.run_at(
        worktree, "read-tree", "-m", "-u", *options, "--no-recurse-submodules", old, new,
        ok=(0, 1, 128),
    )  # fmt: skip
