"""The repository's own hooks, run as git would run them."""

from pathlib import Path

from gitslices.git.repository import Repository


def run_hook(repo: Repository, worktree: Path, name: str, *args: str) -> str | None:
    """Run the hook `name`, if there is one, in a worktree; return what it said on failure."""
    result = repo.run_at(
        worktree, "hook", "run", "--ignore-missing", name, "--", *args,
        hooks=True, ok=tuple(range(256)),
    )  # fmt: skip
    if result.status == 0:
        return None
    return f"exit status {result.status}" + (f": {result.complaint}" if result.complaint else "")
