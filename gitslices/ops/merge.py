"""Merge finished slices into the target: in memory first, then by moving one branch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import UNSET, Struct, UnsetType, structs

from gitslices.core.errors import BusyError, Problem, RefusedError
from gitslices.core.model import FINISHED, BranchName, Oid, SliceId
from gitslices.core.naming import list_some, show_path
from gitslices.git.index import INDEX_LOCK_HINT
from gitslices.git.remotes import (
    RemoteBranch,
    fetch_branches,
    find_remote_branch,
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
from gitslices.merging.move_branches import StuckMove
from gitslices.merging.rerun_gates import MergedGates
from gitslices.ops.forward import Forwarded, forward_freed
from gitslices.ops.land import LandedMerge, land
from gitslices.ops.scope_requests import grant_landed
from gitslices.recovery.recovery import recover_and_lock
from gitslices.remote.agreement import agreed
from gitslices.repo_commands.notify import Notice, notify
from gitslices.slices.goals import Served, choose_goal, list_meant, serve_goals
from gitslices.slices.settings import choose_merge_style
from gitslices.slices.target import find_lag
from gitslices.state.store import Goal, Store
from gitslices.system.settings_tables import MergeStyle
from gitslices.workspace import Workspace

# Each attempt that is lost is somebody else's success: so many in a row are hardly chance.
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


@agreed
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
    if lag := find_lag(workspace, inputs.goal.plan.target):
        warnings += (lag.describe(inputs.goal.plan.target),)
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


def _merge_until_landed(workspace: Workspace, store: Store, request: MergeRequest) -> LandedMerge:
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
        outcome = land(workspace, store, inputs, attempt)
        if isinstance(outcome, LandedMerge):
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
