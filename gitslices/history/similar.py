"""The changes that read like a text (BM25, Robertson and Zaragoza 2009), and their files."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from heapq import nlargest
from math import log, sqrt
from typing import Final

from msgspec import Struct

from gitslices.core.model import RepoPath
from gitslices.history.past import Past, weigh_age

_SATURATION: Final = 1.2
_LENGTH: Final = 0.75
"""The two constants of BM25, at their usual values."""

_VOTERS: Final = 40
_NEAREST: Final = 8


class Votes(Struct, frozen=True, kw_only=True):
    """How changes that read like a text point to files.

    `shares` are by the square of how alike they read, `near` by the cube and of the nearest alone;
    `counts` says how many of the `voters` touched each. `likeness` is that of the best, 0 to 1.
    """

    shares: dict[RepoPath, float]
    near: dict[RepoPath, float]
    counts: Counter[RepoPath]
    voters: int
    likeness: float


def find_votes(past: Past, words: Collection[str]) -> Votes:
    """The files of the changes whose titles are most like `words`."""
    scores, best_possible = _score_titles(past, words)
    voters = nlargest(_VOTERS, scores, key=lambda number: (scores[number], number))
    files = past.read_files(voters)
    return Votes(
        shares=_share(past, {number: scores[number] ** 2 for number in voters}, files),
        near=_share(past, {number: scores[number] ** 3 for number in voters[:_NEAREST]}, files),
        counts=Counter(path for number in voters for path in files.get(number, ())),
        voters=len(voters),
        likeness=min(1.0, scores[voters[0]] / best_possible) if voters else 0.0,
    )


def _score_titles(past: Past, words: Collection[str]) -> tuple[dict[int, float], float]:
    """How alike each title is, and what a title alike in all would come to."""
    lengths, count = past.lengths, past.count
    mean = sum(lengths) / count if count else 1.0
    scores: defaultdict[int, float] = defaultdict(float)
    best = 0.0
    # Sorted, so that sums are the same in each process.
    for word in sorted(words):
        numbers = past.read_saying(word)
        rarity = log(1 + (count - len(numbers) + 0.5) / (len(numbers) + 0.5))
        best += rarity
        gain = rarity * (_SATURATION + 1)
        fixed, by_length = 1 + _SATURATION * (1 - _LENGTH), _SATURATION * _LENGTH / (mean or 1.0)
        for number in numbers:
            scores[number] += gain / (fixed + by_length * lengths[number])
    return scores, best or 1.0


def _share(
    past: Past, weights: dict[int, float], files: Mapping[int, tuple[RepoPath, ...]]
) -> dict[RepoPath, float]:
    shares: defaultdict[RepoPath, float] = defaultdict(float)
    total = 0.0
    for number, likeness in weights.items():
        weight = likeness * weigh_age(past, number)
        total += weight
        touched = files.get(number, ())
        for path in touched:
            shares[path] += weight / sqrt(len(touched))
    return {path: share / total for path, share in shares.items()}
