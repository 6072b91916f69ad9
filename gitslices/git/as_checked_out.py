"""Files that are as git itself has written them, and that git takes for changed all the same.

What a file holds and what git would commit of it are two things: line endings and filters lie in
between. Where the attributes have changed since a file was committed, the two do not fit each other
(CRLF in a commit under `eol=lf`, a clean filter that does more than before), and every checkout is
changed from birth.
"""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from gitslices.git.repository import NO_VARIABLES, Repository

# Not `text=auto`: that leaves alone what is committed with CRLF.
_CONVERTING: Final = ("text", "ident", "eol=lf !text", "eol=crlf !text")
# Of other names git dies in a pathspec.
_FILTER: Final = re.compile(r"filter\.([A-Za-z0-9_-]+)\.(?:clean|process)")


def find_as_checked_out(
    repo: Repository,
    worktree: Path,
    paths: Collection[str],
    env: Mapping[str, str] = NO_VARIABLES,
) -> frozenset[str]:
    """Those of `paths`, which differ from the index, that git would write just as they are.

    Nothing in them is anybody's work: `git checkout` would bring the same bytes.
    """
    files = [path for path in paths if _is_file(worktree / path)]
    if not files:
        return frozenset()
    # Imported here: hardly anybody needs it, and it takes as long as looking at a worktree.
    from tempfile import TemporaryDirectory

    names = "".join(f"{path}\0" for path in files).encode("utf-8", "surrogateescape")
    with TemporaryDirectory() as folder:
        repo.run_at(
            # A filter that fails leaves its file out: then that one counts as changed.
            worktree, "checkout-index", "--quiet", f"--prefix={folder}/", "-z", "--stdin",
            input=names, env=env, ok=(0, 1, 128),
        )  # fmt: skip
        return frozenset(one for one in files if _are_alike(worktree / one, Path(folder, one)))


def find_changed_by_checkout(
    repo: Repository, worktree: Path, config: Mapping[str, str]
) -> tuple[str, ...]:
    """Paths that git takes for changed though nobody has touched `worktree` since it was filled.

    Told by content: for as long as the times of a file are those of the index, git does not look.
    """
    filters = sorted({found[1] for name in config if (found := _FILTER.fullmatch(name))})
    wanted = (*_CONVERTING, *(f"filter={name}" for name in filters))
    listing = repo.run_at(
        worktree, "ls-files", "--stage", "-z", "--", *(f":(attr:{one})" for one in wanted)
    ).text
    return find_differing(repo, worktree, listing.split("\0"))


def find_differing(repo: Repository, worktree: Path, entries: Iterable[str]) -> tuple[str, ...]:
    """The paths of those index entries, as `ls-files --stage` has them, whose files differ.

    A file that is gone does not count.
    """
    there = [one for one in entries if os.path.lexists(worktree / one.partition("\t")[2]) and one]
    if not there:
        return ()
    from tempfile import TemporaryDirectory

    marked = "".join(f"{entry}\0" for entry in there).encode("utf-8", "surrogateescape")
    # In an index of their own the entries have neither marks nor times: git reads the files.
    with TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        repo.run_at(worktree, "update-index", "-z", "--index-info", input=marked, env=env)
        listing = repo.run_at(
            worktree, "diff", "--no-ext-diff", "--no-relative", "--name-only", "-z", env=env
        ).text
    return tuple(path for path in listing.split("\0") if path)


def _is_file(place: Path) -> bool:
    return place.is_file() and not place.is_symlink()


def _are_alike(one: Path, other: Path) -> bool:
    try:
        same_mode = not (one.stat().st_mode ^ other.stat().st_mode) & 0o100
        return same_mode and one.read_bytes() == other.read_bytes()
    except OSError:
        return False
