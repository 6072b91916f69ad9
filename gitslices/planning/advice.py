"""What the history says of a plan: files that scopes lack, files to share, slices that may meet."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import prod
from typing import Final, Literal

from msgspec import Struct

from gitslices.core.model import RepoPath, SliceId
from gitslices.history.coupling import find_certain
from gitslices.history.names import PathNames
from gitslices.history.past import Past
from gitslices.history.ranking import Query, rank_files
from gitslices.scopes.language.matcher import ScopeMatcher

MEETING: Final = 0.2
"""From this chance on two slices are named: on histories a third of them share a file."""

_RANKED: Final = 40
_SHOWN: Final = 3

_APPENDED: Final = re.compile(
    r"(change(s|log)|history|news|release[-_ ]?notes|authors|contributors)(\.\w{1,5})?",
    re.IGNORECASE,
)
_GENERATED: Final = re.compile(
    r".+\.(lock|snap)|(package-lock|npm-shrinkwrap)\.json|pnpm-lock\.yaml|go\.sum", re.IGNORECASE
)


class Footprint(Struct, frozen=True, kw_only=True):
    """What one slice says of the files that it will touch; `files` are few enough to be meant."""

    slice_id: SliceId
    text: str
    files: tuple[RepoPath, ...]
    writes: ScopeMatcher


class MissingFile(Struct, frozen=True, kw_only=True):
    """`missing` has changed with `path` in `together` of `changes`; the slice may not write it."""

    slice_id: SliceId
    path: RepoPath
    missing: RepoPath
    together: int
    changes: int
    percent: int


class FreeOffer(Struct, frozen=True, kw_only=True):
    """A file that orders slices, and the list of the graph that it may stand in instead."""

    path: RepoPath
    list: Literal["shared", "relaxed"]
    slice_ids: tuple[SliceId, ...]


class LikelyMeeting(Struct, frozen=True, kw_only=True):
    """Two slices in no order that may touch the same files, the likeliest `paths` first."""

    slice_ids: tuple[SliceId, SliceId]
    percent: int
    paths: tuple[RepoPath, ...]


def find_missing(
    past: Past, names: PathNames, footprints: Iterable[Footprint]
) -> Iterator[MissingFile]:
    """What scopes lack by all that is known: of such warnings, 93 % came true on histories."""
    for one in footprints:
        found: dict[RepoPath, MissingFile] = {}
        for path in one.files:
            # A changelog goes with whatever is released: it says nothing of the task.
            if is_free_by_name(path):
                continue
            for other, bond in find_certain(past, path).items():
                if other not in names or one.writes.allows(other):
                    continue
                percent = round(100 * bond.confidence)
                if other not in found or found[other].percent < percent:
                    found[other] = MissingFile(
                        slice_id=one.slice_id, path=path, missing=other,
                        together=bond.together, changes=bond.changes, percent=percent,
                    )  # fmt: skip
        yield from sorted(found.values(), key=lambda each: (-each.percent, each.missing))


def is_free_by_name(path: RepoPath) -> bool:
    """Whether many tasks write a file by what it is: a changelog, a lock file, a snapshot."""
    name = path.rpartition("/")[2]
    return bool(_APPENDED.fullmatch(name) or _GENERATED.fullmatch(name))


def offer_free(
    paths: Iterable[RepoPath], footprints: Sequence[Footprint], free: ScopeMatcher | None
) -> Iterator[FreeOffer]:
    """Files that two slices may write and that are appended to, or made by a tool, by their names.

    Lines of both sides make no sound lock file, so one that a tool makes is not to be shared.
    """
    for path in paths:
        if not is_free_by_name(path) or (free and free.allows(path)):
            continue
        appended = _APPENDED.fullmatch(path.rpartition("/")[2])
        writers = tuple(one.slice_id for one in footprints if one.writes.allows(path))
        if len(writers) > 1:
            yield FreeOffer(path=path, list="shared" if appended else "relaxed", slice_ids=writers)


def find_meetings(
    past: Past,
    names: PathNames,
    footprints: Sequence[Footprint],
    free: ScopeMatcher | None,
    ordered: Iterable[tuple[SliceId, SliceId]],
    *,
    least: float = MEETING,
) -> list[LikelyMeeting]:
    """Pairs in no order that may meet with a chance of `least` or more, the likeliest first."""
    chances = [_find_chances(past, names, one, free) for one in footprints]
    apart = {frozenset(pair) for pair in ordered}
    found = []
    for (one, mine), (other, theirs) in combinations(zip(footprints, chances, strict=True), 2):
        if frozenset((one.slice_id, other.slice_id)) in apart:
            continue
        both = {path: mine[path] * theirs[path] for path in mine.keys() & theirs.keys()}
        chance = 1 - prod(1 - part for part in sorted(both.values()))
        if chance >= least:
            paths = sorted(both, key=lambda path: (-both[path], path))[:_SHOWN]
            found.append(
                LikelyMeeting(
                    slice_ids=(one.slice_id, other.slice_id),
                    percent=round(100 * chance),
                    paths=tuple(paths),
                )
            )
    return sorted(found, key=lambda each: (-each.percent, each.slice_ids))


def _find_chances(
    past: Past, names: PathNames, one: Footprint, free: ScopeMatcher | None
) -> Mapping[RepoPath, float]:
    """How likely the slice touches each file."""
    ranked = rank_files(past, names, Query(text=one.text, known=one.files))[:_RANKED]
    chances = {each.path: (each.percent or 0) / 100 for each in ranked}
    chances.update(dict.fromkeys(one.files, 1.0))
    return {path: chance for path, chance in chances.items() if not (free and free.allows(path))}
