"""Bring slices onto the current target, with their own commits on top or merged."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import BusyError, Problem
from gitslices.core.model import (
    FINISHED,
    BranchName,
    Oid,
    Slice,
    SliceId,
    SliceStatus,
    settle_status,
)
from gitslices.git.commits import read_commits, write_commit
from gitslices.git.compare import read_commit_changes, read_tree_changes
from gitslices.git.read import is_ancestor, is_true, read_tips
from gitslices.merging.branch_worktrees import (
    find_branch_worktrees,
    find_in_the_way,
    read_branch_worktrees,
)
from gitslices.merging.build import Conflicted, rebase_commits
from gitslices.merging.in_memory import GoalMergeRules, open_merge_rules
from gitslices.merging.move_branches import move_branches
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.merging import describe_unrelated_history, find_sync_obstacle
from gitslices.slices.leases import require_lease
from gitslices.slices.lookup import choose_goal, find_slice
from gitslices.slices.settings import choose_sync_style
from gitslices.slices.situation import find_landed
from gitslices.slices.target import read_target
from gitslices.state.journal import BranchMove
from gitslices.state.landings import SliceChange
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.system.settings import SyncStyle
from gitslices.workspace import Workspace

_ATTEMPTS = 100


class SyncRequest(Struct, frozen=True, kw_only=True):
    """The slices to sync, None for all under way; a `style` of None is the settings'.

    `token` is that of the lease on the one slice named.
    """

    slice_ids: tuple[SliceId, ...] | None
    token: int | None = None
    goal_id: str | None = None
    style: SyncStyle | None = None


class Synced(Struct, frozen=True, kw_only=True):
    """A slice whose branch moved from one commit to another."""

    slice_id: SliceId
    old: Oid
    new: Oid


class SyncReport(Struct, frozen=True, kw_only=True):
    """What a sync did; `current` slices had all of the target before."""

    goal_id: str
    target: BranchName
    style: SyncStyle
    synced: tuple[Synced, ...]
    current: tuple[SliceId, ...]
    conflicted: tuple[Conflicted, ...]
    refused: tuple[Problem, ...]


class _SyncInputs(Struct, frozen=True, kw_only=True):
    """What a sync decides by; `held` is the slice that the request's token is good for."""

    goal: Goal
    target: Oid
    records: Mapping[SliceId, SliceRecord]
    landed: frozenset[SliceId]
    tips: Mapping[BranchName, Oid]
    worktrees: Mapping[BranchName, tuple[Path, ...]]
    style: SyncStyle
    held: SliceId | None


class _Current(Struct, frozen=True):
    """A slice that has all of the target."""


class _Moved(Struct, frozen=True):
    """The slices were moved, but for those that could not follow."""

    stuck: Mapping[SliceId, Problem]


class _Outdated(Struct, frozen=True):
    """Nothing has moved: a slice is not as it was read."""


_Made = BranchMove | Conflicted | Problem | _Current


def sync(workspace: Workspace, request: SyncRequest) -> SyncReport:
    """Bring each wanted slice onto the target; one that cannot be stops no other.

    A slice without commits of its own is moved to the target, any other is rebased or takes the
    target in. All is made in memory first: on a conflict its branch and files stay as they are.
    """
    with workspace.open_store() as store:
        goal = choose_goal(store, request.goal_id)
        style = choose_sync_style(workspace, request.style, goal.plan.target)
        for _ in range(_ATTEMPTS):
            held = _require_lease(store, goal, request)
            inputs = _read_inputs(workspace, store, goal, style, held)
            made = dict(_make_commits(workspace, inputs, request.slice_ids))
            outcome = _move_slices(workspace, store, inputs, made, request)
            if isinstance(outcome, _Moved):
                return _report(inputs, {**made, **outcome.stuck})
    raise BusyError("the slices keep moving", hint="try again later")


def _require_lease(store: Store, goal: Goal, request: SyncRequest) -> SliceId | None:
    """The slice that the request's token is good for."""
    if request.token is None or request.slice_ids is None:
        return None
    slice_id = find_slice(goal, request.slice_ids[0]).slice_id
    require_lease(store, goal.goal_id, slice_id, request.token)
    return slice_id


def _read_inputs(
    workspace: Workspace, store: Store, goal: Goal, style: SyncStyle, held: SliceId | None
) -> _SyncInputs:
    records = store.read_slices(goal.goal_id)
    branches = [record.branch_name for record in records]
    return _SyncInputs(
        goal=goal,
        target=read_target(workspace.repo, goal.plan.target),
        records={record.slice_id: record for record in records},
        landed=find_landed(workspace, records, goal.plan.target),
        tips=read_tips(workspace.repo, branches),
        worktrees=find_branch_worktrees(workspace, branches),
        style=style,
        held=held,
    )


def _make_commits(
    workspace: Workspace, inputs: _SyncInputs, wanted: tuple[SliceId, ...] | None
) -> Iterator[tuple[SliceId, _Made]]:
    ids = {find_slice(inputs.goal, id_).slice_id for id_ in wanted or ()}
    with open_merge_rules(workspace, inputs.goal, inputs.target) as rules:
        for slice_ in inputs.goal.plan.slices:
            if wanted is None:
                status = _find_status(inputs, slice_)
                chosen = status != "planned" and status not in FINISHED
            else:
                chosen = slice_.slice_id in ids
            if chosen:
                yield slice_.slice_id, _sync_slice(workspace, inputs, rules, slice_)


def _sync_slice(
    workspace: Workspace, inputs: _SyncInputs, rules: GoalMergeRules, slice_: Slice
) -> _Made:
    record = inputs.records.get(slice_.slice_id)
    tip = inputs.tips.get(record.branch_name) if record else None
    obstacle = find_sync_obstacle(slice_, _find_status(inputs, slice_), tip)
    if obstacle is not None:
        return obstacle
    assert record is not None, "a slice without a record is an obstacle"  # noqa: S101
    assert tip is not None, "so is one without a branch"  # noqa: S101
    paths = inputs.worktrees.get(record.branch_name, ())
    own = Path(record.worktree_path)
    if own.is_dir() and own not in paths:
        why = f"its worktree is not on {record.branch_name!r}"
        return Problem(record.slice_id, why, "finish what is under way there, or switch it back")
    if is_ancestor(workspace.repo, inputs.target, tip):
        return _Current()
    new = _make_commit(workspace, inputs, rules, record, tip)
    if not isinstance(new, str):
        return new
    worktrees = read_branch_worktrees(workspace.repo, paths)
    changes = read_tree_changes(workspace.repo, tip, new)
    return find_in_the_way(workspace.repo, record.slice_id, worktrees, changes) or BranchMove(
        branch=record.branch_name,
        old=tip,
        new=new,
        worktrees=tuple(str(one.path) for one in worktrees),
        changes=(_make_change(workspace, inputs, record, tip, new),),
    )


def _find_status(inputs: _SyncInputs, slice_: Slice) -> SliceStatus:
    """What a slice is to whoever syncs: its holder finds it free."""
    id_ = slice_.slice_id
    record = inputs.records.get(id_)
    leased = record is not None and record.status == "claimed" and id_ != inputs.held
    return settle_status(
        record.status if record else None, leased=leased, landed=id_ in inputs.landed
    )


def _make_commit(
    workspace: Workspace, inputs: _SyncInputs, rules: GoalMergeRules, record: SliceRecord, tip: Oid
) -> Oid | Conflicted | Problem:
    repo, target = workspace.repo, inputs.target
    origin = rules.find_origin(tip, target)
    if origin is None:
        return describe_unrelated_history(
            record.slice_id, inputs.goal.plan.target, record.base_commit
        )
    if origin.commit == tip:
        return target
    changes = read_commit_changes(repo, repo.common_dir, tip, [origin])
    joined = rules.find_joined(origin, changes)
    merged = rules.merge(tip, target, joined)
    if merged.conflicts:
        return Conflicted(slice_id=record.slice_id, files=merged.conflicts)
    signed = is_true(workspace.config.get("commit.gpgsign"))
    if inputs.style == "merge":
        message = f"Merge branch '{inputs.goal.plan.target}' into {record.branch_name}\n"
        return write_commit(repo, merged.tree, [tip, target], message, signed=signed)
    commits = read_commits(repo, target, tip)
    rebased = rebase_commits(rules, commits, target, joined, signed=signed)
    if rebased is None or rebased[1] != merged.tree:
        why = "its commits cannot be put onto the target one by one"
        return Problem(record.slice_id, why, "take the target in whole: --style merge")
    return rebased[0]


def _make_change(
    workspace: Workspace, inputs: _SyncInputs, record: SliceRecord, old: Oid, new: Oid
) -> SliceChange:
    return SliceChange(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="synced",
        detail={"from": old, "to": new, "target": inputs.goal.plan.target, "style": inputs.style},
        base_commit=inputs.target,
    )


def _move_slices(
    workspace: Workspace,
    store: Store,
    inputs: _SyncInputs,
    made: Mapping[SliceId, _Made],
    request: SyncRequest,
) -> _Moved | _Outdated:
    """Under the lock, and if the slices are as they were read: move those that are to be moved."""
    moves = [one for one in made.values() if isinstance(one, BranchMove)]
    before = {move.branch: move.old for move in moves}
    with recover_and_lock(workspace, store):
        # Somebody else may have the slice by now.
        _require_lease(store, inputs.goal, request)
        now = {record.slice_id: record for record in store.read_slices(inputs.goal.goal_id)}
        ids = [move.changes[0].slice_id for move in moves]
        worktrees = find_branch_worktrees(workspace, before)
        if (
            read_tips(workspace.repo, before) != before
            or any(now.get(id_) != inputs.records[id_] for id_ in ids)
            or any(worktrees.get(one) != inputs.worktrees.get(one) for one in before)
        ):
            return _Outdated()
        stuck = move_branches(workspace, store, moves)
    complaints = {one.move.changes[0].slice_id: one.complaint for one in stuck}
    return _Moved({id_: Problem(id_, text) for id_, text in complaints.items()})


def _report(inputs: _SyncInputs, made: Mapping[SliceId, _Made]) -> SyncReport:
    return SyncReport(
        goal_id=inputs.goal.goal_id,
        target=inputs.goal.plan.target,
        style=inputs.style,
        synced=tuple(
            Synced(slice_id=id_, old=one.old, new=one.new)
            for id_, one in made.items()
            if isinstance(one, BranchMove)
        ),
        current=tuple(id_ for id_, one in made.items() if isinstance(one, _Current)),
        conflicted=tuple(one for one in made.values() if isinstance(one, Conflicted)),
        refused=tuple(one for one in made.values() if isinstance(one, Problem)),
    )
