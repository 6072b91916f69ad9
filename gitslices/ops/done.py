"""End a lease with the work finished: committed, in scope, merged whole, every gate passed."""

from functools import partial
from math import ceil
from pathlib import Path

from msgspec import UNSET, Struct, UnsetType

from gitslices.core.errors import GateFailedError, OutsideScopeError, RefusedError, suggest
from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.core.naming import list_some
from gitslices.git.compare import Baseline, read_commit_changes
from gitslices.git.markers import find_added_markers
from gitslices.git.read import HEADS, count_beyond, find_target_tip, find_tip
from gitslices.git.submodules import mark_unnamed
from gitslices.git.uncommitted import read_uncommitted
from gitslices.ops.check import CheckRequest, check
from gitslices.remote.agreement import agreed
from gitslices.remote.work import push_work
from gitslices.repo_commands.gates import (
    choose_gates,
    list_texts,
    load_gates,
    read_proof,
    record_run,
    run_commands,
)
from gitslices.rules.evidence import find_missing_evidence, find_missing_gates
from gitslices.rules.merging import describe_violations
from gitslices.slices.claims import free_slice, make_lease_event, require_lease
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import find_held
from gitslices.slices.snapshot import Snapshot
from gitslices.state.leases import Lease, end_lease, renew_lease
from gitslices.state.sharing import note_work
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.system.settings_tables import Gate
from gitslices.workspace import Workspace


class DoneRequest(Struct, frozen=True, kw_only=True):
    """The slice, and the token of the lease on it."""

    slice_id: SliceId
    token: int
    goal_id: str | None = None


class DoneReport(Struct, frozen=True, kw_only=True):
    """What `gitslices done --json` prints; `commit` is what is ready to be merged.

    `empty` where the target has all of it already, as when nothing has been committed.
    """

    ok: bool = True
    goal_id: str
    slice_id: SliceId
    holder: str
    token: int
    commit: Oid
    empty: bool | UnsetType = UNSET


@agreed
def done(workspace: Workspace, request: DoneRequest) -> DoneReport:
    """Run the gates that have not passed on the slice's commit, then give it on to the merge.

    Raises `StaleTokenError` for a token that is not the slice's, `RefusedError` for uncommitted
    files and conflict markers, `OutsideScopeError` for changes outside the write scope,
    `GateFailedError` where a gate does not pass; the slice stays claimed then.
    """
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        slice_id = find_held(store, goal, request.slice_id)
        lease = require_lease(store, goal.goal_id, slice_id, request.token)
        _require_planned(goal, slice_id, request.token)
        record = _require_committed(Snapshot(workspace, store, goal.plan), slice_id)
        _refuse_unnamed(workspace, goal, record)
        _refuse_outside(workspace, record)
        _refuse_markers(workspace, goal, record)
        commit = _pass_gates(workspace, store, goal, record, lease)
        tip = push_work(workspace, store, record)
        with store.transaction():
            # Once more: gates may run for long, and somebody may have freed the slice meanwhile.
            require_lease(store, goal.goal_id, slice_id, request.token)
            note_work(store, goal.goal_id, slice_id, tip)
            end_lease(store, lease.token, at=workspace.now(), ending="done")
            store.write_status(goal.goal_id, slice_id, "done")
            store.write_events([make_lease_event(workspace, "done", lease, commit=commit)])
        free_slice(workspace, store, goal.goal_id, slice_id)
    return DoneReport(
        goal_id=goal.goal_id,
        slice_id=slice_id,
        holder=lease.holder,
        token=lease.token,
        commit=commit,
        empty=_is_empty(workspace, goal.plan.target, record, commit) or UNSET,
    )


def _require_planned(goal: Goal, slice_id: SliceId, token: int) -> None:
    if slice_id not in {one.slice_id for one in goal.plan.slices}:
        back = suggest("release", slice_id, "--token", str(token), goal_id=goal.goal_id)
        raise RefusedError(
            f"slice {slice_id!r} is not in the plan any more, so it cannot be merged",
            hint=f"put its task back into the graph; or give it back, its work is kept: {back}",
        )


def _refuse_unnamed(workspace: Workspace, goal: Goal, record: SliceRecord) -> None:
    """Refuse a slice that has made a repository inside itself: what is in it cannot be merged."""
    repo, target = workspace.repo, find_target_tip(workspace.repo, goal.plan.target)
    tip = find_tip(repo, record.branch_name)
    if tip is None:
        return
    # What base or target have, others have merged already: it is not this slice's to mend.
    baselines = [Baseline(one) for one in (record.base_commit, target) if one]
    changes = read_commit_changes(repo, repo.common_dir, tip, baselines)
    paths = [change.path for change in mark_unnamed(repo, changes, tip) if change.is_unnamed]
    if paths:
        raise RefusedError(
            f"slice {record.slice_id!r} has a repository of its own in it, which .gitmodules does "
            f"not name: {list_some(paths)}",
            hint="move its `.git` away and add its files; or make it a submodule: "
            "git submodule add URL PATH",
        )


def _refuse_outside(workspace: Workspace, record: SliceRecord) -> None:
    id_, goal_id = record.slice_id, record.goal_id
    # The branch, not the worktree: it is what will be merged.
    tip = HEADS + record.branch_name
    request = CheckRequest(slice_id=id_, goal_id=goal_id, commits=tip)
    (checked,) = check(workspace, request).slices
    if checked.violations:
        raise OutsideScopeError(
            f"slice {id_!r} is not done",
            problems=[describe_violations(goal_id, id_, checked.violations)],
        )


def _refuse_markers(workspace: Workspace, goal: Goal, record: SliceRecord) -> None:
    """Refuse a conflict that was committed as git left it, markers and all."""
    repo, target = workspace.repo, find_target_tip(workspace.repo, goal.plan.target)
    tip = find_tip(repo, record.branch_name)
    olders = [one for one in (record.base_commit, target) if one]
    worktree = Path(record.worktree_path)
    if tip is None or not (paths := find_added_markers(repo, worktree, tip, olders)):
        return
    raise RefusedError(
        f"slice {record.slice_id!r} has added conflict markers: {list_some(paths)}",
        hint="resolve them and commit; where they belong, .gitattributes can say so:"
        " PATH conflict-marker-size=32",
    )


def _require_committed(snapshot: Snapshot, slice_id: SliceId) -> SliceRecord:
    """The record of a slice all of whose work is committed on its branch.

    Raises `RefusedError` for uncommitted or untracked files, or a worktree that is not in order.
    """
    workspace, record = snapshot.workspace, snapshot.records.get(slice_id)
    if record is None or record.filling_operation:
        raise RefusedError(
            f"slice {slice_id!r} has no worktree", hint="bring it back with: gitslices plan --apply"
        )
    for fault in snapshot.find_faults(record, alone=True):
        problem = fault.problem
        raise RefusedError(f"slice {slice_id!r} is not done: {problem.message}", hint=problem.hint)
    path = Path(record.worktree_path)
    changed = read_uncommitted(workspace.repo, path, untracked=True)
    if changed:
        rest = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise RefusedError(
            f"slice {slice_id!r} has uncommitted work: {', '.join(changed[:3])}{rest}",
            hint=f"commit it in {path}, or remove what is not wanted",
        )
    return record


def _is_empty(workspace: Workspace, target: BranchName, record: SliceRecord, commit: Oid) -> bool:
    tip = find_target_tip(workspace.repo, target)
    # Beyond its base, too: that of one which was started early has what the target lacks.
    others = (record.base_commit, tip)
    return tip is not None and not count_beyond(workspace.repo, commit, filter(None, others))


def _pass_gates(
    workspace: Workspace, store: Store, goal: Goal, record: SliceRecord, lease: Lease
) -> Oid:
    """The commit on which every gate has passed."""
    gates = choose_gates(load_gates(workspace, goal.plan.target), goal, record)
    texts = list_texts(gates)
    proof = read_proof(workspace, store, goal, record, gates)
    missing = find_missing_gates(proof, texts)
    if not missing:
        return proof.commit
    wanted = {record.slice_id: {name: gates[name] for name in missing}}
    before_run = partial(_outlast, workspace, lease)
    for run in run_commands(workspace, [record], wanted, before_run):
        record_run(workspace, store, run)
    proof = read_proof(workspace, store, goal, record, gates)
    problems = find_missing_evidence(proof, texts, ())
    # By what is on the branch now: a commit made while they ran has proven nothing.
    if find_missing_gates(proof, texts):
        raise GateFailedError(
            f"slice {record.slice_id!r} is not done: its gates have not passed", problems=problems
        )
    return proof.commit


def _outlast(workspace: Workspace, lease: Lease, gate: Gate) -> None:
    """Let the lease stand until the gate has run, and for its own time after that."""
    with workspace.open_store() as store, store.transaction():
        require_lease(store, lease.goal_id, lease.slice_id, lease.token)
        deadline = workspace.after(lease.ttl + ceil(gate.timeout))
        renew_lease(store, lease.token, ttl=lease.ttl, expires_at=deadline)
