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
from gitslices.merging.compose import Conflicted, rebase_commits
from gitslices.merging.in_memory import Merger, open_merger
from gitslices.merging.move_branches import (
    find_checkouts,
    find_in_the_way,
    look_at_checkouts,
    move_branches,
)
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.merging import describe_stranger, find_sync_obstacle
from gitslices.slices.leases import require_lease
from gitslices.slices.lookup import choose_goal, find_slice
from gitslices.slices.settings import choose_sync_style
from gitslices.slices.situation import find_landed
from gitslices.slices.target import read_target
from gitslices.state.journal import Move
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


class _Scene(Struct, frozen=True, kw_only=True):
    goal: Goal
    target: Oid
    records: Mapping[SliceId, SliceRecord]
    landed: frozenset[SliceId]
    tips: Mapping[BranchName, Oid]
    places: Mapping[BranchName, tuple[Path, ...]]
    style: SyncStyle
    held: SliceId | None


_Made = Move | Conflicted | Problem | None


def sync(workspace: Workspace, request: SyncRequest) -> SyncReport:
    """Bring each wanted slice onto the target; one that cannot be stops no other.

    A slice without commits of its own is moved to the target, any other is rebased or takes the
    target in. All is made in memory first: on a conflict its branch and files stay as they are.
    """
    style = choose_sync_style(workspace, request.style)
    with workspace.open_store() as store:
        goal = choose_goal(store, request.goal_id)
        for _ in range(_ATTEMPTS):
            held = _require_lease(store, goal, request)
            scene = _look(workspace, store, goal, style, held)
            made = dict(_prepare(workspace, scene, request.slice_ids))
            stuck = _move(workspace, store, scene, made, request)
            if stuck is not None:
                break
        else:
            raise BusyError("the slices keep moving", hint="try again later")
    return _report(scene, made | stuck)


def _require_lease(store: Store, goal: Goal, request: SyncRequest) -> SliceId | None:
    """The slice that the request's token is good for."""
    if request.token is None or request.slice_ids is None:
        return None
    slice_id = find_slice(goal, request.slice_ids[0]).slice_id
    require_lease(store, goal.goal_id, slice_id, request.token)
    return slice_id


def _look(
    workspace: Workspace, store: Store, goal: Goal, style: SyncStyle, held: SliceId | None
) -> _Scene:
    records = store.read_slices(goal.goal_id)
    branches = [record.branch_name for record in records]
    return _Scene(
        goal=goal,
        target=read_target(workspace.repo, goal.plan.target),
        records={record.slice_id: record for record in records},
        landed=find_landed(workspace, records, goal.plan.target),
        tips=read_tips(workspace.repo, branches),
        places=find_checkouts(workspace, branches),
        style=style,
        held=held,
    )


def _prepare(
    workspace: Workspace, scene: _Scene, wanted: tuple[SliceId, ...] | None
) -> Iterator[tuple[SliceId, _Made]]:
    ids = {find_slice(scene.goal, id_).slice_id for id_ in wanted or ()}
    with open_merger(workspace, scene.goal, scene.target) as merger:
        for slice_ in scene.goal.plan.slices:
            if wanted is None:
                status = _find_status(scene, slice_)
                chosen = status != "planned" and status not in FINISHED
            else:
                chosen = slice_.slice_id in ids
            if chosen:
                yield slice_.slice_id, _sync_one(workspace, scene, merger, slice_)


def _sync_one(workspace: Workspace, scene: _Scene, merger: Merger, slice_: Slice) -> _Made:
    record = scene.records.get(slice_.slice_id)
    tip = scene.tips.get(record.branch_name) if record else None
    obstacle = find_sync_obstacle(slice_, _find_status(scene, slice_), tip)
    if obstacle is not None or record is None or tip is None:
        return obstacle
    places = scene.places.get(record.branch_name, ())
    own = Path(record.worktree_path)
    if own.is_dir() and own not in places:
        why = f"its worktree is not on {record.branch_name!r}"
        return Problem(record.slice_id, why, "finish what is under way there, or switch it back")
    if is_ancestor(workspace.repo, scene.target, tip):
        return None
    new = _make_commit(workspace, scene, merger, record, tip)
    if not isinstance(new, str):
        return new
    checkouts = look_at_checkouts(workspace.repo, places)
    changes = read_tree_changes(workspace.repo, tip, new)
    return find_in_the_way(workspace.repo, record.slice_id, checkouts, changes) or Move(
        branch=record.branch_name,
        old=tip,
        new=new,
        worktrees=tuple(str(one.worktree) for one in checkouts),
        changes=(_describe(workspace, scene, record, tip, new),),
    )


def _find_status(scene: _Scene, slice_: Slice) -> SliceStatus:
    """What a slice is to whoever syncs: its holder finds it free."""
    id_ = slice_.slice_id
    record = scene.records.get(id_)
    leased = record is not None and record.status == "claimed" and id_ != scene.held
    return settle_status(
        record.status if record else None, leased=leased, landed=id_ in scene.landed
    )


def _make_commit(
    workspace: Workspace, scene: _Scene, merger: Merger, record: SliceRecord, tip: Oid
) -> Oid | Conflicted | Problem:
    repo, target = workspace.repo, scene.target
    origin = merger.find_origin(tip, target)
    if origin is None:
        return describe_stranger(record.slice_id, scene.goal.plan.target, record.base_commit)
    if origin.commit == tip:
        return target
    changes = read_commit_changes(repo, repo.common_dir, tip, [origin])
    merged = merger.merge(tip, target, changes)
    if merged.conflicts:
        return Conflicted(slice_id=record.slice_id, files=merged.conflicts)
    signed = is_true(workspace.config.get("commit.gpgsign"))
    if scene.style == "merge":
        message = f"Merge branch '{scene.goal.plan.target}' into {record.branch_name}\n"
        return write_commit(repo, merged.tree, [tip, target], message, signed=signed)
    commits = read_commits(repo, target, tip)
    rebased = rebase_commits(repo, merger, commits, target, changes, signed=signed)
    if rebased is None or rebased[1] != merged.tree:
        why = "its commits cannot be put onto the target one by one"
        return Problem(record.slice_id, why, "take the target in whole: --style merge")
    return rebased[0]


def _describe(
    workspace: Workspace, scene: _Scene, record: SliceRecord, old: Oid, new: Oid
) -> SliceChange:
    return SliceChange(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="synced",
        detail={"from": old, "to": new, "target": scene.goal.plan.target, "style": scene.style},
        base_commit=scene.target,
    )


def _move(
    workspace: Workspace,
    store: Store,
    scene: _Scene,
    made: Mapping[SliceId, _Made],
    request: SyncRequest,
) -> dict[SliceId, Problem] | None:
    """Move what is to be moved; return what could not follow, or None if a slice has changed."""
    moves = [one for one in made.values() if isinstance(one, Move)]
    before = {move.branch: move.old for move in moves}
    with recover_and_lock(workspace, store):
        # Somebody else may have the slice by now.
        _require_lease(store, scene.goal, request)
        now = {record.slice_id: record for record in store.read_slices(scene.goal.goal_id)}
        ids = [move.changes[0].slice_id for move in moves]
        places = find_checkouts(workspace, before)
        if (
            read_tips(workspace.repo, before) != before
            or any(now.get(id_) != scene.records[id_] for id_ in ids)
            or any(places.get(one) != scene.places.get(one) for one in before)
        ):
            return None
        stuck = move_branches(workspace, store, moves)
    return {
        one.move.changes[0].slice_id: Problem(one.move.changes[0].slice_id, one.complaint)
        for one in stuck
    }


def _report(scene: _Scene, made: Mapping[SliceId, _Made]) -> SyncReport:
    return SyncReport(
        goal_id=scene.goal.goal_id,
        target=scene.goal.plan.target,
        style=scene.style,
        synced=tuple(
            Synced(slice_id=id_, old=one.old, new=one.new)
            for id_, one in made.items()
            if isinstance(one, Move)
        ),
        current=tuple(id_ for id_, one in made.items() if one is None),
        conflicted=tuple(one for one in made.values() if isinstance(one, Conflicted)),
        refused=tuple(one for one in made.values() if isinstance(one, Problem)),
    )
