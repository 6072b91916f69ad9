"""Bring slices onto the current target, with their own commits on top or merged."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from gitslices.core.errors import BusyError, GitError, GitLockedError, Problem
from gitslices.core.model import (
    FINISHED,
    BranchName,
    Oid,
    Slice,
    SliceId,
    SliceStatus,
)
from gitslices.git.compare import read_tree_changes
from gitslices.git.index import INDEX_LOCK_HINT
from gitslices.git.read import is_true
from gitslices.merging.begin import BegunMerge, begin_merge
from gitslices.merging.branch_worktrees import (
    find_branch_worktrees,
    find_in_the_way,
    read_branch_worktrees,
)
from gitslices.merging.bring import Course, Stand, bring_commits, choose_course, is_current
from gitslices.merging.build import Conflicted, Rebased, keep_notes
from gitslices.merging.early_base import make_early_base
from gitslices.merging.in_memory import GoalMergeRules, open_merge_rules
from gitslices.merging.move_branches import Moved, Outdated, move_branches
from gitslices.merging.recheck import Arrival, MoveBasis, is_as_before
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.merging import (
    describe_footing_conflict,
    find_sync_obstacle,
)
from gitslices.rules.worktree_faults import BARS_SYNC, find_bar
from gitslices.slices.claims import require_lease
from gitslices.slices.early_starts import find_footing
from gitslices.slices.goals import Served, choose_goal, list_meant, serve_goals
from gitslices.slices.lookup import get_planned, get_slice
from gitslices.slices.own_commits import UnmergedBases
from gitslices.slices.settings import choose_sync_style
from gitslices.slices.snapshot import Snapshot
from gitslices.state.journal import BranchMove
from gitslices.state.landings import SliceChange
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.system.settings_tables import SyncStyle
from gitslices.workspace import Workspace

# Each attempt that is lost is somebody else's success: so many in a row are hardly chance.
_ATTEMPTS = 100


class SyncRequest(Struct, frozen=True, kw_only=True):
    """The slices to sync, None for all under way; a `style` of None is the settings'.

    `token` is that of the lease on the one slice named. With `resolve` a merge that would conflict
    is begun in the slice's worktree.
    """

    slice_ids: tuple[SliceId, ...] | None
    token: int | None = None
    goal_id: str | None = None
    style: SyncStyle | None = None
    resolve: bool = False


class Synced(Struct, frozen=True, kw_only=True):
    """A slice whose branch moved from one commit to another."""

    slice_id: SliceId
    old: Oid
    new: Oid


class SyncReport(Struct, frozen=True, kw_only=True):
    """What a sync did; `current` slices had all of the target before.

    `begun` are merges that it has left in the worktrees of slices, to be resolved there.
    """

    goal_id: str
    target: BranchName
    style: SyncStyle
    synced: tuple[Synced, ...]
    current: tuple[SliceId, ...]
    conflicted: tuple[Conflicted, ...]
    refused: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()
    begun: tuple[BegunMerge, ...] = ()


class _SyncInputs(Struct, frozen=True, kw_only=True):
    """What a sync decides by; `held` is the slice that the request's token is good for."""

    goal: Goal
    target: Oid
    snapshot: Snapshot
    records: Mapping[SliceId, SliceRecord]
    bases: UnmergedBases
    worktrees: Mapping[BranchName, tuple[Path, ...]]
    style: SyncStyle
    held: SliceId | None


class _Current(Struct, frozen=True):
    """A slice that has all of the target."""


class _Ready(Struct, frozen=True):
    """A slice that is to move, what comes to its worktrees, and which commits became which."""

    move: BranchMove
    arrival: Arrival
    rewritten: tuple[tuple[Oid, Oid], ...]


_Made = _Ready | Conflicted | BegunMerge | Problem | _Current


def sync(workspace: Workspace, request: SyncRequest) -> SyncReport:
    """Bring each wanted slice onto the target; one that cannot be stops no other.

    A slice without commits of its own is moved to the target, any other is rebased or takes the
    target in. All is made in memory first: on a conflict its branch and files stay as they are.
    """
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, *request.slice_ids or ())
        style = choose_sync_style(workspace, request.style, goal.plan.target)
        for _ in range(_ATTEMPTS):
            held = _require_lease(store, goal, request)
            inputs = _read_inputs(workspace, store, goal, style, held)
            made = _make_all(workspace, inputs, request.slice_ids)
            outcome = _move_slices(workspace, store, inputs, made, request)
            if isinstance(outcome, Moved):
                made |= _list_stuck(made, outcome)
                if request.resolve:
                    made |= _begin_merges(workspace, store, inputs, made)
                return _report(inputs, made, keep_notes(workspace.repo, _list_rewritten(made)))
            goal = choose_goal(workspace, store, request.goal_id, *request.slice_ids or ())
    raise BusyError("the slices keep moving", hint="try again later")


def sync_goals(workspace: Workspace, request: SyncRequest) -> Served[SyncReport]:
    """The same for the goal of the slices named, or for each that is under way."""
    return serve_goals(
        list_meant(workspace, request.goal_id, request.slice_ids),
        lambda goal_id: sync(workspace, structs.replace(request, goal_id=goal_id)),
    )


def _list_rewritten(made: Mapping[SliceId, _Made]) -> Iterator[tuple[Oid, Oid]]:
    return (pair for one in made.values() if isinstance(one, _Ready) for pair in one.rewritten)


def _require_lease(store: Store, goal: Goal, request: SyncRequest) -> SliceId | None:
    """The slice that the request's token is good for."""
    if request.token is None or request.slice_ids is None:
        return None
    slice_id = get_slice(goal, request.slice_ids[0]).slice_id
    require_lease(store, goal.goal_id, slice_id, request.token)
    return slice_id


def _read_inputs(
    workspace: Workspace, store: Store, goal: Goal, style: SyncStyle, held: SliceId | None
) -> _SyncInputs:
    snapshot = Snapshot(workspace, store, goal.plan)
    records = snapshot.records
    return _SyncInputs(
        goal=goal,
        target=snapshot.get_target(),
        snapshot=snapshot,
        records=records,
        bases=UnmergedBases(workspace, goal.plan, snapshot.get_target()),
        worktrees=find_branch_worktrees(workspace, [one.branch_name for one in records.values()]),
        style=style,
        held=held,
    )


def _make_all(
    workspace: Workspace, inputs: _SyncInputs, wanted: tuple[SliceId, ...] | None
) -> dict[SliceId, _Made]:
    """What becomes of each slice; what git cannot do to one keeps only that one back.

    Raises `GitError` where it fails with every slice: then it is not the slices.
    """
    made: dict[SliceId, _Made] = {}
    moved: dict[SliceId, Oid] = {}
    failures: list[GitError | GitLockedError] = []
    with open_merge_rules(workspace, inputs.goal, inputs.target) as rules:
        for slice_ in _choose_slices(inputs, wanted):
            try:
                one = _sync_slice(workspace, inputs, rules, slice_, moved)
                made[slice_.slice_id] = one
                if isinstance(one, _Ready):
                    moved[slice_.slice_id] = one.move.new
            except (GitError, GitLockedError) as error:
                failures.append(error)
                made[slice_.slice_id] = Problem(slice_.slice_id, error.message, error.hint)
    # A full disk, say, fails for each of them: told once, with its own exit code.
    if failures and len(failures) == len(made):
        raise failures[0]
    return made


def _choose_slices(inputs: _SyncInputs, wanted: tuple[SliceId, ...] | None) -> list[Slice]:
    if wanted is not None:
        store = inputs.snapshot.store
        ids = {get_planned(store, inputs.goal, id_).slice_id for id_ in wanted}
        return [one for one in inputs.goal.plan.slices if one.slice_id in ids]
    statuses = {one.slice_id: _find_status(inputs, one) for one in inputs.goal.plan.slices}
    return [
        one
        for one in inputs.goal.plan.slices
        if statuses[one.slice_id] not in {"planned", *FINISHED}
    ]


def _sync_slice(
    workspace: Workspace,
    inputs: _SyncInputs,
    rules: GoalMergeRules,
    slice_: Slice,
    moved: Mapping[SliceId, Oid],
) -> _Made:
    record = inputs.records.get(slice_.slice_id)
    tip = inputs.snapshot.find_tip(record) if record else None
    bar = find_bar(inputs.snapshot.find_faults(record), BARS_SYNC) if record else None
    fault = bar.problem if bar else None
    obstacle = find_sync_obstacle(slice_, _find_status(inputs, slice_), tip, fault)
    if obstacle is not None:
        return obstacle
    assert record is not None, "a slice without a record is an obstacle"  # noqa: S101
    assert tip is not None, "so is one without a branch"  # noqa: S101
    paths = inputs.worktrees.get(record.branch_name, ())
    stand = _find_stand(inputs, rules, slice_, record, tip, moved)
    if isinstance(stand, Problem):
        return stand
    if is_current(workspace.repo, record, tip, stand):
        return _Current()
    course = choose_course(workspace.repo, stand, inputs.style)
    signed = is_true(workspace.config.get("commit.gpgsign"))
    new = bring_commits(rules, inputs.goal.plan.target, record, tip, course, signed=signed)
    if not isinstance(new, Rebased):
        return new
    worktrees = read_branch_worktrees(workspace.repo, paths)
    changes = read_tree_changes(workspace.repo, tip, new.commit)
    problem = find_in_the_way(workspace.repo, record.slice_id, worktrees, changes)
    if problem is not None:
        return problem
    move = BranchMove(
        branch=record.branch_name,
        old=tip,
        new=new.commit,
        worktrees=tuple(str(one.path) for one in worktrees),
        changes=(_make_change(workspace, inputs, record, (tip, new.commit), course),),
    )
    arrival = Arrival(slice_id=record.slice_id, worktrees=worktrees, changes=changes)
    return _Ready(move, arrival, new.rewritten)


def _find_stand(
    inputs: _SyncInputs,
    rules: GoalMergeRules,
    slice_: Slice,
    record: SliceRecord,
    tip: Oid,
    moved: Mapping[SliceId, Oid],
) -> Stand | Problem:
    """What a slice is to stand on: its target, with what it waits for where it was started so."""
    plan, target = inputs.goal.plan, inputs.target
    unmerged = inputs.bases.find(record, tip, target, moved)
    # What a slice stood on may have been amended since: then it seems to be dropped.
    was_early = unmerged and (unmerged.early or (unmerged.is_dropped and plan.start != "merged"))
    footing = find_footing(inputs.snapshot, plan, slice_, moved) if was_early else ()
    commit = make_early_base(rules, target, footing)
    if isinstance(commit, Conflicted):
        return describe_footing_conflict(slice_.slice_id, commit.slice_id, commit.files)
    return Stand(commit=commit, target=target, footing=footing, unmerged=unmerged)


def _find_status(inputs: _SyncInputs, slice_: Slice) -> SliceStatus:
    """What a slice is to whoever syncs: its holder finds it free."""
    id_ = slice_.slice_id
    # A lease that has lapsed is its holder's still, until somebody else has the slice.
    leased = id_ in inputs.snapshot.leases and id_ != inputs.held
    return inputs.snapshot.settle(id_, leased=leased)


def _make_change(
    workspace: Workspace,
    inputs: _SyncInputs,
    record: SliceRecord,
    step: tuple[Oid, Oid],
    course: Course,
) -> SliceChange:
    old, new = step
    return SliceChange(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="synced",
        detail={"from": old, "to": new, "target": inputs.goal.plan.target, "style": course.style},
        base_commit=course.base,
    )


def _move_slices(
    workspace: Workspace,
    store: Store,
    inputs: _SyncInputs,
    made: Mapping[SliceId, _Made],
    request: SyncRequest,
) -> Moved | Outdated:
    """Under the lock, and if the slices are as they were read: move those that are to be moved."""
    ready = [one for one in made.values() if isinstance(one, _Ready)]
    basis = _make_basis(inputs, ready)
    with recover_and_lock(workspace, store):
        # Somebody else may have the slice by now.
        _require_lease(store, inputs.goal, request)
        if not is_as_before(workspace, store, basis):
            return Outdated()
        return move_branches(workspace, store, [one.move for one in ready], basis.records)


def _make_basis(inputs: _SyncInputs, ready: Sequence[_Ready]) -> MoveBasis:
    """What the moves rest on. The target may go on: the slices are then one sync behind."""
    return MoveBasis(
        goal=inputs.goal,
        records=tuple(inputs.records[one.arrival.slice_id] for one in ready),
        tips={one.move.branch: one.move.old for one in ready},
        worktrees={
            one.move.branch: tuple(Path(path) for path in one.move.worktrees) for one in ready
        },
        arrivals=tuple(one.arrival for one in ready),
    )


def _list_stuck(made: Mapping[SliceId, _Made], moved: Moved) -> dict[SliceId, _Made]:
    """The slices that could not follow; raise `BusyError` where that is all that was wanted."""
    if moved.stuck and len(moved.stuck) == len(made) and all(one.busy for one in moved.stuck):
        raise BusyError(moved.stuck[0].complaint, hint=INDEX_LOCK_HINT)
    ids = [one.move.changes[0].slice_id for one in moved.stuck]
    return {
        id_: Problem(id_, one.complaint, INDEX_LOCK_HINT if one.busy else None)
        for id_, one in zip(ids, moved.stuck, strict=True)
    }


def _begin_merges(
    workspace: Workspace, store: Store, inputs: _SyncInputs, made: Mapping[SliceId, _Made]
) -> dict[SliceId, _Made]:
    """The slices in conflict, with the merge under way in their worktrees; or why it is not."""
    return {
        id_: begin_merge(workspace, store, inputs.goal, inputs.records[id_])
        for id_, one in made.items()
        if isinstance(one, Conflicted)
    }


def _report(
    inputs: _SyncInputs, made: Mapping[SliceId, _Made], warnings: tuple[str, ...]
) -> SyncReport:
    return SyncReport(
        goal_id=inputs.goal.goal_id,
        target=inputs.goal.plan.target,
        style=inputs.style,
        synced=tuple(
            Synced(slice_id=id_, old=one.move.old, new=one.move.new)
            for id_, one in made.items()
            if isinstance(one, _Ready)
        ),
        current=tuple(id_ for id_, one in made.items() if isinstance(one, _Current)),
        conflicted=tuple(one for one in made.values() if isinstance(one, Conflicted)),
        begun=tuple(one for one in made.values() if isinstance(one, BegunMerge)),
        refused=tuple(one for one in made.values() if isinstance(one, Problem)),
        warnings=warnings,
    )
