"""Submodules of a linked worktree: their repositories live in git's folder for the worktree."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from gitslices.git.repository import Repository


def count_unpushed(repo: Repository, admin: Path) -> Mapping[str, int]:
    """Commits that only the submodules of one worktree have, by submodule; none are left out."""
    modules = admin / "modules"
    counts = {
        str(module.relative_to(modules)): _count_own(repo, module) for module in _find(modules)
    }
    return {name: count for name, count in counts.items() if count}


def _find(modules: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(modules):
        if "HEAD" in files and "objects" in names:
            yield Path(folder)
            names[:] = [name for name in names if name == "modules"]


def _count_own(repo: Repository, module: Path) -> int:
    counted = repo.run_at(
        module, "--git-dir=.", "rev-list", "--count", "--all", "--not", "--remotes"
    )
    return int(counted.text)
