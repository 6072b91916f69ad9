"""A worktree's files tried out on a copy of its index: as a commit, or following its branch."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitslices.core.model import Oid
from gitslices.git.commits import NOBODY
from gitslices.git.follow import find_git_dir
from gitslices.git.repository import Repository


def write_snapshot(repo: Repository, worktree: Path, scratch: Path) -> Oid:
    """Commit all that is in `worktree`, ignored files apart, on top of its HEAD.

    The worktree's own index is only read: git works on a copy in `scratch`.
    """
    with _open_index(worktree, scratch) as env:
        repo.run_at(worktree, "add", "--all", env=env)
        tree = repo.run_at(worktree, "write-tree", env=env).text.strip()
        commit = repo.run_at(
            worktree, "commit-tree", tree, "-p", "HEAD", "-m", "uncommitted", env=NOBODY
        )
    return Oid(commit.text.strip())


@contextmanager
def _open_index(worktree: Path, scratch: Path) -> Iterator[dict[str, str]]:
    """What makes git work on a copy of the worktree's index in `scratch`, for the block."""
    own = find_git_dir(worktree)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        index = Path(folder) / "index"
        if own is not None and (own / "index").exists():
            # With its time: git looks again into files that are no older than the index.
            shutil.copy2(own / "index", index)
        yield {"GIT_INDEX_FILE": str(index)}


def find_complaint(
    repo: Repository, worktree: Path, old: Oid, new: Oid, scratch: Path
) -> str | None:
    """What git has against bringing the files of a worktree from commit `old` to `new`; or None.

    The worktree's own index is only read: git works on a copy in `scratch`.
    """
    with _open_index(worktree, scratch) as env:
        # A file that was only touched looks changed until the index has been refreshed.
        repo.run_at(worktree, "update-index", "-q", "--refresh", env=env, ok=(0, 1, 128))
        tried = repo.run_at(
            worktree, "read-tree", "-m", "-u", "--dry-run", "--no-recurse-submodules", old, new,
            env=env, ok=(0, 1, 128),
        )  # fmt: skip
    return tried.complaint if tried.status != 0 else None
