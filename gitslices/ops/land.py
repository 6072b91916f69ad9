"""A merge that was made in memory becomes the target, here or on a remote, and is recorded."""

from collections.abc import Sequence

from msgspec import Struct

from gitslices.core.errors import GitError, GitLockedError, RefusedError
from gitslices.core.naming import show_path
from gitslices.git.read import find_tip
from gitslices.git.remotes import (
    Declined,
    Overtaken,
    Pushed,
    push_branch,
    read_branches_there,
)
from gitslices.merging.attempt import MergeAttempt
from gitslices.merging.build import BuiltMerge, Conflicted
from gitslices.merging.inputs import MergeInputs
from gitslices.merging.move_branches import Outdated, StuckMove, move_branches
from gitslices.merging.recheck import Arrival, MoveBasis, are_as_recorded, is_as_before
from gitslices.recovery.recovery import recover_and_lock
from gitslices.remote.agreement import OvertakenError, push_with_branch
from gitslices.remote.state_ref import PushSpec
from gitslices.rules.merging import describe_conflict
from gitslices.rules.progress import Landed
from gitslices.slices.attempts import list_attempts, record_failure
from gitslices.state.journal import BranchMove
from gitslices.state.landings import SliceChange, record_changes, write_conflict
from gitslices.state.sharing import list_shared_goals
from gitslices.state.store import Goal, Store
from gitslices.system.settings_tables import MergeStyle
from gitslices.workspace import Workspace

_MOST_TOUCHED = 10_000
"""Files of one slice that are kept to tell how well its scope was declared."""


class LandedMerge(Struct, frozen=True):
    """The target is where the merge ends, and all is recorded."""

    inputs: MergeInputs
    attempt: MergeAttempt


LandOutcome = LandedMerge | Outdated | StuckMove


def land(
    workspace: Workspace, store: Store, inputs: MergeInputs, attempt: MergeAttempt
) -> LandOutcome:
    """Move the target to where the merge ends, if all is as it was read, and record everything."""
    if inputs.there is None:
        return _land_here(workspace, store, inputs, attempt)
    return _land_there(workspace, store, inputs, attempt)


def _land_here(
    workspace: Workspace, store: Store, inputs: MergeInputs, attempt: MergeAttempt
) -> LandOutcome:
    """Under the lock, and if all is as it was read: move the target and record everything."""
    with recover_and_lock(workspace, store):
        if not is_as_before(workspace, store, _make_basis(inputs, attempt)):
            return Outdated()
        outcome = _move_target(workspace, store, inputs, attempt)
        if isinstance(outcome, LandedMerge):
            _record_conflicts(workspace, store, inputs, attempt.conflicted)
    return outcome


def _land_there(
    workspace: Workspace, store: Store, inputs: MergeInputs, attempt: MergeAttempt
) -> LandOutcome:
    """The same where the target is a remote's branch: it is pushed, and nothing is locked then.

    A kill after the push leaves nothing to complete: that the slices are merged shows by itself.
    """
    there = inputs.there
    assert there is not None, "told apart before"  # noqa: S101
    basis = _make_basis(inputs, attempt)
    with recover_and_lock(workspace, store):
        if not is_as_before(workspace, store, basis):
            return Outdated()
    changes = [_make_change(workspace, inputs.goal, one, attempt.style) for one in attempt.built]
    if attempt.head != inputs.target:
        outcome = _push_there(workspace, store, inputs, attempt, changes)
        if isinstance(outcome, Overtaken):
            return Outdated()
        if isinstance(outcome, Declined):
            raise RefusedError(
                f"{there.remote} does not take the merge into {there.branch}: {outcome.reason}",
                hint=f"nothing has moved; see what it asks for: git push {there.remote}; "
                "where only reviewed changes may come in: gitslices publish",
            )
    with recover_and_lock(workspace, store):
        with store.transaction():
            # One that was claimed meanwhile is its holder's, and landed all the same.
            record_changes(
                store,
                [one for one in changes if are_as_recorded(store, [inputs.records[one.slice_id]])],
            )
        _record_conflicts(workspace, store, inputs, attempt.conflicted)
    return LandedMerge(inputs, attempt)


def _push_there(
    workspace: Workspace,
    store: Store,
    inputs: MergeInputs,
    attempt: MergeAttempt,
    changes: Sequence[SliceChange],
) -> Pushed | Overtaken | Declined:
    """Push the target, with the state of a goal that is shared: both move, or neither does."""
    repo, there, access = workspace.repo, inputs.there, workspace.access
    assert there is not None, "told apart before"  # noqa: S101
    top = workspace.main_worktree or repo.worktree
    if inputs.goal.goal_id not in list_shared_goals(store):
        return push_branch(
            repo, there, new=attempt.head, old=inputs.target, access=access, worktree=top
        )
    expected = [inputs.records[one.slice_id] for one in changes]

    def write() -> None:
        if not are_as_recorded(store, expected):
            raise OvertakenError("a slice has been taken meanwhile", hint="try again")
        record_changes(store, changes)

    branch = PushSpec(name=there.branch, new=attempt.head, worktree=top)
    refused = push_with_branch(workspace, store, branch, write)
    if refused is None:
        return Pushed()
    tips = read_branches_there(repo, there.remote, [there.branch], access)
    moved = tips.get(there.branch) != inputs.target
    return Overtaken() if moved else Declined(refused.reason)


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
        tips={branch: tip for branch, tip in tips.items() if tip and branch not in inputs.elsewhere}
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
) -> LandOutcome:
    target, landed = inputs.goal.plan.target, LandedMerge(inputs, attempt)
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
