"""What every picture of a plan shows: its slices by number, and the words about them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec import UNSET, Struct

from gitslices.core.model import Plan, Serialization, Slice, SliceId
from gitslices.output.words import count, escape, find_progress_word, format_cost, format_reason

COMPACT_FROM = 100
"""From this many slices on, a box holds the id alone."""

States = Mapping[SliceId, str]
"""The word for where each slice stands."""

NO_STATES: Final[States] = {}
"""Those of a plan that is drawn without a look at what has become of it."""

_HOVER_ENTRIES = 8
LIGHT: Final[Mapping[str, str]] = {
    "paper": "#ffffff",
    "band": "#f5f6f8",
    "box": "#ffffff",
    "line": "#cfd5dd",
    "ink": "#1b212b",
    "soft": "#565f6d",
    "edge": "#7d8797",
    "forced": "#b4530a",
    "critical": "#3d44c9",
    "landed": "#1a7f4b",
    "finished": "#7a3fb8",
    "busy": "#0b6bcb",
    "asking": "#b07400",
    "trouble": "#c62f2f",
}
DARK: Final[Mapping[str, str]] = {
    "paper": "#0e1116",
    "band": "#151920",
    "box": "#1d232c",
    "line": "#3b4451",
    "ink": "#e7eaef",
    "soft": "#a0a9b6",
    "edge": "#788496",
    "forced": "#f2a65a",
    "critical": "#a9b4ff",
    "landed": "#4cc38a",
    "finished": "#c49bf0",
    "busy": "#6cb6ff",
    "asking": "#e3b341",
    "trouble": "#ff7b72",
}

_MARKS: Final = {
    "merged": "landed",
    "done": "finished",
    "claimed": "busy",
    "asking": "asking",
    "lapsed": "asking",
    "on hold": "asking",
    "conflicted": "trouble",
    "failed": "trouble",
}


class Edge(Struct, frozen=True, kw_only=True):
    """One slice waiting for another, both by their index in the plan.

    `overlap` is the pair's reason where no dependency was declared.
    """

    before: int
    after: int
    overlap: Serialization | None
    critical: bool


class Picture(Struct, frozen=True, kw_only=True):
    """A plan with its slices named by their index: every wait, by slice too, and each wave."""

    plan: Plan
    states: States
    edges: tuple[Edge, ...]
    waits: tuple[tuple[Edge, ...], ...]
    waves: tuple[tuple[int, ...], ...]
    critical: frozenset[int]


def make_picture(plan: Plan, states: States = NO_STATES) -> Picture:
    """Gather what there is to draw, edges in the order of the plan's slices."""
    index = {each.slice_id: i for i, each in enumerate(plan.slices)}
    forced = {(s.serializes_after, s.blocked_slice_id): s for s in plan.overlap_serializations}
    critical = set(pairwise(plan.critical_path))
    waits = tuple(
        tuple(
            Edge(
                before=index[before],
                after=after,
                overlap=forced.get((before, each.slice_id)),
                critical=(before, each.slice_id) in critical,
            )
            for before in each.dependencies
        )
        for after, each in enumerate(plan.slices)
    )
    return Picture(
        plan=plan,
        states=states,
        edges=tuple(edge for edges in waits for edge in edges),
        waits=waits,
        waves=tuple(tuple(index[member] for member in wave) for wave in plan.waves),
        critical=frozenset(index[member] for member in plan.critical_path),
    )


def name_picture(picture: Picture) -> str:
    """Name the picture."""
    return f"{'Status' if picture.states else 'Plan'} of {picture.plan.goal_id}"


def head_wave(picture: Picture, wave: int) -> str:
    """`wave 0 · 3 slices`."""
    return f"wave {wave} · {count(len(picture.waves[wave]), 'slice')}"


def name_estimate(each: Slice) -> str:
    """`estimate 3`."""
    return f"estimate {format_cost(each.estimate)}"


def list_names(each: Slice) -> list[str]:
    """Give the id, and the title where that says more."""
    return [each.slice_id] if each.title == each.slice_id else [each.slice_id, each.title]


def find_mark(picture: Picture, each: Slice) -> str | None:
    """The colour, by its name, that tells where a slice stands; its word says the same."""
    return _MARKS.get(picture.states.get(each.slice_id, ""))


def list_facts(picture: Picture, each: Slice) -> str:
    """`merged · executor · 3 files · 2 allowed · estimate 2`: the line under the names."""
    allowed = list_allowed(picture.plan, each)
    facts = (
        picture.states.get(each.slice_id) or find_progress_word(picture.plan, each.slice_id),
        each.owner_role,
        count(each.write_files, "file"),
        f"{len(allowed)} allowed" if allowed else None,
        name_estimate(each),
    )
    return " · ".join(filter(None, facts))


def list_allowed(plan: Plan, each: Slice) -> tuple[str, ...]:
    """The entries that were added to the write scope since it was planned."""
    return () if plan.progress is UNSET else plan.progress.allowed.get(each.slice_id, ())


def explain(picture: Picture, edge: Edge) -> str:
    """Say for whom the later slice waits and why: `waits for api: both write src/errors.py`."""
    return f"waits for {picture.plan.slices[edge.before].slice_id}: {explain_overlap(edge)}"


def explain_overlap(edge: Edge) -> str:
    """Say why the later slice waits, as half a sentence."""
    return format_reason(edge.overlap) if edge.overlap else "declared dependency"


def describe(picture: Picture, index: int) -> list[str]:
    """Tell all that a hover shows of a slice, line by line and free of control characters."""
    each = picture.plan.slices[index]
    critical = " · on the critical path" if index in picture.critical else ""
    lines = [
        *list_names(each),
        f"wave {each.wave} · {list_facts(picture, each)} · risk {each.risk}{critical}",
        *_describe_scope("writes", each.write_files, each.write_scope),
        *_describe_allowed(list_allowed(picture.plan, each)),
        *_describe_scope("reads", each.read_files, each.read_scope),
        *(explain(picture, edge) for edge in picture.waits[index]),
    ]
    return list(map(escape, lines))


def _describe_scope(verb: str, files: int, scope: Sequence[str]) -> list[str]:
    return [f"{verb} {_list_entries(scope)} ({count(files, 'file')})"] if scope else []


def _describe_allowed(allowed: Sequence[str]) -> list[str]:
    return [f"allowed since it was planned: {_list_entries(allowed)}"] if allowed else []


def _list_entries(scope: Sequence[str]) -> str:
    rest = len(scope) - _HOVER_ENTRIES
    return ", ".join(scope[:_HOVER_ENTRIES]) + (f" and {rest} more" if rest > 0 else "")
