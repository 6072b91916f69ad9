"""The files of a worktree, moved from one commit to another without losing what was changed."""

from pathlib import Path

from gitslices.git.repository import Repository
from gitslices.model import Oid


def move_files(repo: Repository, worktree: Path, old: Oid, new: Oid) -> str | None:
    """Bring index and files from commit `old` to `new`; return git's complaint if it refuses.

    Doing it again does nothing. It refuses where it would overwrite a change or an untracked file.
    """
    result = repo.run_at(
        worktree, "read-tree", "-m", "-u", "--no-recurse-submodules", old, new, ok=(0, 1, 128)
    )
    return None if result.status == 0 else result.complaint
