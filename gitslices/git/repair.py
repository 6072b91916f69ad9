"""Clear away what a killed git left half made: by path, never by a command over all worktrees.

A killed `git worktree add` can leave an empty `commondir`, after which every git command of the
repository fails, `git worktree repair` too: so this runs on files alone.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gitslices.model import BranchName


def clear_ref_locks(common_dir: Path, branches: Sequence[BranchName]) -> None:
    """Remove the lock files of `branches`; nobody may be updating them."""
    for branch in branches:
        (common_dir / "refs" / "heads" / f"{branch}.lock").unlink(missing_ok=True)


def find_admin_folders(common_dir: Path, worktree: Path, reason: str) -> tuple[Path, ...]:
    """Git's folders for `worktree`, made or half made by an `add` that was locked with `reason`."""
    folders = sorted((common_dir / "worktrees").glob("*"))
    return tuple(folder for folder in folders if _belongs(folder, worktree, reason))


def _belongs(folder: Path, worktree: Path, reason: str) -> bool:
    link = _read(folder / "gitdir")
    if link:
        return link == str(worktree / ".git")
    named = folder.name.startswith(worktree.name)
    return named and (_read(folder / "locked") == reason or not any(folder.iterdir()))


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text("utf-8", "surrogateescape").rstrip("\n")
    return ""
