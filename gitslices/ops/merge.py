"""Merge finished slices into the target: in memory first, then by moving one branch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import UNSET, Struct, UnsetType, structs

from gitslices.core.errors import BusyError, GitError, GitLockedError, Problem, RefusedError
from gitslices.core.model import FINISHED, BranchName, Oid, SliceId
from gitslices.core.naming import list_some, show_path
from gitslices.git.index import INDEX_LOCK_HINT
from gitslices.git.read import find_tip
from gitslices.git.remotes import (
    Declined,
    Overtaken,
    RemoteBranch,
    fetch_branches,
    find_remote_branch,
    push_branch,
)
from gitslices.git.repository import run_hook
from gitslices.merging.attempt import REMEDY, MergeAttempt, try_merges
from gitslices.merging.build import BuiltMerge, Conflicted, keep_notes
from gitslices.merging.follow_remote import (
    LeftBehind,
    describe_left_behind,
    find_follower,
    follow_remote,
)
from gitslices.merging.inputs import MergeInputs, read_merge_inputs
from gitslices.merging.move_branches import Outdated, StuckMove, move_branches
from gitslices.merging.recheck import Arrival, MoveBasis, are_as_recorded, is_as_before
from gitslices.merging.rerun_gates import MergedGates
from gitslices.ops.forward import Forwarded, forward_freed
from gitslices.ops.scope_requests import grant_landed
from gitslices.recovery.recovery import recover_and_lock
from gitslices.repo_commands.notify import Notice, notify
from gitslices.rules.merging import describe_conflict
from gitslices.rules.progress import Landed
from gitslices.slices.attempts import list_attempts, record_failure
from gitslices.slices.goals import Served, choose_goal, list_meant, serve_goals
from gitslices.slices.settings import choose_merge_style
from gitslices.state.journal import BranchMove
from gitslices.state.landings import SliceChange, record_changes, write_conflict
from gitslices.state.store import Goal, Store
from gitslices.system.settings_tables import MergeStyle
from gitslices.workspace import Workspace

# Each attempt that is lost is somebody else's success: so many in a row are hardly chance.
_ATTEMPTS = 100
_MOST_TOUCHED = 10_000
"""Files of one slice that are kept to tell how well its scope was declared."""


class MergeRequest(Struct, frozen=True, kw_only=True):
    """The slices to merge, None for all that are done; a `style` of None is the settings'."""

    slice_ids: tuple[SliceId, ...] | None
    goal_id: str | None = None
    style: MergeStyle | None = None


class MergedSlice(Struct, frozen=True, kw_only=True):
    """A slice that was merged, and the target's commit that took it in.

    `empty` where the target had all of it already; then that is the commit it was at.
    """

    slice_id: SliceId
    commit: Oid
    empty: bool | UnsetType = UNSET


class MergeReport(Struct, frozen=True, kw_only=True):
    """What a merge did; `refused` are slices that were not tried, with the reason.

    `forwarded` are slices that had waited for these, brought forward to the new target.
    """

    goal_id: str
    target: BranchName
    style: MergeStyle
    merged: tuple[MergedSlice, ...]
    conflicted: tuple[Conflicted, ...]
    refused: tuple[Problem, ...]
    forwarded: tuple[SliceId, ...]
    warnings: tuple[str, ...]


class _Landed(Struct, frozen=True):
    """The target is where the merge ends, and all is recorded."""

    inputs: MergeInputs
    attempt: MergeAttempt


_Outcome = _Landed | Outdated | StuckMove


def merge(workspace: Workspace, request: MergeRequest) -> MergeReport:
    """Merge what is wanted in the order of the plan; one that cannot be merged stops no other.

    Nothing is locked while git merges and signs and gates run again on what it has made. Then the
    target moves, once for all slices, if it is where the merge began; else all is done again on the
    new one. Raises `UntrustedError` for gates to be run again that have not been approved,
    `RefusedError` where a worktree that has the target checked out cannot follow after all.
    """
    with workspace.open_store() as store:
        landed = _merge_until_landed(workspace, store, request)
        inputs, attempt = landed.inputs, landed.attempt
        moved = attempt.head != inputs.target
        warnings = keep_notes(
            workspace.repo, (pair for built in attempt.built for pair in built.rewritten)
        )
        forwarded = Forwarded()
        if moved:
            # After the lock is free: a hook of the project takes its time, and may call gitslices
            # itself.
            tops = [one.path for one in inputs.worktrees]
            if inputs.there is not None:
                more, tops = _follow(workspace, store, inputs.there, attempt.head)
                warnings += more
            warnings += _run_post_merge(workspace, tops, attempt.style)
            merged = frozenset(one.candidate.slice.slice_id for one in attempt.built)
            forwarded = forward_freed(workspace.without_wait(), store, inputs.goal, merged)
        if moved:
            grant_landed(workspace, store)
        notices = tuple(_list_notices(store, inputs, attempt))
    for notice in notices:
        warnings += notify(workspace, notice, inputs.goal.plan.target)
    return MergeReport(
        goal_id=inputs.goal.goal_id,
        target=inputs.goal.plan.target,
        style=attempt.style,
        merged=_list_merged(inputs.target, attempt.built),
        conflicted=attempt.conflicted,
        refused=attempt.refused,
        forwarded=forwarded.slice_ids,
        warnings=(*warnings, *forwarded.warnings),
    )


def _list_notices(store: Store, inputs: MergeInputs, attempt: MergeAttempt) -> Iterator[Notice]:
    """What a person should hear of: conflicts that are new, and that the goal is finished."""
    goal = inputs.goal
    for one in attempt.conflicted:
        if inputs.records[one.slice_id].status != "conflicted":
            files = list_some([show_path(path) for path in one.files])
            yield Notice(
                event="conflicted", goal_id=goal.goal_id, slice_id=one.slice_id, text=files
            )
    records = store.read_slices(goal.goal_id)
    finished = {record.slice_id for record in records if record.status in FINISHED}
    if attempt.built and finished.issuperset(one.slice_id for one in goal.plan.slices):
        yield Notice(event="finished", goal_id=goal.goal_id, text="all slices are merged")


def merge_goals(workspace: Workspace, request: MergeRequest) -> Served[MergeReport]:
    """The same for the goal of the slices named, or for each that is under way."""
    return serve_goals(
        list_meant(workspace, request.goal_id, request.slice_ids),
        lambda goal_id: merge(workspace, structs.replace(request, goal_id=goal_id)),
    )


def _merge_until_landed(workspace: Workspace, store: Store, request: MergeRequest) -> _Landed:
    """Read, merge in memory, land; again from the start while something moves meanwhile.

    Whether files can follow costs a dry run for every slice. So git is asked only when they could
    not: then those that are in the way are left out.
    """
    dry_run = False
    for _ in range(_ATTEMPTS):
        goal = choose_goal(workspace, store, request.goal_id, *request.slice_ids or ())
        there = find_remote_branch(workspace.repo, workspace.config, goal.plan.target)
        if there is not None:
            fetch_branches(workspace.repo, [there], workspace.access)
        style = choose_merge_style(workspace, request.style, goal.plan.target)
        gates = MergedGates(workspace, store, goal)
        inputs = read_merge_inputs(workspace, store, goal, request.slice_ids)
        attempt = try_merges(workspace, store, inputs, style, gates, dry_run=dry_run)
        land = _land if inputs.there is None else _land_there
        outcome = land(workspace, store, inputs, attempt)
        if isinstance(outcome, _Landed):
            return outcome
        if isinstance(outcome, StuckMove):
            _refuse_stuck(goal, outcome, dry_run=dry_run)
            dry_run = True
    raise BusyError(f"{goal.plan.target} keeps moving", hint="try again later")


def _refuse_stuck(goal: Goal, stuck: StuckMove, *, dry_run: bool) -> None:
    """Raise where another attempt would come to the same: after a dry run, beside another git."""
    if stuck.busy:
        raise BusyError(stuck.complaint, hint=INDEX_LOCK_HINT)
    if dry_run:
        target = goal.plan.target
        why = f"a worktree that has {target} checked out cannot follow: {stuck.complaint}"
        raise RefusedError(why, hint=REMEDY)


def _land(
    workspace: Workspace, store: Store, inputs: MergeInputs, attempt: MergeAttempt
) -> _Outcome:
    """Under the lock, and if all is as it was read: move the target and record everything."""
    with recover_and_lock(workspace, store):
        if not is_as_before(workspace, store, _make_basis(inputs, attempt)):
            return Outdated()
        outcome = _move_target(workspace, store, inputs, attempt)
        if isinstance(outcome, _Landed):
            _record_conflicts(workspace, store, inputs, attempt.conflicted)
    return outcome


def _land_there(
    workspace: Workspace, store: Store, inputs: MergeInputs, attempt: MergeAttempt
) -> _Outcome:
    """The same where the target is a remote's branch: it is pushed, and nothing is locked then.

    A kill after the push leaves nothing to complete: that the slices are merged shows by itself.
    """
    there = inputs.there
    assert there is not None, "told apart before"  # noqa: S101
    basis = _make_basis(inputs, attempt)
    with recover_and_lock(workspace, store):
        if not is_as_before(workspace, store, basis):
            return Outdated()
    if attempt.head != inputs.target:
        top = workspace.main_worktree or workspace.repo.worktree
        outcome = push_branch(
            workspace.repo, there, new=attempt.head, old=inputs.target, access=workspace.access,
            worktree=top,
        )  # fmt: skip
        if isinstance(outcome, Overtaken):
            return Outdated()
        if isinstance(outcome, Declined):
            raise RefusedError(
                f"{there.remote} does not take the merge into {there.branch}: {outcome.reason}",
                hint=f"nothing has moved; see what it asks for: git push {there.remote}",
            )
    changes = [_make_change(workspace, inputs.goal, one, attempt.style) for one in attempt.built]
    with recover_and_lock(workspace, store):
        with store.transaction():
            # One that was claimed meanwhile is its holder's, and landed all the same.
            record_changes(
                store,
                [one for one in changes if are_as_recorded(store, [inputs.records[one.slice_id]])],
            )
        _record_conflicts(workspace, store, inputs, attempt.conflicted)
    return _Landed(inputs, attempt)


def _make_basis(inputs: MergeInputs, attempt: MergeAttempt) -> MoveBasis:
    """What the attempt rests on: its slices and those they wait for, the target, its worktrees."""
    target = inputs.goal.plan.target
    built = [one.candidate.slice for one in attempt.built]
    ids = [one.slice_id for one in built] + [one.slice_id for one in attempt.conflicted]
    touched = [inputs.records[id_] for id_ in ids]
    needed = {id_ for one in built for id_ in one.dependencies} - set(ids)
    tips = {inputs.records[id_].branch_name: inputs.candidates[id_].tip for id_ in ids}
    return MoveBasis(
        goal=inputs.goal,
        records=(*touched, *(inputs.records[id_] for id_ in needed if id_ in inputs.records)),
        # Where the target is a remote's, the remote compares.
        tips={branch: tip for branch, tip in tips.items() if tip}
        | ({} if inputs.there else {target: inputs.target}),
        worktrees={} if inputs.there else {target: tuple(one.path for one in inputs.worktrees)},
        arrivals=tuple(
            Arrival(
                slice_id=one.candidate.slice.slice_id,
                worktrees=inputs.worktrees,
                changes=one.changes,
            )
            for one in attempt.built
        ),
        proven=tuple(inputs.records[one.slice_id] for one in built),
    )


def _move_target(
    workspace: Workspace, store: Store, inputs: MergeInputs, attempt: MergeAttempt
) -> _Outcome:
    target, landed = inputs.goal.plan.target, _Landed(inputs, attempt)
    changes = [_make_change(workspace, inputs.goal, one, attempt.style) for one in attempt.built]
    expected = [inputs.records[one.slice_id] for one in changes]
    # Nothing moves, so nothing can be cut short: the store alone is written, without an intent.
    if attempt.head == inputs.target:
        with store.transaction():
            if not are_as_recorded(store, expected):
                return Outdated()
            record_changes(store, changes)
        return landed
    move = BranchMove(
        branch=target,
        old=inputs.target,
        new=attempt.head,
        worktrees=tuple(str(one.path) for one in inputs.worktrees),
        changes=tuple(changes),
    )
    try:
        outcome = move_branches(workspace, store, [move], expected)
    except (GitError, GitLockedError):
        # Not every git takes the topology lock: a commit there moves the target all the same.
        if find_tip(workspace.repo, target) == inputs.target:
            raise
        return Outdated()
    if isinstance(outcome, Outdated) or not outcome.stuck:
        return outcome if isinstance(outcome, Outdated) else landed
    # What git complains of may come from the target having gone on, and then means nothing.
    return outcome.stuck[0] if find_tip(workspace.repo, target) == inputs.target else Outdated()


def _make_change(
    workspace: Workspace, goal: Goal, built: BuiltMerge, style: MergeStyle
) -> SliceChange:
    landed = built.candidate.landed or Landed(by="merge")
    return SliceChange(
        at=workspace.now(),
        goal_id=goal.goal_id,
        slice_id=built.candidate.slice.slice_id,
        event="merged",
        detail={"target": goal.plan.target, "commit": built.commit, "style": style},
        status="merged",
        tip=built.candidate.tip,
        landed_as=landed.commit or built.commit,
        landed_by=landed.by,
        touched=tuple(show_path(change.path) for change in built.changes[:_MOST_TOUCHED]),
    )


def _record_conflicts(
    workspace: Workspace, store: Store, inputs: MergeInputs, conflicted: Sequence[Conflicted]
) -> None:
    """Record the files; but a slice that somebody has claimed meanwhile stays that one's."""
    goal_id = inputs.goal.goal_id
    with store.transaction():
        for one in conflicted:
            if not are_as_recorded(store, [inputs.records[one.slice_id]]):
                continue
            write_conflict(store, goal_id, one.slice_id, one.files)
            if attempts := list_attempts(store, goal_id, one.slice_id):
                told = describe_conflict(inputs.goal.plan.target, one.slice_id, one.files)
                record_failure(
                    workspace, store, attempts[-1], "conflict", told, conflicts=one.files
                )
            change = SliceChange(
                at=workspace.now(),
                goal_id=goal_id,
                slice_id=one.slice_id,
                event="conflicted",
                detail={"files": [show_path(path) for path in one.files]},
                status="conflicted",
            )
            record_changes(store, [change])


def _follow(
    workspace: Workspace, store: Store, there: RemoteBranch, new: Oid
) -> tuple[tuple[str, ...], list[Path]]:
    """Bring the local branch along; what is to be said of it, and the worktrees that went on."""
    branch = find_follower(workspace.repo, there)
    if branch is None:
        return (), []
    with recover_and_lock(workspace, store):
        outcome = follow_remote(workspace, store, branch, new)
    if isinstance(outcome, LeftBehind):
        return (describe_left_behind(outcome, there),), []
    return (), list(outcome.worktrees) if outcome else []


def _run_post_merge(
    workspace: Workspace, worktrees: Sequence[Path], style: MergeStyle
) -> tuple[str, ...]:
    """Run `post-merge` where the target is checked out, as `git merge` does after its work."""
    squashed = "1" if style == "squash" else "0"
    complaints = (
        run_hook(workspace.repo, worktree, "post-merge", squashed) for worktree in worktrees
    )
    return tuple(f"the post-merge hook failed: {one}" for one in complaints if one)


def _list_merged(target: Oid, built: Sequence[BuiltMerge]) -> tuple[MergedSlice, ...]:
    heads = [target, *(one.commit for one in built)]
    return tuple(
        MergedSlice(
            slice_id=one.candidate.slice.slice_id,
            commit=one.commit,
            empty=one.commit == before or UNSET,
        )
        # One more head than slices: each stands beside what it was merged onto.
        for before, one in zip(heads, built, strict=False)
    )
