"""Slices taken away, one or all that have landed, and brought back while they are in the trash."""

from collections.abc import Sequence
from difflib import get_close_matches

from msgspec import Struct

from gitslices.core.errors import InputError, Problem, RefusedError, UnknownSliceError
from gitslices.core.model import GONE, BranchName, Oid, SliceId
from gitslices.ops.upkeep import start_emptying
from gitslices.recovery.recovery import recover_and_lock
from gitslices.remote.agreement import told
from gitslices.removal.candidates import Candidate, IsDisposable, find_candidates, find_disposable
from gitslices.removal.to_trash import trash_slices
from gitslices.removal.trash import find_undo_problems, restore_slices
from gitslices.repo_commands.background import end_background, resume_background
from gitslices.repo_commands.setup import SetupRequest, set_up
from gitslices.repo_commands.teardown import has_teardown, tear_down
from gitslices.rules.removal import find_expiry, find_removal_problems
from gitslices.slices.goals import choose_goal
from gitslices.slices.location import WorktreeMap
from gitslices.slices.lookup import get_goal, get_slice
from gitslices.slices.snapshot import Snapshot
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.state.trash import Trashed, read_trash
from gitslices.workspace import Workspace


class RemoveRequest(Struct, frozen=True, kw_only=True):
    """`force` removes uncommitted and unmerged work, too."""

    slice_id: SliceId
    goal_id: str | None = None
    force: bool = False


class RemoveReport(Struct, frozen=True, kw_only=True):
    """What was removed; `tip` is the last commit of its branch.

    `dropped` where that was not in the target: it is made again only once it is opened again.
    """

    goal_id: str
    slice_id: SliceId
    branch_name: BranchName
    worktree_path: str
    tip: str | None
    dropped: bool
    warnings: tuple[str, ...] = ()


@told
def remove(workspace: Workspace, request: RemoveRequest) -> RemoveReport:
    """Move one slice to the trash.

    Raises `RefusedError` for uncommitted, unmerged or locked work, `UnknownSliceError` for an id
    that no plan has had.
    """
    with workspace.open_store() as store:
        known = store.read_slices(request.goal_id)
        meant = [one for one in known if one.slice_id == request.slice_id]
        # Before the lock: a pattern of the user's may take for ever, and would keep out everybody.
        is_disposable = find_disposable(workspace, meant)
        warnings = _tear_down(workspace, store, request, is_disposable)
        with recover_and_lock(workspace, store):
            goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
            snapshot = Snapshot(workspace, store, goal.plan)
            record = _get_record(snapshot, goal, request.slice_id)
            (candidate,) = find_candidates(snapshot, [record], is_disposable)
            _refuse(candidate, force=request.force)
            # Looked at again right before the move: an agent may have saved a file since.
            for kept in trash_slices(workspace, store, [candidate]):
                _refuse(kept, force=request.force)
            start_emptying(workspace, store)
    warnings += end_background(workspace, [record])
    return RemoveReport(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        branch_name=record.branch_name,
        worktree_path=record.worktree_path,
        tip=candidate.tip,
        dropped=not candidate.facts.landed,
        warnings=warnings,
    )


def _tear_down(
    workspace: Workspace, store: Store, request: RemoveRequest, is_disposable: IsDisposable
) -> tuple[str, ...]:
    """Take away what set-up made outside of the worktree of a slice that may go."""
    goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
    target = goal.plan.target
    if not has_teardown(workspace, target):
        return ()
    snapshot = Snapshot(workspace, store, goal.plan)
    record = _get_record(snapshot, goal, request.slice_id)
    (candidate,) = find_candidates(snapshot, [record], is_disposable)
    _refuse(candidate, force=request.force)
    problems = tear_down(workspace, target, [record], force=request.force)
    if problems and not request.force:
        raise RefusedError(f"slice {record.slice_id!r} is not removed", problems=problems)
    return _list_warnings(problems)


def _list_warnings(problems: Sequence[Problem]) -> tuple[str, ...]:
    return tuple(f"{one.place}: {one.message}" for one in problems)


def _refuse(candidate: Candidate, *, force: bool) -> None:
    problems = find_removal_problems(candidate.facts, force=force)
    if problems:
        id_ = candidate.record.slice_id
        raise RefusedError(f"slice {id_!r} is not removed", problems=problems)


def _get_record(snapshot: Snapshot, goal: Goal, slice_id: SliceId) -> SliceRecord:
    record = snapshot.records.get(slice_id)
    if record is None:
        get_slice(goal, slice_id)
    if record is None or record.status in GONE:
        raise RefusedError(f"slice {slice_id!r} has no worktree and no branch to remove")
    return record


class PruneRequest(Struct, frozen=True, kw_only=True):
    """`goal_id` None means every goal; `dry_run` changes nothing."""

    goal_id: str | None = None
    force: bool = False
    dry_run: bool = False


class Pruned(Struct, frozen=True, kw_only=True):
    """A slice that was, or would be, removed, and what went with it."""

    goal_id: str
    slice_id: SliceId
    reason: str
    branch_name: BranchName
    worktree_path: str


class PruneReport(Struct, frozen=True, kw_only=True):
    """What went, and what would have gone but for work that would be lost."""

    removed: tuple[Pruned, ...]
    refused: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()


@told
def prune(workspace: Workspace, request: PruneRequest) -> PruneReport:
    """Move to the trash every slice that has landed or that its plan no longer has."""
    with workspace.open_store() as store:
        is_disposable = find_disposable(workspace, store.read_slices(request.goal_id))
        amiss = {} if request.dry_run else _tear_all_down(workspace, store, request, is_disposable)
        stays = {} if request.force else amiss
        with recover_and_lock(workspace, store):
            goals = _choose_goals(store, request.goal_id)
            prunable = _find_all_prunable(workspace, store, goals, is_disposable)
            prunable = [one for one in prunable if _name(one[0]) not in stays]
            looked_at = [candidate for candidate, _ in prunable]
            chosen = [one for one in looked_at if not _find_problems(one, request)]
            kept: tuple[Candidate, ...] = ()
            if not request.dry_run:
                kept = trash_slices(workspace, store, chosen)
                start_emptying(workspace, store)
    gone = [one.record for one in chosen if one not in kept] if not request.dry_run else []
    left = end_background(workspace, gone)
    # As they were at the move: what was written in between keeps a slice, and the report says so.
    now = {_name(one): one for one in (*looked_at, *kept)}
    return PruneReport(
        removed=tuple(
            Pruned(
                goal_id=one.record.goal_id,
                slice_id=one.record.slice_id,
                reason=reason,
                branch_name=one.record.branch_name,
                worktree_path=one.record.worktree_path,
            )
            for one, reason in prunable
            if not _find_problems(now[_name(one)], request)
        ),
        refused=(
            *(problem for one in looked_at for problem in _find_problems(now[_name(one)], request)),
            *stays.values(),
        ),
        warnings=(
            *_list_warnings([one for name, one in amiss.items() if name not in stays]),
            *left,
        ),
    )


def _tear_all_down(
    workspace: Workspace, store: Store, request: PruneRequest, is_disposable: IsDisposable
) -> dict[tuple[str, SliceId], Problem]:
    """Take away what set-up made outside of the worktrees that may go; where that failed."""
    amiss: dict[tuple[str, SliceId], Problem] = {}
    for goal in _choose_goals(store, request.goal_id):
        if not has_teardown(workspace, goal.plan.target):
            continue
        prunable = _find_all_prunable(workspace, store, [goal], is_disposable)
        records = [one.record for one, _ in prunable if not _find_problems(one, request)]
        problems = tear_down(workspace, goal.plan.target, records, force=request.force)
        amiss |= {(goal.goal_id, SliceId(one.place)): one for one in problems}
    return amiss


def _find_all_prunable(
    workspace: Workspace, store: Store, goals: Sequence[Goal], is_disposable: IsDisposable
) -> list[tuple[Candidate, str]]:
    worktrees = WorktreeMap(workspace)
    return [
        found
        for goal in goals
        for found in _find_prunable(
            Snapshot(workspace, store, goal.plan, worktrees=worktrees),
            is_disposable,
            closed=goal.closed_at is not None,
        )
    ]


def _name(candidate: Candidate) -> tuple[str, SliceId]:
    return candidate.record.goal_id, candidate.record.slice_id


def _find_problems(candidate: Candidate, request: PruneRequest) -> tuple[Problem, ...]:
    return find_removal_problems(candidate.facts, force=request.force)


def _choose_goals(store: Store, goal_id: str | None) -> list[Goal]:
    ids = store.read_goal_ids() if goal_id is None else (goal_id,)
    return [get_goal(store, id_) for id_ in ids]


def _find_prunable(
    snapshot: Snapshot, is_disposable: IsDisposable, *, closed: bool
) -> list[tuple[Candidate, str]]:
    records = [one for one in snapshot.records.values() if one.status not in GONE]
    planned = {slice_.slice_id for slice_ in snapshot.plan.slices}
    prunable = []
    for candidate in find_candidates(snapshot, records, is_disposable):
        if candidate.facts.landed:
            prunable.append((candidate, f"merged into {snapshot.plan.target}"))
        elif candidate.record.slice_id not in planned:
            prunable.append((candidate, "no longer in the plan"))
        elif closed:
            prunable.append((candidate, "its goal is closed"))
    return prunable


class UndoRequest(Struct, frozen=True, kw_only=True):
    """No `slice_id` means all that the latest removal took away."""

    slice_id: SliceId | None = None
    goal_id: str | None = None


class Undoable(Struct, frozen=True, kw_only=True):
    """A slice in the trash, and until when it is kept there."""

    goal_id: str
    slice_id: SliceId
    removed_at: str
    expires_at: str
    branch_name: BranchName
    worktree_path: str
    tip: Oid | None


class UndoReport(Struct, frozen=True, kw_only=True):
    """What was brought back; `warnings` where its set-up, run again, has not come through."""

    restored: tuple[Undoable, ...]
    warnings: tuple[str, ...] = ()


class TrashReport(Struct, frozen=True, kw_only=True):
    """What could be brought back, the oldest first."""

    trash: tuple[Undoable, ...]


def list_trash(workspace: Workspace, goal_id: str | None) -> TrashReport:
    """What the trash holds of one goal, or of all."""
    with workspace.open_store() as store:
        trashed = _select_goal(store, goal_id)
    return TrashReport(trash=tuple(_describe(one) for one in trashed))


@told
def undo(workspace: Workspace, request: UndoRequest) -> UndoReport:
    """Bring back what the latest removal took away, or the latest of one slice.

    Raises `RefusedError` for each branch or path that has been taken since, `UnknownSliceError`
    for a slice that is not in the trash.
    """
    with workspace.open_store() as store, recover_and_lock(workspace, store):
        chosen = _choose(_select_goal(store, request.goal_id), request.slice_id)
        removals = [one.removal for one in chosen]
        problems = find_undo_problems(workspace, store, removals)
        if problems:
            raise RefusedError("the removal cannot be undone; nothing changed", problems=problems)
        restore_slices(workspace, store, chosen[0].operation, removals)
    # Outside the lock: its commands may do anything.
    records = [one.removal.record for one in chosen]
    torn_down = [one for one in records if one.needs_setup]
    for one in records:
        resume_background(workspace, one)
    requests = [SetupRequest(goal_id=one.goal_id, slice_id=one.slice_id) for one in torn_down]
    reports = [set_up(workspace, one) for one in requests]
    return UndoReport(
        restored=tuple(_describe(one) for one in chosen),
        warnings=tuple(warning for report in reports for warning in report.warnings),
    )


def _select_goal(store: Store, goal_id: str | None) -> tuple[Trashed, ...]:
    trashed = read_trash(store)
    if goal_id is None:
        return tuple(trashed)
    own = tuple(one for one in trashed if one.removal.record.goal_id == goal_id)
    if not own:
        get_goal(store, goal_id)
    return own


def _choose(trashed: Sequence[Trashed], slice_id: SliceId | None) -> tuple[Trashed, ...]:
    if not trashed:
        raise RefusedError(
            "the trash is empty: there is nothing to undo", hint="see: gitslices log"
        )
    if slice_id is None:
        return tuple(one for one in trashed if one.operation == trashed[-1].operation)
    own = [one for one in trashed if one.removal.record.slice_id == slice_id]
    if not own:
        known = sorted({str(one.removal.record.slice_id) for one in trashed})
        near = get_close_matches(slice_id, known, n=1)
        raise UnknownSliceError(
            f"slice {slice_id!r} is not in the trash",
            hint=f"the nearest is {near[0]!r}" if near else "see: gitslices undo --list",
        )
    goals = sorted({one.removal.record.goal_id for one in own})
    if len(goals) > 1:
        raise InputError(
            f"slice {slice_id!r} was removed from {len(goals)} goals: {', '.join(goals)}",
            hint="name one with --goal ID",
        )
    return (own[-1],)


def _describe(trashed: Trashed) -> Undoable:
    record = trashed.removal.record
    return Undoable(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        removed_at=trashed.at,
        expires_at=find_expiry(trashed.at).strftime("%Y-%m-%dT%H:%M:%SZ"),
        branch_name=record.branch_name,
        worktree_path=record.worktree_path,
        tip=trashed.removal.tip,
    )
