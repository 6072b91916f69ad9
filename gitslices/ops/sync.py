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
from gitslices.git.commits import read_commit_tree, read_commits, write_commit
from gitslices.git.compare import read_commit_changes, read_tree_changes
from gitslices.git.index import INDEX_LOCK_HINT
from gitslices.git.read import is_ancestor, is_shallow, is_true
from gitslices.git.repository import Repository
from gitslices.merging.begin import BegunMerge, begin_merge
from gitslices.merging.branch_worktrees import (
    find_branch_worktrees,
    find_in_the_way,
    read_branch_worktrees,
)
from gitslices.merging.build import Conflicted, Rebased, keep_notes, rebase_commits
from gitslices.merging.in_memory import GoalMergeRules, open_merge_rules
from gitslices.merging.move_branches import Moved, Outdated, move_branches
from gitslices.merging.recheck import Arrival, MoveBasis, is_as_before
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.merging import (
    describe_own_conflicts,
    describe_unrelated_history,
    find_sync_obstacle,
)
from gitslices.rules.worktree_faults import BARS_SYNC, find_bar
from gitslices.slices.claims import require_lease
from gitslices.slices.goals import Served, choose_goal, list_meant, serve_goals
from gitslices.slices.lookup import get_planned, get_slice
from gitslices.slices.own_commits import UnmergedBase, find_unmerged_base, write_stand_in
from gitslices.slices.settings import choose_sync_style
from gitslices.slices.snapshot import Snapshot
from gitslices.state.journal import BranchMove
from gitslices.state.landings import SliceChange
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.system.settings import SyncStyle
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


class _Course(Struct, frozen=True):
    """How a slice comes to have the target: merged in memory with `onto`, in which style.

    `base` is what is recorded as its base then; None where that stays.
    """

    onto: Oid
    style: SyncStyle
    base: Oid | None


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
    failures: list[GitError | GitLockedError] = []
    with open_merge_rules(workspace, inputs.goal, inputs.target) as rules:
        for slice_ in _choose_slices(inputs, wanted):
            try:
                made[slice_.slice_id] = _sync_slice(workspace, inputs, rules, slice_)
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
    workspace: Workspace, inputs: _SyncInputs, rules: GoalMergeRules, slice_: Slice
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
    repo, target = workspace.repo, inputs.target
    unmerged = find_unmerged_base(repo, inputs.goal.plan, record.base_commit, tip, target)
    if _is_current(repo, record, tip, unmerged, target):
        return _Current()
    course = _choose_course(repo, inputs, unmerged)
    new = _make_commit(workspace, inputs, rules, record, tip, course)
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


def _find_status(inputs: _SyncInputs, slice_: Slice) -> SliceStatus:
    """What a slice is to whoever syncs: its holder finds it free."""
    id_ = slice_.slice_id
    # A lease that has lapsed is its holder's still, until somebody else has the slice.
    leased = id_ in inputs.snapshot.leases and id_ != inputs.held
    return inputs.snapshot.settle(id_, leased=leased)


def _is_current(
    repo: Repository, record: SliceRecord, tip: Oid, unmerged: UnmergedBase | None, target: Oid
) -> bool:
    if unmerged is None:
        return is_ancestor(repo, target, tip)
    # One that nobody has begun waits where the plan starts it until the target has come to it.
    return unmerged.planned and (tip == record.base_commit or is_ancestor(repo, target, tip))


def _choose_course(repo: Repository, inputs: _SyncInputs, unmerged: UnmergedBase | None) -> _Course:
    """The style asked for; but where the target has dropped the base, a merge would keep that."""
    if unmerged is None or (unmerged.planned and inputs.style == "merge"):
        return _Course(inputs.target, inputs.style, None if unmerged else inputs.target)
    onto = write_stand_in(repo, inputs.target, unmerged.commit)
    return _Course(onto, "rebase", inputs.target)


def _make_commit(
    workspace: Workspace,
    inputs: _SyncInputs,
    rules: GoalMergeRules,
    record: SliceRecord,
    tip: Oid,
    course: _Course,
) -> Rebased | Conflicted | Problem:
    repo, target, branch = workspace.repo, inputs.target, inputs.goal.plan.target
    origin = rules.find_origin(tip, course.onto)
    if origin is None:
        shallow = is_shallow(repo)
        return describe_unrelated_history(
            record.slice_id, branch, record.base_commit, shallow=shallow
        )
    # Nothing of its own: the target itself, and no merge commit that says nothing.
    if origin.commit == tip:
        return Rebased(target, read_commit_tree(repo, target))
    changes = read_commit_changes(repo, repo.common_dir, tip, [origin])
    joined = rules.find_joined(origin, changes)
    # As a whole first, for a rebase too: one by one, the first commit would hide what conflicts in
    # the later ones.
    merged = rules.merge(tip, course.onto, joined)
    if merged.conflicts and course.onto != target:
        return describe_own_conflicts(record.slice_id, branch, record.base_commit, merged.conflicts)
    if merged.conflicts:
        return Conflicted(slice_id=record.slice_id, files=merged.conflicts)
    signed = is_true(workspace.config.get("commit.gpgsign"))
    if course.style == "merge":
        message = f"Merge branch '{branch}' into {record.branch_name}\n"
        made = write_commit(repo, merged.tree, [tip, target], message, signed=signed)
        return Rebased(made, merged.tree)
    commits = read_commits(repo, course.onto, tip)
    rebased = rebase_commits(rules, commits, target, joined, signed=signed)
    # Put on one by one, commits can come to other files without any conflict.
    if rebased is None or rebased.tree != merged.tree:
        if course.onto != target:
            return describe_own_conflicts(record.slice_id, branch, record.base_commit, ())
        why = "its commits cannot be put onto the target one by one"
        return Problem(record.slice_id, why, "take the target in whole: --style merge")
    return rebased


def _make_change(
    workspace: Workspace,
    inputs: _SyncInputs,
    record: SliceRecord,
    step: tuple[Oid, Oid],
    course: _Course,
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
