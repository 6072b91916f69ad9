"""Attempts at a slice: which one this is, why the last one failed, and what it has left."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.errors import GitError, Problem
from gitslices.core.model import BranchName, Oid, RepoPath
from gitslices.core.naming import show_path
from gitslices.git.follow import is_midway
from gitslices.git.read import find_target_tip, find_tip, read_log_entries
from gitslices.git.uncommitted import read_uncommitted
from gitslices.rules.attempts import (
    TAIL_LINES,
    BriefCommit,
    ConflictingFile,
    FailedGate,
    Failure,
    FailureReason,
    Previous,
)
from gitslices.rules.scope_check import Violation
from gitslices.state.attempts import read_failures, write_failure
from gitslices.state.leases import Lease, read_lease_history
from gitslices.state.proofs import read_gate_runs
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace

_SHOWN: Final = 20
"""Files and commits of which the next attempt is told."""
_SHOWN_OF_A_FILE: Final = 5
_LONGEST_TAIL: Final = 64 * 1024


def list_attempts(store: Store, goal_id: str, slice_id: str) -> tuple[Lease, ...]:
    """The leases of a slice that somebody has worked under, or works under now."""
    history = read_lease_history(store, goal_id, slice_id)
    return tuple(lease for lease in history if lease.ending != "failed")


def count_attempts(store: Store, goal_id: str, slice_id: str, lease: Lease | None = None) -> int:
    """How many attempts there were up to that under `lease`, or in all: its number, from 1."""
    attempts = list_attempts(store, goal_id, slice_id)
    return sum(lease is None or one.token <= lease.token for one in attempts)


def record_failure(
    workspace: Workspace,
    store: Store,
    lease: Lease,
    reason: FailureReason,
    problem: Problem,
    *,
    log: str | None = None,
    violations: Sequence[Violation] = (),
    gates: Sequence[FailedGate] = (),
    conflicts: Iterable[str] = (),
) -> None:
    """Remember why the attempt under `lease` failed; part of the caller's transaction."""
    failure = Failure(
        attempt=count_attempts(store, lease.goal_id, lease.slice_id, lease),
        holder=lease.holder,
        at=workspace.now(),
        reason=reason,
        message=show_path(problem.message),
        hint=problem.hint and show_path(problem.hint),
        log=log,
        violations=tuple(_show_violation(one) for one in violations),
        gates=tuple(gates),
        conflicts=tuple(RepoPath(show_path(path)) for path in conflicts),
    )
    write_failure(store, lease, failure)


def read_failed_gates(store: Store, lease: Lease) -> tuple[FailedGate, ...]:
    """The gates that did not pass when they last ran under `lease`, and what they printed last."""
    runs = read_gate_runs(store, lease.goal_id, lease.slice_id)
    latest = {run.gate: run for run in runs if run.ended_at >= lease.claimed_at}
    return tuple(
        FailedGate(gate=run.gate, reason=run.reason, log=run.log, tail=_read_tail(run.log))
        for run in latest.values()
        if not run.passed
    )


def _read_tail(log: str | None) -> tuple[str, ...]:
    with suppress(OSError):
        if log is not None:
            with Path(log).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_TAIL))
                text = file.read().decode("utf-8", "backslashreplace")
            return tuple(text.splitlines()[-TAIL_LINES:])
    return ()


def find_failure(
    store: Store, goal_id: str, slice_id: str, *, before: Lease | None
) -> Failure | None:
    """Why the last attempt at a slice failed, the last one before that under `before`, if given.

    None where there was none, or where its holder has given the slice back or finished it.
    """
    attempts = list_attempts(store, goal_id, slice_id)
    past = [one for one in attempts if before is None or one.token < before.token]
    if not past or (before is None and past[-1].ended_at is None):
        return None
    last = past[-1]
    known = read_failures(store, goal_id, slice_id).get(last.token)
    if known is not None:
        return known
    if last.ending not in {"lapsed", "freed"}:
        return None
    how = "lapsed" if last.ending == "lapsed" else "was ended by somebody else"
    return Failure(
        attempt=len(past),
        holder=last.holder,
        at=last.ended_at or last.expires_at,
        reason="lost-lease",
        message=f"its lease {how}",
    )


def read_previous(
    workspace: Workspace, record: SliceRecord, failure: Failure, target_name: BranchName
) -> Previous:
    """What whoever goes on is told: the failure, and what is in branch and worktree now."""
    repo = workspace.repo
    tip, target = find_tip(repo, record.branch_name), find_target_tip(repo, target_name)
    own = read_log_entries(repo, record.base_commit, tip, exclude=target) if tip else ()
    try:
        uncommitted = read_uncommitted(repo, Path(record.worktree_path), untracked=True)
    except GitError:
        uncommitted = ()  # the claim itself refuses a worktree that is not in order
    return Previous(
        attempt=failure.attempt,
        holder=failure.holder,
        at=failure.at,
        reason=failure.reason,
        message=failure.message,
        hint=failure.hint,
        log=failure.log,
        violations=failure.violations,
        gates=failure.gates,
        conflicts=tuple(
            ConflictingFile(
                path=path,
                in_target=_read_side(workspace, tip, target, path),
                in_slice=_read_side(workspace, target, tip, path),
            )
            for path in failure.conflicts[:_SHOWN]
        ),
        committed=tuple(
            BriefCommit(commit=one.commit, subject=one.subject) for one in own[-_SHOWN:]
        ),
        uncommitted=tuple(map(show_path, uncommitted)),
        is_merging=is_midway(Path(record.worktree_path)),
    )


def _read_side(
    workspace: Workspace, since: Oid | None, tip: Oid | None, path: RepoPath
) -> tuple[BriefCommit, ...]:
    """The last commits of `tip` that `since` lacks and that changed a file."""
    if since is None or tip is None:
        return ()
    entries = read_log_entries(workspace.repo, since, tip, path=path)
    return tuple(
        BriefCommit(commit=one.commit, subject=one.subject) for one in entries[-_SHOWN_OF_A_FILE:]
    )


def _show_violation(one: Violation) -> Violation:
    return Violation(path=RepoPath(show_path(one.path)), owner=one.owner, reason=one.reason)
