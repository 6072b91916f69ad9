"""Which slices may start now, the most urgent first, and what keeps the others."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import isfinite
from typing import Final, Literal

from msgspec import Struct, structs

from gitslices.core.errors import Problem
from gitslices.core.model import (
    FINISHED,
    Cost,
    NewPaths,
    Oid,
    Plan,
    RepoTree,
    Slice,
    SliceId,
    SliceStatus,
)
from gitslices.rules.progress import find_start_waits
from gitslices.scopes.language.entries import Access, parse_scope

CLAIMABLE: Final[frozenset[SliceStatus]] = frozenset({"planned", "provisioned"})
"""A slice in one of these is for anybody to take, but for what keeps it."""


Prefer = Literal["critical", "id", "priority"]
"""Which of the slices that are ready goes first.

The one with the longest way still to go, the one with the smallest id, or the one with the smallest
`metadata.priority`; among equal ones the longest way decides, and then the plan.
"""

_PRIORITIES: Final[Mapping[str, float]] = {
    "critical": 0, "urgent": 0, "highest": 0, "high": 1, "medium": 2, "normal": 2, "low": 3,
    "lowest": 4,
}  # fmt: skip
_USUAL_PRIORITY: Final = 2.0


def read_priority(metadata: Mapping[str, object]) -> float:
    """How urgent a task is by its `metadata.priority`, the smaller the more: P0, 0, high, P3, low.

    What says nothing of the kind is as urgent as a medium one.
    """
    told = metadata.get("priority")
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return _USUAL_PRIORITY
    text = str(told).strip().lower()
    if text in _PRIORITIES:
        return _PRIORITIES[text]
    with suppress(ValueError):
        number = float(text.removeprefix("p"))
        return number if isfinite(number) else _USUAL_PRIORITY
    return _USUAL_PRIORITY


def find_urgency(
    prefer: Prefer, *, slice_id: SliceId, remaining: Cost, priority: float
) -> tuple[float, str, float]:
    """What slices of any goal are sorted by, the most urgent in front."""
    return (
        priority if prefer == "priority" else 0,
        slice_id if prefer == "id" else "",
        -remaining,
    )


class Holding(Struct, frozen=True, kw_only=True):
    """A slice of any goal that somebody has: its scopes, and what its goal shares.

    One that has lapsed keeps nobody out, and loses its lease to whoever overlaps with it.
    """

    goal_id: str
    slice_id: SliceId
    holder: str
    expires_at: str
    lapsed: bool
    read_scope: tuple[str, ...]
    write_scope: tuple[str, ...]
    shared: tuple[str, ...] = ()


class ClaimState(Struct, frozen=True, kw_only=True):
    """All that decides who may start.

    The slices of `plan` have the scopes that hold now. `statuses` speaks of every one of them, a
    lapsed lease counting as none; `blocked` are those that the graph keeps from workers, `on_hold`
    those that a person does, with the reason, `faults` what is wrong with the worktrees of others.
    `priorities` are those of the tasks, `prefer` says what goes first. `published` are up for
    review. `ignore_case` and `precompose_unicode` say how the repository compares paths.
    """

    plan: Plan
    shared: tuple[str, ...]
    statuses: Mapping[SliceId, SliceStatus]
    blocked: frozenset[SliceId]
    on_hold: Mapping[SliceId, str]
    priorities: Mapping[SliceId, float]
    faults: Mapping[SliceId, Problem]
    holdings: tuple[Holding, ...]
    published: frozenset[SliceId] = frozenset()
    prefer: Prefer = "critical"
    ignore_case: bool = False
    precompose_unicode: bool = False


class _Contact(Struct, frozen=True, kw_only=True):
    """A path that a slice shares with a held one."""

    holding: Holding
    path: str


class Entrant(Struct, frozen=True, kw_only=True):
    """A slice of the plan: who has it, what it waits for, and the held slices it overlaps with.

    `remaining` is the cost of the longest way from its start to the end of the plan, `fault` what
    is wrong with its worktree, `on_hold` why a person keeps it from workers.
    """

    slice: Slice
    status: SliceStatus
    remaining: Cost
    priority: float
    holding: Holding | None
    blocked: bool
    on_hold: str | None
    fault: Problem | None
    waits_for: tuple[SliceId, ...]
    contacts: tuple[_Contact, ...]

    @property
    def kept_out_by(self) -> _Contact | None:
        """The first overlap with a slice that somebody has now."""
        return next((one for one in self.contacts if not one.holding.lapsed), None)

    @property
    def is_admitted(self) -> bool:
        """Whether nothing keeps a worker from it: no order, no overlap, nobody who has it."""
        is_kept = self.blocked or self.on_hold is not None or self.fault or self.waits_for
        return self.status != "claimed" and not (is_kept or self.kept_out_by)

    @property
    def is_ready(self) -> bool:
        """Whether it may start now."""
        return self.status in CLAIMABLE and self.is_admitted


def list_entrants(state: ClaimState) -> tuple[Entrant, ...]:
    """Every slice of the plan, the most urgent first."""
    return _add_contacts(state, _outline(state))


def find_entrant(state: ClaimState, slice_id: SliceId) -> Entrant:
    """One slice of the plan."""
    wanted = [one for one in _outline(state) if one.slice.slice_id == slice_id]
    return _add_contacts(state, wanted)[0]


def find_best(state: ClaimState) -> Entrant | None:
    """The first of `list_entrants` that is ready, found without a look at most of the others."""
    waiting = [one for one in _outline(state) if one.is_ready]
    # Where nothing overlaps the first is ready. Where many are held up, doubling keeps it to a few
    # comparisons, each of which has a cost of its own beside that of its slices.
    size = 1
    while waiting:
        looked = _add_contacts(state, waiting[:size])
        best = next((one for one in looked if one.is_ready), None)
        if best is not None:
            return best
        waiting = waiting[size:]
        size *= 2
    return None


def _outline(state: ClaimState) -> list[Entrant]:
    """The entrants in their order, overlaps left out: those are what costs time."""
    remaining = _find_remaining(state.plan.slices)
    held = {
        holding.slice_id: holding
        for holding in state.holdings
        if holding.goal_id == state.plan.goal_id
    }
    entrants = [
        Entrant(
            slice=slice_,
            status=state.statuses[slice_.slice_id],
            remaining=remaining[slice_.slice_id],
            priority=state.priorities.get(slice_.slice_id, _USUAL_PRIORITY),
            holding=held.get(slice_.slice_id),
            blocked=slice_.slice_id in state.blocked,
            on_hold=state.on_hold.get(slice_.slice_id),
            fault=state.faults.get(slice_.slice_id),
            waits_for=find_start_waits(slice_, state.statuses, state.plan, state.published),
            contacts=(),
        )
        for slice_ in state.plan.slices
    ]
    # The sort is stable, so of equal ones the plan's order decides, for every worker alike.
    return sorted(entrants, key=partial(find_entrant_urgency, state.prefer))


def find_entrant_urgency(prefer: Prefer, entrant: Entrant) -> tuple[float, str, float]:
    """What entrants of any goal are sorted by, the most urgent in front."""
    return find_urgency(
        prefer,
        slice_id=entrant.slice.slice_id,
        remaining=entrant.remaining,
        priority=entrant.priority,
    )


def _add_contacts(state: ClaimState, entrants: Sequence[Entrant]) -> tuple[Entrant, ...]:
    admitted = [one.slice for one in entrants if one.is_admitted and one.status not in FINISHED]
    contacts = _find_contacts(state, admitted)
    return tuple(
        structs.replace(one, contacts=tuple(contacts.get(one.slice.slice_id, ())))
        for one in entrants
    )


def _find_remaining(slices: Sequence[Slice]) -> dict[SliceId, Cost]:
    remaining: dict[SliceId, Cost] = {}
    longest: dict[SliceId, Cost] = {}
    for slice_ in reversed(slices):  # a plan lists what is needed before what needs it
        cost = slice_.estimate + longest.get(slice_.slice_id, 0)
        remaining[slice_.slice_id] = cost
        for needed in slice_.dependencies:
            longest[needed] = max(longest.get(needed, 0), cost)
    return remaining


def _find_contacts(state: ClaimState, slices: Sequence[Slice]) -> dict[SliceId, list[_Contact]]:
    contacts: dict[SliceId, list[_Contact]] = {}
    for goal_id in dict.fromkeys(holding.goal_id for holding in state.holdings):
        holdings = [holding for holding in state.holdings if holding.goal_id == goal_id]
        for slice_, contact in _compare(state, slices, holdings, goal_id):
            contacts.setdefault(slice_.slice_id, []).append(contact)
    return contacts


def _compare(
    state: ClaimState, slices: Sequence[Slice], holdings: Sequence[Holding], goal_id: str
) -> Iterator[tuple[Slice, _Contact]]:
    """Each overlap of `slices` with what is held of one goal.

    Within a goal the plan's setting counts, which has put all overlaps in an order already: a
    stricter one would hold up what the plan lets run side by side. Between goals nothing has been
    decided, so all paths count, but for files that both goals share.
    """
    # Imported here: where nobody holds anything there is nothing to compare, and a claim is quick.
    from gitslices.scopes.overlap.scope_map import ScopeMap

    own = goal_id == state.plan.goal_id
    # What a goal shares is the same in each of its holdings.
    shared = [entry for entry in holdings[0].shared if own or entry in state.shared]
    new_paths: NewPaths = state.plan.unborn if own else "all"
    accesses = [*map(_make_access, slices), *map(_make_access, holdings)]
    # Paths are compared whether they exist or not, so no tree is needed.
    tree = RepoTree(
        commit=Oid(""),
        paths=(),
        ignore_case=state.ignore_case,
        precompose_unicode=state.precompose_unicode,
    )
    scopes = ScopeMap(tree, accesses, new_paths, parse_scope(shared) if shared else None)
    for number, slice_ in enumerate(slices):
        for at, holding in enumerate(holdings, start=len(slices)):
            # A slice whose lease has lapsed is among the holdings, and does not keep itself out.
            itself = own and holding.slice_id == slice_.slice_id
            overlap = None if itself else scopes.find_overlap(number, at)
            if overlap is not None:
                yield slice_, _Contact(holding=holding, path=overlap.path)


def _make_access(one: Slice | Holding) -> Access:
    return Access(read=parse_scope(one.read_scope), write=parse_scope(one.write_scope))
