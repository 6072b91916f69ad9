"""Links to commits of other repositories, and whether `.gitmodules` says where these are to be had.

`git add` records a repository that was made inside a worktree by such a link: its files are in no
commit, and nobody else can get them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

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
