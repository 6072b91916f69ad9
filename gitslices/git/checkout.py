"""The files of a worktree, moved from one commit to another without losing what was changed."""

from pathlib import Path

from gitslices.git.repository import Repository
from gitslices.model import Oid


def has_in_the_way(repo: Repository, worktree: Path, old: Oid, new: Oid) -> bool:
    """Whether something lies where a file that only `new` has would be written.

    Git overwrites an ignored file without a word.
    """
    return any(_is_taken(worktree, place) for place in _list_added(repo, worktree, old, new))


def find_in_the_way(repo: Repository, worktree: Path, old: Oid, new: Oid) -> tuple[Path, ...]:
    """What lies where a file that only `new` has would be written."""
    places = _list_added(repo, worktree, old, new)
    return tuple(place for place in places if place.is_symlink() or place.exists())


def _list_added(repo: Repository, worktree: Path, old: Oid, new: Oid) -> list[Path]:
    listing = repo.run(
        "diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", old, new, "--"
    ).text
    return [worktree / name for name in listing.split("\0") if name]


def move_files(repo: Repository, worktree: Path, old: Oid, new: Oid) -> str | None:
    """Bring index and files from commit `old` to `new`; return git's complaint if it refuses.

    Doing it again does nothing. It refuses where it would overwrite a change or an untracked file.
    """
    result = repo.run_at(
        worktree, "read-tree", "-m", "-u", "--no-recurse-submodules", old, new, ok=(0, 1, 128)
    )
    return None if result.status == 0 else result.complaint


def reset_files(repo: Repository, worktree: Path, commit: Oid) -> None:
    """Take a worktree, its index and its branch to `commit`, whatever is in its files."""
    repo.run_at(worktree, "reset", "--quiet", "--hard", "--no-recurse-submodules", commit, "--")


def save_changes(repo: Repository, worktree: Path) -> Oid | None:
    """A commit, on no branch, that holds what differs from HEAD; None where nothing does."""
    identity = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "gitslices")
    identity |= dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "gitslices@localhost")
    text = repo.run_at(worktree, "stash", "create", "gitslices: saved", env=identity).text.strip()
    return Oid(text) if text else None


def _is_taken(worktree: Path, place: Path) -> bool:
    if place.is_symlink() or place.exists():
        return True
    above = (folder for folder in place.parents if folder.is_relative_to(worktree))
    return any(folder.is_symlink() or folder.is_file() for folder in above)
