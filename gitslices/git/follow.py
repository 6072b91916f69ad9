"""The files of a worktree follow its branch from one commit to another; what was changed stays."""

import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.model import BranchName, Change, Oid, RepoPath
from gitslices.git.as_checked_out import find_as_checked_out
from gitslices.git.compare import read_tree_changes
from gitslices.git.index import copy_index, drop_copy
from gitslices.git.links import find_admin_folder
from gitslices.git.read import HEADS, read_tracked
from gitslices.git.repository import Repository, Result

_REBASES: Final = ("rebase-merge", "rebase-apply")

# Paths to name at once: a command line has an end.
_BATCH: Final = 1000


class LockedWorktree(Struct, frozen=True):
    """A worktree, main or linked, whose index is locked, and git's own folder of it."""

    worktree: Path
    git_dir: Path


def find_git_dir(worktree: Path) -> Path | None:
    """Git's own folder of a worktree, main or linked."""
    own = worktree / ".git"
    return own if own.is_dir() else find_admin_folder(worktree)


def is_midway(worktree: Path) -> bool:
    """Whether the user is in the middle of a merge, a cherry-pick, a revert or a rebase there."""
    folder = find_git_dir(worktree)
    # By their files: git tells of these only in the words of `git status`, for people.
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
    repo: Repository, worktree: Path, edited: Collection[str], changes: Iterable[Change]
) -> tuple[RepoPath, ...]:
    """The paths that only this worktree has as they are and `changes` would overwrite, sorted.

    `edited` are its uncommitted paths. What git ignores counts, too, where a new path comes: a file
    there, one in place of a folder above, and all files of a folder that becomes a file. Git itself
    would overwrite them without a word.
    """
    changes = tuple(changes)
    found = {change.path for change in changes if change.path in edited}
    new = (change.path for change in changes if change.is_new)
    taken = sorted({place for path in new if (place := _find_occupant(worktree, path))})
    files = {file for place in taken for file in _list_files(worktree, place)}
    found |= files & frozenset(edited)
    return tuple(sorted(found | (files - _read_tracked(repo, worktree, taken))))


def _find_occupant(worktree: Path, path: RepoPath) -> RepoPath | None:
    """What is where `path` is to come: itself, or a file in place of a folder above it."""
    for end in (place for place, letter in enumerate(path) if letter == "/"):
        above = worktree / path[:end]
        if not _is_folder(above):
            return RepoPath(path[:end]) if _exists(above) else None
    return path if _exists(worktree / path) else None


def _list_files(worktree: Path, path: RepoPath) -> Iterable[RepoPath]:
    """The file `path`, or those beneath: git itself passes over what is in another repository."""
    if not _is_folder(worktree / path):
        return (path,)
    return (
        RepoPath(os.path.relpath(place, worktree))
        for folder, folders, files in os.walk(worktree / path)
        # Folders, too: among them os.walk lists links to folders, which to git are files.
        for place in (os.path.join(folder, name) for name in (*folders, *files))  # noqa: PTH118
        if not _is_folder(Path(place))
    )


def _read_tracked(repo: Repository, worktree: Path, paths: Sequence[RepoPath]) -> set[RepoPath]:
    batches = (paths[begin : begin + _BATCH] for begin in range(0, len(paths), _BATCH))
    return {path for batch in batches for path in read_tracked(repo, worktree, batch)}


def _is_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def move_files(repo: Repository, locked: LockedWorktree, old: Oid, new: Oid) -> str | None:
    """Bring the files and the copy of the index from commit `old` to `new`; return git's complaint.

    Uncommitted changes elsewhere stay. Where git gave up half way, the files are as before. Doing
    it again does nothing.
    """
    result = _read_tree(repo, locked, old, new)
    if result.status != 0:
        # A file that was only touched looks changed until the index has been refreshed.
        _refresh(repo, locked)
        result = _read_tree(repo, locked, old, new)
    if result.status != 0 and _clear_as_checked_out(repo, locked, old, new):
        result = _read_tree(repo, locked, old, new)
    if result.status == 0:
        return None
    restore_files(repo, locked, old, new)
    return result.complaint


def move_files_back(repo: Repository, locked: LockedWorktree, old: Oid, new: Oid) -> None:
    """Take back what `move_files` has done, whole or in part; what was edited since stays."""
    # The index itself is still as it was: only the copy may be half way, and goes.
    if move_files(repo, locked, new, old) is not None:
        drop_copy(locked.git_dir)
    restore_files(repo, locked, old, new)


def restore_files(repo: Repository, locked: LockedWorktree, old: Oid, new: Oid) -> None:
    """Take back what a `move_files` that was cut short has done, and nothing else.

    git writes and deletes the files first, and the index last. What it wrote, whole or in part, are
    the first bytes of a file of `new`: only such files are replaced. What the index has and git
    deleted is written again.
    """
    changed = {change.path: change for change in read_tree_changes(repo, old, new)}
    listing = _run(repo, locked, "diff-files", "-z", "--name-only", "--no-renames").text
    dirty = {RepoPath(path) for path in listing.split("\0") if path} & changed.keys()
    if _read_tree(repo, locked, old, new, "--dry-run").status != 0:
        fresh = {path for path, change in changed.items() if change.is_new}
        for path in sorted(dirty | fresh):
            if not changed[path].is_gone and _is_part_of(repo, locked.worktree, path, new):
                with suppress(OSError):
                    (locked.worktree / path).unlink()
    lost = [path for path in dirty if not _exists(locked.worktree / path)]
    if lost:
        names = "".join(f"{path}\0" for path in sorted(lost)).encode("utf-8", "surrogateescape")
        _run(repo, locked, "checkout-index", "--quiet", "-z", "--stdin", input=names)
    _refresh(repo, locked)


def _clear_as_checked_out(repo: Repository, locked: LockedWorktree, old: Oid, new: Oid) -> bool:
    """Delete what git has written itself and takes for edits: it would not replace such a file.

    Returns whether there was any. Where git refuses for another reason, `restore_files` writes them
    again.
    """
    listing = _run(repo, locked, "diff-files", "-z", "--name-only", "--no-renames").text
    changed = {change.path for change in read_tree_changes(repo, old, new)}
    env = {"GIT_INDEX_FILE": str(copy_index(locked.git_dir))}
    found = find_as_checked_out(repo, locked.worktree, {*listing.split("\0")} & changed, env)
    for path in found:
        with suppress(OSError):
            (locked.worktree / path).unlink()
    return bool(found)


def _is_part_of(repo: Repository, worktree: Path, path: RepoPath, new: Oid) -> bool:
    place = worktree / path
    if place.is_symlink():
        written = os.fsencode(place.readlink())
    elif place.is_file():
        written = place.read_bytes()
    else:
        return False
    # As git writes the file, with line endings and filters: the bare object would not compare.
    whole = repo.run_at(worktree, "cat-file", "--filters", f"{new}:{path}", ok=(0, 128))
    return whole.status == 0 and whole.stdout.startswith(written)


def _exists(place: Path) -> bool:
    return place.is_symlink() or place.exists()


def _refresh(repo: Repository, locked: LockedWorktree) -> None:
    _run(repo, locked, "update-index", "-q", "--refresh", ok=(0, 1, 128))


def _read_tree(
    repo: Repository, locked: LockedWorktree, old: Oid, new: Oid, *options: str
) -> Result:
    # Not checkout, which runs hooks, nor reset, which loses edits. submodule.recurse of the user's
    # would have git move the checkouts of submodules as well.
    return _run(
        repo, locked, "read-tree", "-m", "-u", *options, "--no-recurse-submodules", old, new,
        ok=(0, 1, 128),
    )  # fmt: skip


def _run(
    repo: Repository,
    locked: LockedWorktree,
    *args: str,
    input: bytes | None = None,  # noqa: A002
    ok: tuple[int, ...] = (0,),
) -> Result:
    """Run git on the files of a worktree and the copy of its index."""
    env = {"GIT_INDEX_FILE": str(copy_index(locked.git_dir))}
    return repo.run_at(locked.worktree, *args, input=input, ok=ok, env=env)
