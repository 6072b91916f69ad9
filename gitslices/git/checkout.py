"""The files of a worktree, moved from one commit to another without losing what was changed."""

from pathlib import Path

from gitslices.git.repository import Repository
from gitslices.model import Oid


def has_in_the_way(repo: Repository, worktree: Path, old: Oid, new: Oid) -> bool:
    """Whether something lies where a file that only `new` has would be written.

    Git overwrites an ignored file without a word.
    """
    listing = repo.run(
        "diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", old, new, "--"
    ).text
    places = (worktree / name for name in listing.split("\0") if name)
    return any(_is_taken(worktree, place) for place in places)


def move_files(repo: Repository, worktree: Path, old: Oid, new: Oid) -> str | None:
    """Bring index and files from commit `old` to `new`; return git's complaint if it refuses.

    Doing it again does nothing. It refuses where it would overwrite a change or an untracked file.
    """
    result = repo.run_at(
        worktree, "read-tree", "-m", "-u", "--no-recurse-submodules", old, new, ok=(0, 1, 128)
    )
    return None if result.status == 0 else result.complaint


def _is_taken(worktree: Path, place: Path) -> bool:
    if place.is_symlink() or place.exists():
        return True
    above = (folder for folder in place.parents if folder.is_relative_to(worktree))
    return any(folder.is_symlink() or folder.is_file() for folder in above)
