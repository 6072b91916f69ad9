"""Why one slice waits: every slice that comes before it, and what the plan leaves open."""

from collections.abc import Iterator

from msgspec import Struct

from gitslices.core.model import OverlapKind, SliceId
from gitslices.core.naming import show_path
from gitslices.planning.outline import Outline
from gitslices.planning.schedule import explain_wait, find_successors


class Meeting(Struct, frozen=True, kw_only=True):
    """A path that two slices share; `kind` as in a plan's serializations."""

    kind: OverlapKind
    path: str
    exists: bool


class Wait(Struct, frozen=True, kw_only=True):
    """`slice_id` must be merged before `before` starts, because that is declared or both overlap.

    `before` is the explained slice itself or, for what it only waits for through others, the next
    slice on the way to it.
    """

    slice_id: SliceId
    before: SliceId
    declared: bool
    overlap: Meeting | None


class OpenOverlap(Struct, frozen=True, kw_only=True):
    """A slice that may be under way at the same time, and a path yet to be made in both scopes."""

    slice_id: SliceId
    overlap: Meeting


class Explanation(Struct, frozen=True, kw_only=True):
    """What `gitslices plan --explain SLICE --json` prints: direct waits first, nearest first."""

    goal_id: str
    slice_id: SliceId
    wave: int
    waits_for: tuple[Wait, ...]
    open_overlaps: tuple[OpenOverlap, ...]


def explain_slice(outline: Outline, slice_id: SliceId) -> Explanation:
    """Every reason why a slice waits; `slice_id` is in the outline."""
    number = next(
        number for number in range(len(outline.tasks)) if outline.name(number) == slice_id
    )
    through = explain_wait(number, outline.edges)
    waits = [*_list_direct(outline, number, through), *_list_others(outline, number, through)]
    return Explanation(
        goal_id=outline.graph.goal_id,
        slice_id=slice_id,
        wave=outline.waves[number],
        waits_for=tuple(waits),
        open_overlaps=tuple(_list_open(outline, number, set(through))),
    )


def _list_direct(outline: Outline, number: int, through: dict[int, int]) -> Iterator[Wait]:
    for earlier in through:
        if _has_reason(outline, number, earlier):
            yield _make_wait(outline, number, earlier)


def _list_others(outline: Outline, number: int, through: dict[int, int]) -> Iterator[Wait]:
    for earlier, later in through.items():
        if not _has_reason(outline, number, earlier):
            yield _make_wait(outline, later, earlier)


def _has_reason(outline: Outline, later: int, earlier: int) -> bool:
    declared = earlier in outline.workload.dependencies[later]
    return declared or bool(outline.workload.conflicts[later] >> earlier & 1)


def _make_wait(outline: Outline, later: int, earlier: int) -> Wait:
    return Wait(
        slice_id=outline.name(earlier),
        before=outline.name(later),
        declared=earlier in outline.workload.dependencies[later],
        overlap=_find_meeting(outline, later, earlier),
    )


def _find_meeting(outline: Outline, later: int, earlier: int) -> Meeting | None:
    found = outline.scopes.find_overlap(later, earlier)
    if found is None:
        return None
    return Meeting(kind=found.kind, path=show_path(found.path), exists=found.exists)


def _list_open(outline: Outline, number: int, before: set[int]) -> Iterator[OpenOverlap]:
    after = explain_wait(number, find_successors(outline.edges))
    for other, found in outline.scopes.find_open_overlaps(number):
        if other not in before and other not in after:
            overlap = Meeting(kind=found.kind, path=show_path(found.path), exists=found.exists)
            yield OpenOverlap(slice_id=outline.name(other), overlap=overlap)
