"""Merge finished slices into the target: in memory first, then by moving one branch."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from gitslices.core.errors import BusyError, GitError, GitLockedError, Problem, RefusedError
from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.core.naming import show_path
from gitslices.git.hooks import run_hook
from gitslices.git.read import find_tip, read_tips
from gitslices.merging.attempt import REMEDY, MergeAttempt, try_merges
from gitslices.merging.branch_worktrees import BranchWorktree, find_in_the_way
from gitslices.merging.build import BuiltMerge, Conflicted
from gitslices.merging.inputs import MergeInputs, find_target_worktrees, read_merge_inputs
from gitslices.merging.move_branches import move_branches
from gitslices.merging.rerun_gates import MergedGates
from gitslices.ops.forward import Forwarded, forward_slices
from gitslices.recovery.recovery import recover_and_lock
from gitslices.slices.lookup import choose_goal
from gitslices.slices.settings import choose_merge_style
from gitslices.state.journal import BranchMove
from gitslices.state.landings import SliceChange, record_changes, write_conflict
from gitslices.state.store import Goal, Store
from gitslices.system.settings import MergeStyle
from gitslices.workspace import Workspace

_ATTEMPTS = 100


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

    `forwarded` are slices nobody has begun, brought forward to the new target.
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


class _Outdated(Struct, frozen=True):
    """Nothing has moved: what the merge was made from is not so any more."""


class _Stuck(Struct, frozen=True):
    """Nothing has moved: the files of a worktree could not follow, and git's word on it."""

    complaint: str


def merge(workspace: Workspace, request: MergeRequest) -> MergeReport:
    """Merge what is wanted in the order of the plan; one that cannot be merged stops no other.

    Nothing is locked while git merges and signs and gates run again on what it has made. Then the
    target moves, once for all slices, if it is where the merge began; else all is done again on the
    new one. Raises `UntrustedError` for gates to be run again that have not been approved,
    `RefusedError` where a worktree that has the target checked out cannot follow after all.
    """
    with workspace.open_store() as store:
        goal = choose_goal(store, request.goal_id)
        style = choose_merge_style(workspace, request.style, goal.plan.target)
        landed = _merge_until_landed(workspace, store, goal, request, style)
        inputs, attempt = landed.inputs, landed.attempt
        moved = attempt.head != inputs.target
        warnings = _run_post_merge(workspace, inputs.worktrees, style) if moved else ()
        forwarded = forward_slices(workspace, store, goal) if moved else Forwarded()
    return MergeReport(
        goal_id=goal.goal_id,
        target=goal.plan.target,
        style=style,
        merged=_list_merged(inputs.target, attempt.built),
        conflicted=attempt.conflicted,
        refused=attempt.refused,
        forwarded=forwarded.slice_ids,
        warnings=(*warnings, *forwarded.warnings),
    )


def _merge_until_landed(
    workspace: Workspace, store: Store, goal: Goal, request: MergeRequest, style: MergeStyle
) -> _Landed:
    """Read, merge in memory, land; again from the start while something moves meanwhile.

    Whether files can follow costs a dry run for every slice. So git is asked only when they could
    not: then those that are in the way are left out.
    """
    gates = MergedGates(workspace, store, goal)
    dry_run = False
    for _ in range(_ATTEMPTS):
        inputs = read_merge_inputs(workspace, store, goal, request.slice_ids)
        attempt = try_merges(workspace, store, inputs, style, gates, dry_run=dry_run)
        match _land(workspace, store, inputs, attempt, style):
            case _Landed() as landed:
                return landed
            case _Stuck(complaint) if dry_run:
                raise RefusedError(
                    f"a worktree that has {goal.plan.target} checked out cannot follow: "
                    f"{complaint}",
                    hint=REMEDY,
                )
            case _Stuck():
                dry_run = True
            case _Outdated():
                pass
    raise BusyError(f"{goal.plan.target} keeps moving", hint="try again later")


def _land(
    workspace: Workspace,
    store: Store,
    inputs: MergeInputs,
    attempt: MergeAttempt,
    style: MergeStyle,
) -> _Landed | _Outdated | _Stuck:
    """Under the lock, and if all is as it was read: move the target and record everything."""
    with recover_and_lock(workspace, store):
        if not _is_as_before(workspace, store, inputs, attempt):
            return _Outdated()
        outcome = _move_target(workspace, store, inputs, attempt, style)
        if isinstance(outcome, _Landed):
            _record_conflicts(workspace, store, inputs.goal, attempt.conflicted)
    return outcome


def _move_target(
    workspace: Workspace,
    store: Store,
    inputs: MergeInputs,
    attempt: MergeAttempt,
    style: MergeStyle,
) -> _Landed | _Outdated | _Stuck:
    target = inputs.goal.plan.target
    changes = tuple(_make_change(workspace, inputs.goal, one, style) for one in attempt.built)
    if attempt.head == inputs.target:
        with store.transaction():
            record_changes(store, changes)
        return _Landed(inputs, attempt)
    move = BranchMove(
        branch=target,
        old=inputs.target,
        new=attempt.head,
        worktrees=tuple(str(one.path) for one in inputs.worktrees),
        changes=changes,
    )
    try:
        stuck = move_branches(workspace, store, [move])
    except (GitError, GitLockedError):
        # Not every git takes the topology lock: a commit there moves the target all the same.
        if find_tip(workspace.repo, target) == inputs.target:
            raise
        return _Outdated()
    if not stuck:
        return _Landed(inputs, attempt)
    if find_tip(workspace.repo, target) != inputs.target:
        return _Outdated()
    return _Stuck(stuck[0].complaint)


def _is_as_before(
    workspace: Workspace, store: Store, inputs: MergeInputs, attempt: MergeAttempt
) -> bool:
    """Whether target, worktrees, slices and their branches are still as they were read."""
    paths = tuple(one.path for one in inputs.worktrees)
    if find_target_worktrees(workspace, inputs.goal) != paths:
        return False
    if any(
        find_in_the_way(workspace.repo, one.candidate.slice.slice_id, inputs.worktrees, one.changes)
        for one in attempt.built
    ):  # A file that git ignores has come: git would not refuse to overwrite it.
        return False
    touched = [one.candidate.slice.slice_id for one in attempt.built]
    touched += [one.slice_id for one in attempt.conflicted]
    before = {inputs.records[id_].branch_name: inputs.candidates[id_].tip for id_ in touched}
    before[inputs.goal.plan.target] = inputs.target
    if read_tips(workspace.repo, before) != before:
        return False
    now = {record.slice_id: record for record in store.read_slices(inputs.goal.goal_id)}
    return all(now.get(id_) == inputs.records[id_] for id_ in touched)


def _make_change(
    workspace: Workspace, goal: Goal, built: BuiltMerge, style: MergeStyle
) -> SliceChange:
    return SliceChange(
        at=workspace.now(),
        goal_id=goal.goal_id,
        slice_id=built.candidate.slice.slice_id,
        event="merged",
        detail={"target": goal.plan.target, "commit": built.commit, "style": style},
        status="merged",
        tip=built.candidate.tip,
        landed_as=built.commit,
    )


def _record_conflicts(
    workspace: Workspace, store: Store, goal: Goal, conflicted: Sequence[Conflicted]
) -> None:
    changes = [
        SliceChange(
            at=workspace.now(),
            goal_id=goal.goal_id,
            slice_id=one.slice_id,
            event="conflicted",
            detail={"files": [show_path(path) for path in one.files]},
            status="conflicted",
        )
        for one in conflicted
    ]
    with store.transaction():
        for one in conflicted:
            write_conflict(store, goal.goal_id, one.slice_id, one.files)
        record_changes(store, changes)


def _run_post_merge(
    workspace: Workspace, worktrees: Sequence[BranchWorktree], style: MergeStyle
) -> tuple[str, ...]:
    """Run `post-merge` where the target is checked out, as `git merge` does after its work."""
    squashed = "1" if style == "squash" else "0"
    complaints = (
        run_hook(workspace.repo, worktree.path, "post-merge", squashed) for worktree in worktrees
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
        for before, one in zip(heads, built, strict=False)
    )
