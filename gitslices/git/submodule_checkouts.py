"""Checkouts of submodules that are merely behind: git moves what is recorded, and not these.

To `git status` such a submodule is modified, and to commit it would take back what moved it.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from gitslices.git.repository import Repository

# How many commits to go back that have changed a submodule: enough for one nobody updates for long.
_DEPTH: Final = 100


def find_behind(repo: Repository, worktree: Path, paths: Collection[str]) -> frozenset[str]:
    """Those of `paths` that are clean submodules, at a commit that HEAD recorded before.

    Nothing in them is anybody's work: `git submodule update` brings them along.
    """
    checked_out = [path for path in paths if (worktree / path / ".git").exists()]
    if not checked_out:
        return frozenset()
    clean = _find_clean(repo, worktree, checked_out)
    return frozenset(path for path in clean if _is_recorded(repo, worktree, path))


def _find_clean(repo: Repository, worktree: Path, paths: Collection[str]) -> list[str]:
    """Submodules that differ in nothing but the commit they are at, and are not staged."""
    listing = repo.run_at(
        worktree, "--no-optional-locks", "--literal-pathspecs", "status", "--porcelain=v2", "-z",
        "--no-renames", "--ignore-submodules=none", "--untracked-files=no", "--", *paths,
    ).text  # fmt: skip
    fields = (entry.split(" ", 8) for entry in listing.split("\0"))
    # S is a submodule, C its other commit; points where files in it are changed or untracked.
    return [one[8] for one in fields if one[:3] == ["1", ".M", "SC.."]]


def _is_recorded(repo: Repository, worktree: Path, path: str) -> bool:
    head = repo.run_at(worktree / path, "rev-parse", "--verify", "--quiet", "HEAD", ok=(0, 1)).text
    listing = repo.run_at(
        worktree, "--literal-pathspecs", "log", "--format=", "--raw", "--no-abbrev", "--no-renames",
        # A merge that brings a submodule along shows no change of it without -m.
        "-m", f"--max-count={_DEPTH}", "HEAD", "--", path,
    ).text  # fmt: skip
    recorded = {oid for line in listing.splitlines() for oid in line.split(" ")[2:4]}
    return head.strip() in recorded
