"""A commit's files in a repository of their own, which borrows the objects of the one at hand.

Unlike a worktree it is registered nowhere: deleting the folder is all there is to its end.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.model import BranchName, Oid
from gitslices.git.read import HEADS
from gitslices.git.repository import Repository

_SHA256_DIGITS: Final = 64
_BORROWED: Final = ("info/attributes", "info/exclude", "shallow")


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
