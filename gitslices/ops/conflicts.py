"""Which slices under way would conflict with each other, and with the target, if merged now."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import GitError, GitLockedError, Problem
from gitslices.core.model import FINISHED, BranchName, Oid, RepoPath, SliceId
from gitslices.git.compare import read_commit_changes
from gitslices.git.read import is_shallow
from gitslices.git.snapshot import write_snapshot
from gitslices.merging.in_memory import GoalMergeRules, open_merge_rules
from gitslices.remote.agreement import told
from gitslices.rules.merging import (
    describe_unmerged_base,
    describe_unrelated_history,
    may_conflict,
    meets,
)
from gitslices.rules.worktree_faults import BARS_COMPARE, find_bar
from gitslices.slices.goals import Served, choose_goal, list_meant, serve_goals
from gitslices.slices.looks import look_at_each
from gitslices.slices.own_commits import UnmergedBases
from gitslices.slices.snapshot import Snapshot
from gitslices.slices.target import read_target
from gitslices.state.landings import Trial, find_trial, write_trials
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


class Conflict(Struct, frozen=True, kw_only=True):
    """A slice, another one or the target, and the files in which they conflict."""

    slice_id: SliceId
    other: str
    files: tuple[RepoPath, ...]


class ConflictsReport(Struct, frozen=True, kw_only=True):
    """The slices that have work of their own, and every conflict among them and the target.

    `refused` are slices that cannot be merged at all, with the reason.
    """

    goal_id: str
    target: BranchName
    slices: tuple[SliceId, ...]
    conflicts: tuple[Conflict, ...]
    refused: tuple[Problem, ...]


class _Work(Struct, frozen=True, kw_only=True):
    """What a slice would bring into a merge: its state, and the changes that are its own.

    `joined` are shared files in which it takes the lines of both sides.
    """

    slice_id: SliceId
    commit: Oid
    paths: frozenset[RepoPath]
    joined: frozenset[RepoPath]


class _Pair(Struct, frozen=True, kw_only=True):
    """Two sides of a merge, or with no `other` a slice and the target.

    A file that only one of two slices has changed is not theirs but a conflict with the target.
    Where both sides have no such path, git has made up a name: for a file against a folder.
    """

    one: _Work
    other: _Work | None
    trial: Trial


@told
def conflicts(workspace: Workspace, goal_id: str | None) -> ConflictsReport:
    """Every conflict that merging would meet now, uncommitted work included.

    Only objects are written, and to each worktree nothing. Pairs whose changes lie apart cannot
    conflict and are not tried; what was tried last time is remembered by the ids of the commits.
    """
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, goal_id)
        target = read_target(workspace.repo, goal.plan.target)
        with open_merge_rules(workspace, goal, target) as rules:
            found = _find_works(workspace, store, goal, target, rules)
            works = [one for one in found if isinstance(one, _Work) and one.paths]
            pairs = _make_pairs(works, target, rules.digest)
            results = _try_all(store, rules, pairs)
    described = (_describe_conflict(pair, results[pair.trial], goal.plan.target) for pair in pairs)
    return ConflictsReport(
        goal_id=goal.goal_id,
        target=goal.plan.target,
        slices=tuple(work.slice_id for work in works),
        conflicts=tuple(one for one in described if one.files),
        refused=tuple(one for one in found if isinstance(one, Problem)),
    )


def find_goal_conflicts(workspace: Workspace, goal_id: str | None) -> Served[ConflictsReport]:
    """The same for the goal named, or for each that is under way."""
    return serve_goals(list_meant(workspace, goal_id), partial(conflicts, workspace))


def _find_works(
    workspace: Workspace, store: Store, goal: Goal, target: Oid, rules: GoalMergeRules
) -> tuple[_Work | Problem | None, ...]:
    snapshot = Snapshot(workspace, store, goal.plan)
    records, statuses = snapshot.records, snapshot.statuses
    planned = (one.slice_id for one in goal.plan.slices)
    open_ = [records[id_] for id_ in planned if id_ in records and statuses[id_] not in FINISHED]
    bases = UnmergedBases(workspace, goal.plan, target)
    found = look_at_each(snapshot, partial(_try_work, snapshot, goal, bases, rules), open_)
    return tuple(found.values())


def _try_work(
    snapshot: Snapshot, goal: Goal, bases: UnmergedBases, rules: GoalMergeRules, record: SliceRecord
) -> _Work | Problem | None:
    """The same as `_find_work`; what git cannot read of one worktree keeps only that slice out."""
    try:
        return _find_work(snapshot, goal, bases, rules, record)
    except (GitError, GitLockedError) as error:
        return Problem(record.slice_id, error.message, error.hint)


def _find_work(
    snapshot: Snapshot, goal: Goal, bases: UnmergedBases, rules: GoalMergeRules, record: SliceRecord
) -> _Work | Problem | None:
    repo, commit = snapshot.workspace.repo, snapshot.find_tip(record)
    uncommitted = snapshot.read_uncommitted(record)
    bar = find_bar(snapshot.find_faults(record, alone=True), BARS_COMPARE) or uncommitted.fault
    if bar is not None:
        return bar.problem
    if uncommitted.paths:
        place = Path(snapshot.read_facts(record, alone=True).place)
        commit = write_snapshot(repo, place, rules.scratch)
    if commit is None or commit == record.base_commit:
        return None
    base = bases.find(record, commit, bases.target)
    if base is not None and base.is_dropped:
        return describe_unmerged_base(
            goal.goal_id, record.slice_id, goal.plan.target, base.commit, None
        )
    origin = rules.find_origin(commit, bases.target)
    if origin is None:
        return describe_unrelated_history(
            record.slice_id, snapshot.plan.target, record.base_commit, shallow=is_shallow(repo)
        )
    changes = read_commit_changes(repo, repo.common_dir, commit, [origin])
    return _Work(
        slice_id=record.slice_id,
        commit=commit,
        paths=frozenset(change.path for change in changes),
        joined=rules.find_joined(origin, changes),
    )


def _make_pairs(works: Sequence[_Work], target: Oid, digest: str) -> list[_Pair]:
    pairs = [
        _Pair(one=one, other=None, trial=Trial(ours=target, theirs=one.commit, rules=digest))
        for one in works
    ]
    return pairs + [
        _Pair(one=one, other=other, trial=Trial(ours=one.commit, theirs=other.commit, rules=digest))
        for one, other in combinations(works, 2)
        if may_conflict(one.paths, other.paths)
    ]


def _try_all(
    store: Store, rules: GoalMergeRules, pairs: Sequence[_Pair]
) -> dict[Trial, tuple[RepoPath, ...]]:
    known = {pair.trial: find_trial(store, pair.trial) for pair in pairs}
    new = [trial for trial, files in known.items() if files is None]
    # Of all slices: a side may have a shared file from the target, with no change of its own.
    joined = frozenset().union(*(pair.one.joined for pair in pairs))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        merged = pool.map(lambda trial: rules.merge(trial.ours, trial.theirs, joined), new)
        tried = {trial: one.conflicts for trial, one in zip(new, merged, strict=True)}
    results = {trial: tried.get(trial, files or ()) for trial, files in known.items()}
    if new:
        write_trials(store, results)
    return results


def _describe_conflict(pair: _Pair, files: Sequence[RepoPath], target: BranchName) -> Conflict:
    other = pair.other
    return Conflict(
        slice_id=pair.one.slice_id,
        other=other.slice_id if other else target,
        files=tuple(
            path
            for path in files
            if other is None or meets(path, pair.one.paths) == meets(path, other.paths)
        ),
    )
