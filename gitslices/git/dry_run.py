"""Whether the files of a worktree would follow its branch, found without touching them."""

from pathlib import Path

from gitslices.git.repository import Repository
from gitslices.git.snapshot import open_index
from gitslices.model import Oid


def find_complaint(
    repo: Repository, worktree: Path, old: Oid, new: Oid, scratch: Path
) -> str | None:
    """What git has against bringing the files of a worktree from commit `old` to `new`; or None.

    The worktree's own index is only read: git works on a copy in `scratch`.
    """
    with open_index(worktree, scratch) as env:
        # A file that was only touched looks changed until the index has been refreshed.
        repo.run_at(worktree, "update-index", "-q", "--refresh", env=env, ok=(0, 1, 128))
        tried = repo.run_at(
            worktree, "read-tree", "-m", "-u", "--dry-run", "--no-recurse-submodules", old, new,
            env=env, ok=(0, 1, 128),
        )  # fmt: skip
    return tried.complaint if tried.status != 0 else None
