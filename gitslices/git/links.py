"""Git's folders for linked worktrees and the links to and from them, read as files."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.files import read_regular
from gitslices.core.model import BranchName, Link

_LONGEST: Final = 64 * 1024
_BRANCHES: Final = "ref: refs/heads/"
# What HEAD is where references are kept in tables (git 2.45): it tells nothing there.
_IN_TABLES: Final = "ref: refs/heads/.invalid"


def find_admin_folder(worktree: Path) -> Path | None:
    """The worktree's folder under `<common dir>/worktrees/`; None where there is no worktree."""
    link = _read_link(worktree / ".git")
    if not link.startswith("gitdir: "):
        return None
    return _follow_link(link.removeprefix("gitdir: "), worktree)


def find_linked_worktree(admin: Path) -> Path | None:
    """The worktree of git's folder `admin`, be it there or not; None where that says nothing."""
    link = _read_link(admin / "gitdir")
    return _follow_link(link, admin).parent if link else None


def list_admin_folders(common_dir: Path) -> list[Path]:
    """Git's folders for linked worktrees, sorted; their parent goes with the last of them."""
    with suppress(FileNotFoundError):
        return sorted((common_dir / "worktrees").iterdir())
    return []


def read_admin_folders(common_dir: Path) -> dict[str, Path]:
    """Git's folder for each linked worktree, by the worktree's path, be it there or not."""
    pairs = ((find_linked_worktree(folder), folder) for folder in list_admin_folders(common_dir))
    return {str(worktree): folder for worktree, folder in pairs if worktree is not None}


def check_link(worktree: Path, common_dir: Path) -> Link:
    """How the folder `worktree` is tied to the repository of `common_dir`.

    A broken link leads to a folder that is not there, as all do once the repository has been moved;
    a foreign one to another repository, or nothing of git's is in the folder.
    """
    admin = find_admin_folder(worktree)
    if admin is None:
        return "foreign" if os.path.lexists(worktree) else "gone"
    if not admin.is_dir():
        return "broken"
    # Mostly it is the same text: resolving takes a call for each folder above.
    ours = common_dir / "worktrees"
    same = admin.parent == ours or admin.parent.resolve() == ours.resolve()
    return "whole" if same else "foreign"


class HeadFile(Struct, frozen=True):
    """What the file HEAD of a worktree says: a branch, or None where HEAD is detached.

    `is_stub` where it says nothing, as references are kept elsewhere.
    """

    branch: BranchName | None
    is_stub: bool = False


def find_head_file(git_dir: Path) -> HeadFile | None:
    """The branch at hand where `git_dir` belongs; None where the file holds nothing git can read.

    A power cut leaves it empty or full of zeros: git writes it without waiting for the disk.
    """
    # The file, because with a damaged one git finds no repository and answers nothing.
    text = _read_link(git_dir / "HEAD")
    if text == _IN_TABLES:
        return HeadFile(None, is_stub=True)
    if text.startswith(_BRANCHES) and "\0" not in text:
        return HeadFile(BranchName(text.removeprefix(_BRANCHES)))
    is_other = text.startswith("ref: refs/") or (len(text) in {40, 64} and text.isalnum())
    return HeadFile(None) if is_other and "\0" not in text else None


def _read_link(path: Path) -> str:
    with suppress(OSError):
        # Not as a text: to Python a carriage return would end a line.
        # Of a limited size, and no pipe: this is read before anything is known of the folder.
        data = read_regular(path, limit=_LONGEST)
        return data.decode("utf-8", "surrogateescape").rstrip("\n")
    return ""


def _follow_link(link: str, folder: Path) -> Path:
    """Where a link in `folder` leads.

    It is relative since git 2.48 with `worktree.useRelativePaths`: from one real path to another.
    """
    path = Path(link)
    return path if path.is_absolute() else Path(os.path.normpath(folder.resolve() / path))
