"""What two commits have in common, and which paths differ between them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.model import Change, Oid, RepoPath
from gitslices.git.repository import Repository

# A rename is two paths, each of which must be in scope; and what lies uncommitted in a submodule is
# in no commit of this repository.
RAW: Final = ("--raw", "-z", "--no-renames", "--ignore-submodules=dirty")
"""How `git diff` and its kin are to answer `_parse_raw`."""
_NOTHING: Final = "000000"
SUBMODULE: Final = "160000"

Modes = tuple[str, str]
"""The file modes before and after."""


class Baseline(Struct, frozen=True):
    """A commit that changes are told from.

    Of one that is made of several, `torn` are the paths in which those conflict: what it holds
    there is nobody's.
    """

    commit: Oid
    torn: frozenset[RepoPath] = frozenset()


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
    return read_commit_changes(repo, repo.common_dir, newer, (Baseline(older),))


def read_changed_paths(repo: Repository, since: Oid, tip: Oid) -> dict[Oid, tuple[RepoPath, ...]]:
    """What each commit changes, be it no path, that `tip` has and `since` lacks; no merges."""
    # Listed first, because in what diff-tree tells a commit looks like any other name.
    listed = repo.run("rev-list", "--no-merges", tip, f"^{since}").text.split()
    asked = "".join(f"{commit}\n" for commit in listed).encode()
    # Without --root the first commit of all changes nothing.
    told = repo.run("diff-tree", "--stdin", "--root", "-r", "-z", "--name-only", input=asked).text
    changed: dict[Oid, list[RepoPath]] = {Oid(commit): [] for commit in listed}
    paths: list[RepoPath] = []
    for word in told.split("\0")[:-1]:
        if word in changed:
            paths = changed[Oid(word)]
        else:
            paths.append(RepoPath(word))
    return {commit: tuple(found) for commit, found in changed.items()}


def read_mainline(repo: Repository, since: Oid, tip: Oid) -> set[Oid]:
    """The commits that were the tip of a branch, as far as merges tell, and that `since` lacks."""
    return set(map(Oid, repo.run("rev-list", "--first-parent", tip, f"^{since}").text.split()))


def read_commit_changes(
    repo: Repository, git_dir: Path, commit: str, baselines: Sequence[Baseline]
) -> tuple[Change, ...]:
    """What `commit`, or HEAD of the worktree of `git_dir`, holds otherwise than all `baselines`."""
    return join_baselines(
        baselines,
        lambda one: repo.run("diff-tree", "-r", *RAW, one, commit, "--", git_dir=git_dir).text,
    )


def join_baselines(
    baselines: Sequence[Baseline], compare: Callable[[Oid], str]
) -> tuple[Change, ...]:
    """The paths that differ from every one of `baselines`; `compare` asks git about one, by `RAW`.

    Where one is torn, a path differs from it that differs from any other.
    """
    joined: dict[RepoPath, tuple[Modes, ...]] | None = None
    for baseline in baselines:
        listing = _parse_raw(compare(baseline.commit))
        found = dict.fromkeys(baseline.torn, ()) | {path: (listing[path],) for path in listing}
        known = dict.fromkeys(found, ()) if joined is None else joined
        joined = {path: (*known[path], *found[path]) for path in known if path in found}
        # No path can come back: the comparisons that are left would be for nothing.
        if not joined:
            break
    return tuple(_make_change(path, modes) for path, modes in (joined or {}).items() if modes)


def _make_change(path: RepoPath, modes: Sequence[Modes]) -> Change:
    return Change(
        path=path,
        is_new=all(before == _NOTHING for before, _ in modes),
        is_gone=all(after == _NOTHING for _, after in modes),
        is_submodule=any(SUBMODULE in pair for pair in modes),
        was_submodule=any(before == SUBMODULE for before, _ in modes),
    )


def _parse_raw(listing: str) -> dict[RepoPath, Modes]:
    """The modes of each path in what git has answered to `RAW`."""
    fields = listing.split("\0")
    return {
        RepoPath(path): (head[1:7], head[8:14])
        for head, path in zip(fields[::2], fields[1::2], strict=False)
    }


def count_all_ahead_behind(
    repo: Repository, commits: Iterable[Oid], target: Oid
) -> Mapping[Oid, tuple[int, int]]:
    """For each of `commits`, how many commits it has that `target` lacks, and the reverse.

    Two git processes however many commits there are, none when all are the target.
    """
    others = sorted(set(commits) - {target})
    if not others:
        return {target: (0, 0)}
    ends = [target, *others]
    sharing = _count_by_sharers(repo, ends)
    counts = {target: (0, 0)}
    for place, commit in enumerate(others, start=1):
        mask = 1 << place
        ahead = sum(n for who, n in sharing.items() if who & mask and not who & 1)
        behind = sum(n for who, n in sharing.items() if who & 1 and not who & mask)
        counts[commit] = (ahead, behind)
    return counts


def _count_by_sharers(repo: Repository, ends: list[Oid]) -> Counter[int]:
    """Numbers of commits by who has them: bit n of a key stands for `ends[n]`.

    What all of them have is left out, so the walk is as long as their histories are apart.
    """
    shared = repo.run("merge-base", "--octopus", *ends, ok=(0, 1)).text.split()
    revisions = [*ends, *(f"^{commit}" for commit in shared)]
    # In this order no commit comes before one of its children: who has it is complete then.
    listing = repo.run(
        "rev-list", "--topo-order", "--parents", "--stdin", input="\n".join(revisions).encode()
    ).text
    sharers = {str(commit): 1 << place for place, commit in enumerate(ends)}
    totals: Counter[int] = Counter()
    for line in listing.splitlines():
        commit, *parents = line.split()
        mask = sharers.pop(commit)
        totals[mask] += 1
        for parent in parents:
            sharers[parent] = sharers.get(parent, 0) | mask
    return totals
