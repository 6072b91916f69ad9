"""Whose scope is whose: written down for the hooks to see, compiled for those who compare."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from msgspec import structs

from gitslices.core.lazy import lazy_property
from gitslices.core.model import UNDER_WAY, Change, Plan, RepoPath, Slice, SliceId
from gitslices.rules.scope_check import Neighbour, Violation, find_violations
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.matcher import ScopeMatcher, compile_scope
from gitslices.slices.marks import Mark, mark_worktree
from gitslices.state.hook_watch import write_watch
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


def raise_fences(workspace: Workspace, records: Iterable[SliceRecord]) -> None:
    """Mark the worktrees of `records`, and have the hooks watch the branches of all slices."""
    for record in records:
        mark = Mark(goal_id=record.goal_id, slice_id=record.slice_id)
        mark_worktree(Path(record.worktree_path), mark)
    write_watch(workspace.state_folder, workspace.prefix)


def name_beside(other: SliceRecord, record: SliceRecord) -> str:
    """What to call `other` in a message about `record`: with its goal, if that is another one."""
    if other.goal_id == record.goal_id:
        return other.slice_id
    return f"{other.slice_id} of goal {other.goal_id}"


def add_allowed(plan: Plan, records: Mapping[SliceId, SliceRecord]) -> Plan:
    """The plan with what its slices may write now: its own scopes, and what was allowed beyond."""
    slices = (_add_allowed(slice_, records.get(slice_.slice_id)) for slice_ in plan.slices)
    return structs.replace(plan, slices=tuple(slices))


def _add_allowed(slice_: Slice, record: SliceRecord | None) -> Slice:
    if record is None or not record.allowed_scope:
        return slice_
    return structs.replace(
        slice_, write_scope=_join_scope(slice_.write_scope, record.allowed_scope)
    )


def _join_scope(planned: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """The write scope of a slice: what is planned, and what was allowed since."""
    return tuple(sorted({*planned, *allowed}))


def rescope(record: SliceRecord, slice_: Slice) -> SliceRecord:
    """The record with the scopes of the plan, and with what was allowed beyond them."""
    allowed = tuple(entry for entry in record.allowed_scope if entry not in slice_.write_scope)
    return structs.replace(
        record,
        read_scope=slice_.read_scope,
        write_scope=_join_scope(slice_.write_scope, allowed),
        allowed_scope=allowed,
        checkout_scope=slice_.checkout_scope,
    )


def widen(record: SliceRecord, entry: str) -> SliceRecord:
    """The record with one more entry in its write scope."""
    return structs.replace(
        record,
        write_scope=_join_scope(record.write_scope, (entry,)),
        allowed_scope=(*record.allowed_scope, entry),
    )


class ScopeMatchers:
    """The write scopes of all slices under way, as the store has them at the first question."""

    def __init__(self, workspace: Workspace, store: Store) -> None:
        self._workspace = workspace
        self._store = store
        self._folding = workspace.folding
        self._compiled: dict[tuple[tuple[str, ...], frozenset[RepoPath]], ScopeMatcher] = {}

    def find_violations(
        self,
        goal: Goal,
        record: SliceRecord,
        changed: Sequence[Change],
        landed: Collection[SliceId] = (),
    ) -> tuple[Violation, ...]:
        """Those of a slice's changes that it may not make, each with the slice that may.

        `landed` are slices of `goal` that nothing belongs to any more, whatever the store says.
        """
        # An entry that reaches into a submodule stands for it, if the target has it as one.
        submodules = frozenset(change.path for change in changed if change.was_submodule)
        own = self._compile(record.write_scope, submodules)
        # Others matter to what is outside, and to new paths: two scopes can have room for one that
        # is not there yet. Most commits have neither, and need no scope compiled but their own.
        if not any(change.is_new for change in changed) and not find_violations(own, changed):
            return ()
        free = goal.graph.unordered
        shared = self._compile(free, submodules) if free else None
        others = [
            one
            for one in self._ordered
            if one.goal_id != goal.goal_id or one.slice_id not in landed
        ]
        neighbours = self._make_neighbours(record, others, submodules)
        violations = find_violations(own, changed, neighbours, shared)
        if not any(violation.owner for violation in violations):
            return violations
        # Git tells who has landed, and hooks must be quick: so not before an owner is to be named.
        open_ones = [one for one in others if one not in self._landed]
        neighbours = self._make_neighbours(record, open_ones, submodules)
        return find_violations(own, changed, neighbours, shared)

    def find_earlier(self, goal_id: str, slice_id: str) -> set[tuple[str, str]]:
        """The goals and ids of those slices that come before one of their number."""
        places = [(one.goal_id, str(one.slice_id)) for one in self._ordered]
        own = (goal_id, slice_id)
        return set(places[: places.index(own)]) if own in places else set()

    def _compile(self, entries: Iterable[str], submodules: frozenset[RepoPath]) -> ScopeMatcher:
        key = (tuple(entries), submodules)
        if key not in self._compiled:
            scope = parse_scope(key[0])
            self._compiled[key] = compile_scope(scope, self._folding, submodules=submodules)
        return self._compiled[key]

    @lazy_property
    def _goals(self) -> dict[str, Goal]:
        return {goal.goal_id: goal for goal in self._store.read_goals()}

    @lazy_property
    def _ordered(self) -> list[SliceRecord]:
        """All slices under way: the goal applied first in front, each in the order of its plan."""
        ordered: list[SliceRecord] = []
        for goal_id, goal in self._goals.items():
            rank = {slice_.slice_id: place for place, slice_ in enumerate(goal.plan.slices)}
            records = self._store.read_slices(goal_id)
            under_way = [one for one in records if one.status in UNDER_WAY]
            ordered += sorted(under_way, key=lambda one: rank.get(one.slice_id, len(rank)))
        return ordered

    @lazy_property
    def _landed(self) -> frozenset[SliceRecord]:
        """Those whose commits the target has, though nobody has recorded it."""
        # Imported here for the sake of the hooks: most of them never get this far.
        from gitslices.slices.snapshot import Snapshot

        found: list[SliceRecord] = []
        for goal_id, records in groupby(self._ordered, key=lambda record: record.goal_id):
            plan, own = self._goals[goal_id].plan, list(records)
            landed = Snapshot(self._workspace, self._store, plan, records=own).landed
            found += [record for record in own if record.slice_id in landed]
        return frozenset(found)

    def _make_neighbours(
        self,
        record: SliceRecord,
        ordered: Sequence[SliceRecord],
        submodules: frozenset[RepoPath],
    ) -> list[Neighbour]:
        own = (record.goal_id, record.slice_id)
        places = [(one.goal_id, one.slice_id) for one in ordered]
        before = places.index(own) if own in places else 0
        return [
            Neighbour(
                slice_id=one.slice_id,
                name=name_beside(one, record),
                matcher=self._compile(one.write_scope, submodules),
                comes_first=place < before,
            )
            for place, one in enumerate(ordered)
            if places[place] != own
        ]
