"""How well declared scopes have held: what slices touched, were allowed later and were refused."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from gitslices.core.model import LANDED, Oid, OverlapKind, Serialization, Slice, SliceId
from gitslices.core.naming import show_path
from gitslices.git.compare import read_tree_changes
from gitslices.git.read import find_commit
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.matcher import ScopeMatcher, compile_scope
from gitslices.slices.goals import choose_goal
from gitslices.slices.snapshot import Snapshot
from gitslices.state.scope_record import Refusal, read_refusals, read_touched
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


class HeldScope(Struct, frozen=True, kw_only=True):
    """One slice that has landed: what it declared, touched, was allowed later and was refused.

    `outside` is what it touched beyond what the plan declared; `files` is how many that covered.
    """

    goal_id: str
    slice_id: SliceId
    declared: tuple[str, ...]
    files: int
    touched: tuple[str, ...]
    outside: tuple[str, ...]
    allowed: tuple[str, ...]
    refused: tuple[Refusal, ...]


class TriedOrder(Struct, frozen=True, kw_only=True):
    """An order that an overlap forced between two slices that have landed.

    `borne_out` is a file that the one changed and the other changed or had to read; null for none.
    """

    goal_id: str
    blocked_slice_id: SliceId
    serializes_after: SliceId
    kind: OverlapKind
    path: str
    borne_out: str | None


class ScopesReport(Struct, frozen=True, kw_only=True):
    """What `gitslices scopes --json` prints of slices that have landed.

    `contained` counts slices that stayed inside what they declared, `inside` files, and `width` is
    how many files were declared for each one that was touched; null without any.
    """

    landed: int
    contained: int
    touched: int
    inside: int
    width: float | None
    widenings: int
    refusals: int
    needless_orders: int
    slices: tuple[HeldScope, ...]
    orders: tuple[TriedOrder, ...]


def read_scopes(workspace: Workspace, goal_id: str | None) -> ScopesReport:
    """How scopes have held in one goal, or in all; reads only."""
    with workspace.open_store() as store:
        goals = store.read_goals() if goal_id is None else (choose_goal(workspace, store, goal_id),)
        held = [one for goal in goals for one in _read_goal(workspace, store, goal)]
    by_key = {(one.goal_id, one.slice_id): one for one in held}
    orders = [order for goal in goals for order in _try_orders(workspace, goal, by_key)]
    touched = sum(len(one.touched) for one in held)
    files = sum(one.files for one in held)
    return ScopesReport(
        landed=len(held),
        contained=sum(not one.outside for one in held),
        touched=touched,
        inside=touched - sum(len(one.outside) for one in held),
        width=round(files / touched, 1) if touched else None,
        widenings=sum(len(one.allowed) for one in held),
        refusals=sum(len(one.refused) for one in held),
        needless_orders=sum(one.borne_out is None for one in orders),
        slices=tuple(held),
        orders=tuple(orders),
    )


def _read_goal(workspace: Workspace, store: Store, goal: Goal) -> Iterator[HeldScope]:
    planned = {one.slice_id: one for one in goal.plan.slices}
    snapshot = Snapshot(workspace, store, goal.plan)
    kept, refusals = read_touched(store, goal.goal_id), read_refusals(store, goal.goal_id)
    for id_, record in snapshot.records.items():
        slice_, landing = planned.get(id_), snapshot.landings.get(id_)
        if slice_ is None or snapshot.statuses[id_] not in LANDED:
            continue
        tip = landing.tip if landing else snapshot.find_tip(record)
        touched = kept.get(id_) or _read_range(workspace, record.base_commit, tip)
        if touched:
            own = [one for one in refusals if one.slice_id == id_]
            yield _make_held(workspace, slice_, record, touched, own)


def _read_range(workspace: Workspace, base: Oid, tip: Oid | None) -> tuple[str, ...]:
    """What a slice that landed in another way has changed, where git still has its commits."""
    if tip is None or not all(find_commit(workspace.repo, one) for one in (base, tip)):
        return ()
    return tuple(show_path(one.path) for one in read_tree_changes(workspace.repo, base, tip))


def _make_held(
    workspace: Workspace,
    slice_: Slice,
    record: SliceRecord,
    touched: tuple[str, ...],
    refused: Iterable[Refusal],
) -> HeldScope:
    matcher = _compile(workspace, slice_.write_scope)
    return HeldScope(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        declared=slice_.write_scope,
        files=slice_.write_files,
        touched=touched,
        outside=tuple(path for path in touched if not matcher.allows(path)),
        allowed=record.allowed_scope,
        refused=tuple(refused),
    )


def _compile(workspace: Workspace, entries: Iterable[str]) -> ScopeMatcher:
    return compile_scope(parse_scope(entries), workspace.folding)


def _try_orders(
    workspace: Workspace, goal: Goal, held: Mapping[tuple[str, SliceId], HeldScope]
) -> Iterator[TriedOrder]:
    planned = {one.slice_id: one for one in goal.plan.slices}
    for forced in goal.plan.overlap_serializations:
        ids = (forced.blocked_slice_id, forced.serializes_after)
        pair = [held.get((goal.goal_id, id_)) for id_ in ids]
        if None in pair or not planned.keys() >= set(ids):
            continue
        later, earlier = (frozenset(one.touched) for one in pair if one)
        common = _find_common(workspace, forced, planned, later, earlier)
        yield TriedOrder(
            goal_id=goal.goal_id,
            blocked_slice_id=forced.blocked_slice_id,
            serializes_after=forced.serializes_after,
            kind=forced.kind,
            path=show_path(forced.path),
            borne_out=min(common, default=None),
        )


def _find_common(
    workspace: Workspace,
    forced: Serialization,
    planned: Mapping[SliceId, Slice],
    later: frozenset[str],
    earlier: frozenset[str],
) -> Iterable[str]:
    """The files for which the two had to go one after the other."""
    if forced.kind == "write_write":
        return later & earlier
    # The later one's access is named first.
    reader, written = (
        (forced.serializes_after, later)
        if forced.kind == "write_read"
        else (forced.blocked_slice_id, earlier)
    )
    reads = _compile(workspace, planned[reader].read_scope)
    return [path for path in written if reads.allows(path)]
