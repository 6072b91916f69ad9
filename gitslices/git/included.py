"""Ignored files that `.worktreeinclude` asks to bring along, as git lists them."""

from pathlib import Path
from typing import Final

from gitslices.git.repository import Repository
from gitslices.model import RepoPath

FILE_NAME: Final = ".worktreeinclude"


def read_included(repo: Repository, worktree: Path) -> tuple[RepoPath, ...]:
    """Files of `worktree` that git ignores and that its `.worktreeinclude` matches, sorted.

    Symbolic links are listed, not followed. A repository inside is listed as a folder, with a slash
    at its end.
    """
    if not (worktree / FILE_NAME).is_file():
        return ()
    named = repo.run_at(
        worktree, "ls-files", "-z", "--others", "--ignored", f"--exclude-from={FILE_NAME}"
    ).stdout
    if not named:
        return ()
    # ls-files has no way to ask for what two sets of patterns both match.
    ignored = repo.run_at(worktree, "check-ignore", "-z", "--stdin", input=named, ok=(0, 1)).text
    return tuple(sorted(RepoPath(path) for path in ignored.split("\0") if path))
