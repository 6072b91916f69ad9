"""Links to other repositories: those that nothing names, and checkouts that are merely behind.

`git add` records a repository that was made inside a worktree by such a link: its files are in no
commit, and nobody else can get them.

To `git status` a submodule that is behind is modified: to commit it would take back what moved it.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from msgspec import structs

from gitslices.core.model import Change, RepoPath
from gitslices.git.repository import Repository

MODULES = ".gitmodules"
_PATHS = r"^submodule\..*\.path$"


def mark_unnamed(
    repo: Repository,
    changes: Sequence[Change],
    *places: str,
    git_dir: Path | None = None,
    index_file: Path | None = None,
) -> tuple[Change, ...]:
    """The same changes, marked where a new link is in no `.gitmodules` of `places`.

    A place is a commit, empty for the index of `git_dir` or `index_file`, or an absolute path.
    """
    if not any(map(_is_new_link, changes)):
        return tuple(changes)
    env = {"GIT_INDEX_FILE": str(index_file)} if index_file else {}
    named: set[str] = set()
    for place in places:
        blob = ("--file", place) if place.startswith("/") else ("--blob", f"{place}:{MODULES}")
        # 1 where it names nothing, 128 where there is none.
        listing = repo.run(
            "config", *blob, "-z", "--get-regexp", _PATHS, ok=(0, 1, 128), env=env, git_dir=git_dir
        ).text
        named |= {entry.partition("\n")[2] for entry in listing.split("\0")}
    return tuple(
        structs.replace(one, is_unnamed=_is_new_link(one) and one.path not in named)
        for one in changes
    )


def count_unpushed_inside(
    repo: Repository, worktree: Path, paths: Iterable[RepoPath]
) -> dict[str, int]:
    """Commits that only repositories inside a worktree have, by their `paths`; none are left out.

    Not those of submodules, which git keeps in its own folder for the worktree.
    """
    own = [path for path in paths if (worktree / path / ".git").is_dir()]
    counts = {
        str(path): int(
            repo.run_at(worktree / path, "rev-list", "--count", "--all", "--not", "--remotes").text
        )
        for path in own
    }
    return {path: count for path, count in counts.items() if count}


def _is_new_link(change: Change) -> bool:
    return change.is_submodule and not change.was_submodule and not change.is_gone


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
