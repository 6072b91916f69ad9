"""Git as a user runs it, and repositories made from fixtures."""

import os
import shutil
import subprocess
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "fixtures"


def git(directory: Path, *args: str, ok: bool = True, **extra: str) -> str:
    """Run git as a user would and return its output without the last newline."""
    done = subprocess.run(
        ["git", "-C", str(directory), *args],
        capture_output=True,
        check=False,
        env={**os.environ, **extra},
        stdin=subprocess.DEVNULL,
    )
    if ok and done.returncode:
        raise AssertionError(f"git {args}: {done.stderr.decode()}")
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def commit_all(directory: Path, message: str = "Change") -> str:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


def git_without_hooks(directory: Path, *args: str) -> str:
    return git(directory, "-c", "core.hooksPath=/dev/null", *args)


def commit_quietly(directory: Path, message: str = "Change") -> str:
    """Commit everything with no hook at work, and return the commit."""
    git_without_hooks(directory, "add", "--all")
    git_without_hooks(directory, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


def make_repository(path: Path, *options: str) -> Path:
    """The web shop's files in one commit on main; `options` are those of `git init`."""
    shutil.copytree(FIXTURES / "trees" / "webshop", path)
    git(path, "init", "--quiet", "--initial-branch=main", *options)
    commit_all(path, "Start")
    return path


def copy_repository(template: Path, path: Path) -> Path:
    """The repository `template` at another path, as clean as it is there."""
    shutil.copytree(template, path, symlinks=True)
    # The index remembers inodes: without this every file of the copy may have changed.
    git(path, "update-index", "-q", "--refresh")
    return path


def write_settings(directory: Path, text: str | bytes) -> None:
    """Put down the settings of a repository, not committed."""
    path = directory / ".gitslices" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def list_branches(repo: Path) -> list[str]:
    return git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads/").splitlines()


def list_worktrees(repo: Path) -> list[str]:
    """The paths of all worktrees, the main one first."""
    lines = git(repo, "worktree", "list", "--porcelain").splitlines()
    return [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")]


def list_files(path: Path) -> set[str]:
    """What lies below `path`, but for the `.git` of a linked worktree."""
    found = (one for one in path.rglob("*") if one.is_file() or one.is_symlink())
    return {str(one.relative_to(path)) for one in found} - {".git"}
