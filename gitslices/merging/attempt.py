"""Every wanted slice merged in memory, one on top of the other; what does not fit is left out."""

from collections.abc import Sequence

from msgspec import Struct

from gitslices.core.errors import GitError, GitLockedError, Problem
from gitslices.core.model import Oid, Slice
from gitslices.git.snapshot import find_complaint
from gitslices.merging.branch_worktrees import find_in_the_way
from gitslices.merging.build import BuiltMerge, Conflicted, MergeBuilder, TargetTip
from gitslices.merging.in_memory import open_merge_rules
from gitslices.merging.inputs import MergeInputs
from gitslices.merging.rerun_gates import MergedGates
from gitslices.rules.merging import find_merge_obstacle
from gitslices.slices.own_commits import UnmergedBases
from gitslices.slices.scopes import ScopeMatchers
from gitslices.state.store import Store
from gitslices.system.settings_tables import MergeStyle
from gitslices.workspace import Workspace

REMEDY = "commit what is changed there, or switch it to another branch"


class MergeAttempt(Struct, frozen=True, kw_only=True):
    """What merging came to in memory; `head` is where the target is to go."""

    built: tuple[BuiltMerge, ...]
    conflicted: tuple[Conflicted, ...]
    refused: tuple[Problem, ...]
    head: Oid
    style: MergeStyle


def try_merges(
    workspace: Workspace,
    store: Store,
    inputs: MergeInputs,
    style: MergeStyle,
    gates: MergedGates,
    *,
    dry_run: bool,
) -> MergeAttempt:
    """Merge what is wanted in memory; with `dry_run` git says whether the files could follow.

    What git cannot do to one slice, whose commit names no author say, keeps only that one out.
    Raises `GitError` where it fails with every slice: then it is not the slices.
    """
    outcomes: list[BuiltMerge | Conflicted | Problem] = []
    failures: list[GitError | GitLockedError] = []
    with open_merge_rules(workspace, inputs.goal, inputs.target) as rules:
        matchers = ScopeMatchers(workspace, store)
        bases = UnmergedBases(workspace, inputs.goal.plan, inputs.target)
        builder = MergeBuilder(workspace, inputs.goal, inputs.records, matchers, style, bases)
        target = TargetTip(commit=inputs.target, rules=rules, statuses=inputs.statuses)
        for slice_ in inputs.wanted:
            problems = _find_obstacles(inputs, slice_, target)
            if problems:
                outcomes += problems
                continue
            try:
                made = builder.build(inputs.candidates[slice_.slice_id], target)
            # A try that fails has moved nothing: the next slice is built on the same target.
            except (GitError, GitLockedError) as error:
                failures.append(error)
                made = Problem(slice_.slice_id, error.message, error.hint)
            if isinstance(made, BuiltMerge):
                refusal = _find_refusal(workspace, inputs, made, target, gates, dry_run=dry_run)
                # Only what may land counts as merged for those behind it: what depends on a refused
                # slice is refused, too.
                target = target if refusal else target.take_in(made)
                made = refusal or made
            outcomes.append(made)
    if failures and len(failures) == len(outcomes):
        raise failures[0]
    return _sort_outcomes(outcomes, target.commit, style)


def _sort_outcomes(
    outcomes: Sequence[BuiltMerge | Conflicted | Problem], head: Oid, style: MergeStyle
) -> MergeAttempt:
    return MergeAttempt(
        built=tuple(one for one in outcomes if isinstance(one, BuiltMerge)),
        conflicted=tuple(one for one in outcomes if isinstance(one, Conflicted)),
        refused=tuple(one for one in outcomes if isinstance(one, Problem)),
        head=head,
        style=style,
    )


def _find_obstacles(inputs: MergeInputs, slice_: Slice, target: TargetTip) -> Sequence[Problem]:
    """Why a slice is not even tried, as far as records and evidence tell."""
    candidate = inputs.candidates.get(slice_.slice_id)
    obstacle = find_merge_obstacle(
        inputs.goal.goal_id, candidate, slice_, target.statuses, inputs.goal.plan
    )
    return [obstacle] if obstacle else inputs.missing.get(slice_.slice_id, ())


def _find_refusal(
    workspace: Workspace,
    inputs: MergeInputs,
    made: BuiltMerge,
    target: TargetTip,
    gates: MergedGates,
    *,
    dry_run: bool,
) -> Problem | None:
    """Why a slice that merges may not land: files in the way, or a gate; what costs most last."""
    id_ = made.candidate.slice.slice_id
    return (
        find_in_the_way(workspace.repo, id_, inputs.worktrees, made.changes)
        # A real merge learns it when files move, and takes that move back.
        or (_find_stuck_worktree(workspace, inputs, made, target) if dry_run else None)
        or gates.find_failure(inputs.records[id_], made.commit, target.commit)
    )


def _find_stuck_worktree(
    workspace: Workspace, inputs: MergeInputs, made: BuiltMerge, target: TargetTip
) -> Problem | None:
    """Why the files of the target's worktrees do not follow to `made`, though to the one before.

    Asked in a dry run, on a copy of the index: git tells what no list of changed paths does, such
    as files that it was told not to look at, or a filter that fails.
    """
    if made.commit == target.commit:
        return None
    for one in inputs.worktrees:
        # From where the files are, not from the slice before: in a dry run nothing has moved.
        complaint = find_complaint(
            workspace.repo, one.path, inputs.target, made.commit, target.rules.scratch
        )
        if complaint is not None:
            why = f"{str(one.path)!r} cannot follow: {complaint}"
            return Problem(made.candidate.slice.slice_id, why, REMEDY)
    return None
