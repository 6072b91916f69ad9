"""What the paths that order slices cost: how many past changes of them would have merged."""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.model import Oid, Plan, RepoPath
from gitslices.git.file_merges import Version, merge_versions, read_versions
from gitslices.git.repository import Repository
from gitslices.state.history_cache import HistoryCache
from gitslices.state.mining import MinedHistory
from gitslices.workspace import Workspace

_NEAR: Final = 12
"""Changes so near to each other might have been made side by side."""

_NEWEST: Final = 60
_TRIALS: Final = 40
_PATHS: Final = 10
"""How many changes of a path, trials of pairs of them, and paths are looked at."""

_ENOUGH: Final = 10
_MOSTLY: Final = 80
"""From so many trials on, and so many percent merged, a path is worth being relaxed."""


class PathContention(Struct, frozen=True, kw_only=True):
    """A path that orders `pairs` of slices; of `tried` pairs of past changes `merged` merge.

    `is_worth_relaxing` where nearly all did. Few trials say little.
    """

    path: RepoPath
    pairs: int
    tried: int
    merged: int
    is_worth_relaxing: bool


class Contention(Struct, frozen=True, kw_only=True):
    """The paths that order most slices by being written by both, and how they merge."""

    history: MinedHistory
    paths: tuple[PathContention, ...]


def measure_contention(workspace: Workspace, plan: Plan) -> Contention:
    """Try on history what the plan puts in an order; no branch, index or worktree is touched."""
    pairs = Counter(
        RepoPath(one.path)
        for one in plan.overlap_serializations
        if one.exists and one.kind == "write_write"
    )
    wanted = sorted(pairs, key=lambda path: (-pairs[path], path))[:_PATHS]
    with workspace.open_past() as (past, history), workspace.open_scratch() as folder:
        measured = [_measure(workspace.repo, past, folder, path, pairs[path]) for path in wanted]
    return Contention(history=history, paths=tuple(measured))


def _measure(
    repo: Repository, past: HistoryCache, folder: Path, path: RepoPath, pairs: int
) -> PathContention:
    results = try_pairs(repo, past, folder, path)
    tried, merged = len(results), sum(results)
    return PathContention(
        path=path, pairs=pairs, tried=tried, merged=merged,
        is_worth_relaxing=tried >= _ENOUGH and 100 * merged >= _MOSTLY * tried,
    )  # fmt: skip


def try_pairs(repo: Repository, past: HistoryCache, folder: Path, path: RepoPath) -> list[bool]:
    """For the newest pairs of changes that are near to each other, whether they merge."""
    numbers = past.read_changing(path)[-_NEWEST:]
    commits = past.read_commits(numbers)
    revisions = [name for number in numbers for name in (f"{commits[number]}^", commits[number])]
    versions = read_versions(repo, path, revisions)
    changes = {
        number: (versions[2 * place], versions[2 * place + 1])
        for place, number in enumerate(numbers)
    }
    results = []
    for earlier, later in _list_near(numbers):
        one, other = _be_whole(changes[earlier]), _be_whole(changes[later])
        if one and other:
            results.append(_try(repo, past, folder, one, other))
        if len(results) == _TRIALS:
            break
    return results


_Step = tuple[Version, Version]


def _be_whole(change: tuple[Version | None, Version | None]) -> _Step | None:
    before, after = change
    return (before, after) if before and after else None


def _list_near(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs of changes, the earlier one first, from the newest on."""
    for place in range(len(numbers) - 1, 0, -1):
        for other in range(place - 1, -1, -1):
            if numbers[place] - numbers[other] > _NEAR:
                break
            yield numbers[other], numbers[place]


def _try(repo: Repository, past: HistoryCache, folder: Path, one: _Step, other: _Step) -> bool:
    """Whether the later change could have been made without the earlier one, and merged with it."""
    ids: list[Oid] = [version.oid for version in (*one, *other)]
    key = sha256("\0".join(ids).encode()).digest()[:16]
    known = past.find_trial(key)
    if known is None:
        (before, after), (base, changed) = one, other
        alone = merge_versions(repo, folder, before.content, base.content, changed.content)
        known = alone is not None and (
            merge_versions(repo, folder, after.content, before.content, alone) is not None
        )
        past.keep_trial(key, merged=known)
    return known
