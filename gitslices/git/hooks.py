"""The repository's own hooks, run as git would run them."""

import os
from pathlib import Path

from gitslices.git.repository import Repository


def has_hook(repo: Repository, worktree: Path, name: str, hooks_path: Path | None) -> bool:
    """Whether git would find the hook `name`; `hooks_path` is `core.hooksPath` as configured."""
    # A relative core.hooksPath counts from the top of each worktree (git-config, core.hooksPath).
    folder = worktree / hooks_path if hooks_path else repo.common_dir / "hooks"
    return os.access(folder / name, os.X_OK)


def read_hooks_folder(repo: Repository, worktree: Path) -> Path:
    """Where git looks for hooks in a worktree, by the settings that hold there alone, too."""
    said = repo.run_at(worktree, "rev-parse", "--git-path", "hooks", hooks=True).text
    # git answers relative to where it was asked, unless the folder is elsewhere.
    return worktree / said.removesuffix("\n")


def run_hook(repo: Repository, worktree: Path, name: str, *args: str) -> str | None:
    """Run the hook `name`, if there is one, in a worktree; return what it said on failure."""
    result = repo.run_at(
        worktree, "hook", "run", "--ignore-missing", name, "--", *args,
        hooks=True, ok=tuple(range(256)),
    )  # fmt: skip
    if result.status == 0:
        return None
    return f"exit status {result.status}" + (f": {result.complaint}" if result.complaint else "")
