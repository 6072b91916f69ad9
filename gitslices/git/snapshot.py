"""Files of a worktree tried out on a copy of its index; a commit's in a repository of their own.

Such a repository, unlike a worktree, is registered nowhere: it ends with its folder.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.model import BranchName, Oid
from gitslices.git.as_checked_out import find_as_checked_out
from gitslices.git.commits import NOBODY
from gitslices.git.compare import read_tree_changes
from gitslices.git.follow import find_git_dir
from gitslices.git.read import HEADS
from gitslices.git.repository import Repository, Result

_SHA256_DIGITS: Final = 64
_BORROWED: Final = ("info/attributes", "info/exclude", "shallow")


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
        tried = _try_to_read(repo, worktree, old, new, env)
        if tried.status != 0 and _pass_over_as_checked_out(repo, worktree, old, new, env):
            tried = _try_to_read(repo, worktree, old, new, env)
    return tried.complaint if tried.status != 0 else None


def _try_to_read(
    repo: Repository, worktree: Path, old: Oid, new: Oid, env: Mapping[str, str]
) -> Result:
    return repo.run_at(
        worktree, "read-tree", "-m", "-u", "--dry-run", "--no-recurse-submodules", old, new,
        env=env, ok=(0, 1, 128),
    )  # fmt: skip


def _pass_over_as_checked_out(
    repo: Repository, worktree: Path, old: Oid, new: Oid, env: Mapping[str, str]
) -> bool:
    """Have git not look at files that it takes for edits and has written itself; say if any were.

    `move_files` replaces them. What the index has as `new` has it is left as it is.
    """
    listing = repo.run_at(worktree, "diff-files", "-z", "--name-only", "--no-renames", env=env).text
    changed = {change.path for change in read_tree_changes(repo, old, new)}
    found = find_as_checked_out(repo, worktree, {*listing.split("\0")} & changed, env)
    if found:
        there = repo.run_at(
            worktree, "--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", new, "--", *found
        ).stdout
        gone = "".join(f"{path}\0" for path in found).encode("utf-8", "surrogateescape")
        repo.run_at(
            worktree, "update-index", "--force-remove", "-z", "--stdin", input=gone, env=env
        )
        repo.run_at(worktree, "update-index", "-z", "--index-info", input=there, env=env)
    return bool(found)


def export_commit(
    repo: Repository, commit: Oid, folder: Path, *, beside: tuple[BranchName, Oid]
) -> None:
    """Check `commit` out in the new `folder`, detached; `beside` is the one branch there is."""
    form = "sha256" if len(commit) == _SHA256_DIGITS else "sha1"
    try:
        folder.mkdir(parents=True)
        # No template: one of the user's may bring hooks, which would run on what is tried here.
        repo.run_at(folder, "init", "--quiet", "--template=", f"--object-format={form}")
        _borrow(repo.common_dir, folder / ".git")
    except OSError as error:
        raise DiskError(f"cannot make {str(folder)!r}: {error.strerror}") from error
    # For the filters, the line endings, and the name of whoever commits there.
    repo.run_at(folder, "config", "include.path", str(repo.common_dir / "config"))
    branch, tip = beside
    repo.run_at(folder, "update-ref", "--no-deref", "HEAD", commit)
    repo.run_at(folder, "update-ref", HEADS + branch, tip)
    repo.run_at(folder, "reset", "--hard", "--quiet", "--no-recurse-submodules")


def _borrow(common_dir: Path, own: Path) -> None:
    (own / "info").mkdir(exist_ok=True)
    for name in _BORROWED:
        if (common_dir / name).exists():
            shutil.copyfile(common_dir / name, own / name)
    # In git's C quotes, for the sake of a newline in the path.
    objects = os.fsencode(common_dir / "objects").replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    (own / "objects" / "info").mkdir(exist_ok=True)
    (own / "objects" / "info" / "alternates").write_bytes(
        b'"' + objects.replace(b"\n", b"\\n") + b'"\n'
    )
