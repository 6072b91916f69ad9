"""Conflict markers that somebody has committed instead of resolving them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from gitslices.core.model import Oid, RepoPath
from gitslices.git.read import find_entries, read_blob
from gitslices.git.repository import Repository

_SIZE: Final = 7
_ATTRIBUTE: Final = "conflict-marker-size"
_CHANGED: Final = ("-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv")
_LIKE_A_MARKER: Final = "^(<<<|>>>)"


def find_added_markers(
    repo: Repository, worktree: Path, tip: Oid, olders: Iterable[Oid]
) -> tuple[RepoPath, ...]:
    """The files of `tip` with conflict markers that they have in none of `olders`.

    What is a marker is for the attributes in `worktree` to say. A line of equal signs alone is
    none: it may underline a heading.
    """
    found: set[RepoPath] | None = None
    for older in olders:
        paths = _list_candidates(repo, older, tip) if found is None else sorted(found)
        found = set(_filter_added(repo, worktree, older, tip, paths))
    return tuple(sorted(found or ()))


def _list_candidates(repo: Repository, older: Oid, tip: Oid) -> list[RepoPath]:
    """The files where lines came or went that begin as a marker does."""
    listing = repo.run("diff-tree", *_CHANGED, f"-G{_LIKE_A_MARKER}", older, tip, "--").text
    return [RepoPath(path) for path in listing.split("\0")[:-1]]


def _filter_added(
    repo: Repository, worktree: Path, older: Oid, tip: Oid, paths: list[RepoPath]
) -> Iterable[RepoPath]:
    if not paths:
        return
    before, after = find_entries(repo, older, paths), find_entries(repo, tip, paths)
    sizes = _read_sizes(repo, worktree, paths)
    for path in paths:
        if path not in after or not after[path].is_file:
            continue
        known = path in before and before[path].is_file
        old = _count_markers(read_blob(repo, before[path].oid) if known else b"", sizes[path])
        new = _count_markers(read_blob(repo, after[path].oid), sizes[path])
        if all(new[sign] > old[sign] for sign in "<>"):
            yield path


def _count_markers(data: bytes, size: int) -> Counter[str]:
    counts = Counter[str]()
    for line in data.splitlines():
        for sign in "<>":
            begins = line.startswith(sign.encode() * size)
            counts[sign] += begins and line[size : size + 1] in (b"", b" ")
    return counts


def _read_sizes(repo: Repository, worktree: Path, paths: list[RepoPath]) -> Mapping[RepoPath, int]:
    asked = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    told = repo.run_at(worktree, "check-attr", "-z", "--stdin", _ATTRIBUTE, input=asked).text
    values = told.split("\0")[2::3]
    return {
        path: int(value) if value.isascii() and value.isdigit() else _SIZE
        for path, value in zip(paths, values, strict=True)
    }
