"""What two commits have in common, and which paths differ between them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from gitslices.fence import Change
from gitslices.git.repository import Repository
from gitslices.model import Oid, RepoPath

RAW: Final = ("--raw", "-z", "--no-renames", "--ignore-submodules=dirty")
"""How `git diff` and its kin are to answer `parse_raw`."""
_NOTHING: Final = "000000"
SUBMODULE: Final = "160000"

Modes = tuple[str, str]
"""The file modes before and after."""


def find_merge_bases(repo: Repository, commit: Oid, *others: Oid) -> tuple[Oid, ...]:
    """The best common ancestors of `commit` and a merge of `others`, be there such a merge or not.

    One, several after criss-cross merges, or none.
    """
    if not others:
        return ()
    listing = repo.run("merge-base", "--all", commit, *dict.fromkeys(others), ok=(0, 1)).text
    return tuple(Oid(line) for line in listing.split())


def read_tree_changes(repo: Repository, older: Oid, newer: Oid) -> tuple[Change, ...]:
    """The paths that differ between two commits; a rename is two of them."""
    return read_commit_changes(repo, repo.common_dir, newer, (older,))


def find_own_changes(repo: Repository, tip: Oid, target: Oid) -> tuple[Change, ...]:
    """What `tip` changes of its own: what it took over from `target` by merging is not counted.

    After criss-cross merges a path counts only if it differs from every common ancestor.
    """
    return read_commit_changes(repo, repo.common_dir, tip, find_merge_bases(repo, tip, target))


def read_commit_changes(
    repo: Repository, git_dir: Path, commit: str, baselines: Sequence[Oid]
) -> tuple[Change, ...]:
    """What `commit`, or HEAD of the worktree of `git_dir`, holds otherwise than all `baselines`."""
    return join_baselines(
        parse_raw(repo.run_at(git_dir, "diff-tree", "-r", *RAW, one, commit, "--").text)
        for one in baselines
    )


def join_baselines(listings: Iterable[Mapping[RepoPath, Modes]]) -> tuple[Change, ...]:
    """The paths that every one of `listings`, each against one baseline, has."""
    joined: dict[RepoPath, list[Modes]] | None = None
    for listing in listings:
        known = {path: [] for path in listing} if joined is None else joined
        joined = {path: [*known[path], listing[path]] for path in known if path in listing}
        if not joined:
            break
    return tuple(_make_change(path, modes) for path, modes in (joined or {}).items())


def _make_change(path: RepoPath, modes: Sequence[Modes]) -> Change:
    return Change(
        path=path,
        is_new=all(before == _NOTHING for before, _ in modes),
        is_gone=all(after == _NOTHING for _, after in modes),
        is_submodule=any(SUBMODULE in pair for pair in modes),
        was_submodule=any(before == SUBMODULE for before, _ in modes),
    )


def parse_raw(listing: str) -> dict[RepoPath, Modes]:
    """The modes of each path in what git has answered to `RAW`."""
    fields = listing.split("\0")
    return {
        RepoPath(path): (head[1:7], head[8:14])
        for head, path in zip(fields[::2], fields[1::2], strict=False)
    }
