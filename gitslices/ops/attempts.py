"""The attempts at a slice: whose they were, how they ended, and what their commands printed."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import RefusedError, suggest
from gitslices.core.model import SliceId
from gitslices.rules.attempts import Failure
from gitslices.slices.attempts import list_attempts
from gitslices.slices.environment import name_attempt_log
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_slice, put_back
from gitslices.state.attempts import read_failures
from gitslices.state.leases import Ending, find_open_lease
from gitslices.workspace import Workspace

_PAUSE: Final = 0.2
_PART: Final = 64 * 1024


class Attempt(Struct, frozen=True, kw_only=True):
    """One holder's time with a slice; `log` is there where a run has kept what was printed."""

    number: int
    holder: str
    token: int
    claimed_at: str
    ended_at: str | None
    ending: Ending | None
    failure: Failure | None
    log: str | None


class AttemptsReport(Struct, frozen=True, kw_only=True):
    """What `gitslices log SLICE --attempts --json` prints, the first attempt in front."""

    goal_id: str
    slice_id: SliceId
    attempts: tuple[Attempt, ...]


def read_attempts(workspace: Workspace, slice_id: str, goal_id: str | None) -> AttemptsReport:
    """All attempts at a slice; raises `UnknownSliceError` where no plan has it."""
    with workspace.open_store() as store:
        goal = put_back(store, choose_goal(workspace, store, goal_id, slice_id), slice_id)
        slice_ = get_slice(goal, slice_id)
        record = store.find_slice(goal.goal_id, slice_.slice_id)
        leases = list_attempts(store, goal.goal_id, slice_.slice_id)
        failures = read_failures(store, goal.goal_id, slice_.slice_id)
    path = record.worktree_path if record else slice_.worktree_path
    found = []
    for number, lease in enumerate(leases, start=1):
        log = name_attempt_log(workspace, path, number)
        found.append(
            Attempt(
                number=number,
                holder=lease.holder,
                token=lease.token,
                claimed_at=lease.claimed_at,
                ended_at=lease.ended_at,
                ending=lease.ending,
                failure=failures.get(lease.token),
                log=str(log) if log.exists() else None,
            )
        )
    return AttemptsReport(goal_id=goal.goal_id, slice_id=slice_.slice_id, attempts=tuple(found))


class LoggedAttempt(Struct, frozen=True, kw_only=True):
    """What `gitslices logs --json` prints: the attempt, and the file with what it has printed."""

    goal_id: str
    slice_id: SliceId
    attempt: Attempt


def find_logged(
    workspace: Workspace, slice_id: str, goal_id: str | None, number: int | None
) -> LoggedAttempt:
    """The attempt of that number, else the last one with a log; raise `RefusedError` for none."""
    report = read_attempts(workspace, slice_id, goal_id)
    logged = [one for one in report.attempts if one.log and number in {None, one.number}]
    if not logged:
        of = f"attempt {number} at" if number is not None else "any attempt at"
        see = suggest("log", report.slice_id, "--attempts", goal_id=report.goal_id)
        raise RefusedError(
            f"no log of {of} slice {report.slice_id!r} is kept",
            hint=f"only `gitslices run` keeps what its commands print; see: {see}",
        )
    return LoggedAttempt(goal_id=report.goal_id, slice_id=report.slice_id, attempt=logged[-1])


def follow_log(workspace: Workspace, logged: LoggedAttempt, *, follows: bool) -> Iterator[bytes]:
    """What the command of an attempt has printed; with `follows` until the attempt has ended."""
    attempt = logged.attempt
    assert attempt.log is not None, "an attempt without a log is not found"  # noqa: S101
    with Path(attempt.log).open("rb") as file:
        while True:
            # Before the last look: what was printed until then is in the file.
            is_over = not follows or not _is_open(workspace, logged)
            while part := file.read(_PART):
                yield part
            if is_over:
                return
            time.sleep(_PAUSE)


def _is_open(workspace: Workspace, logged: LoggedAttempt) -> bool:
    with workspace.open_store() as store:
        lease = find_open_lease(store, logged.goal_id, logged.slice_id)
    return lease is not None and lease.token == logged.attempt.token
