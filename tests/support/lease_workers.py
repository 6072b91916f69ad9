"""Many worker processes on one goal, killed at random: what `claim` promises must hold.

Used by the tests, and at full length by `scripts/soak`.
"""

import json
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from msgspec import Struct

from gitslices.core.errors import BusyError, NothingLeftError, NothingReadyError, StaleTokenError
from gitslices.core.model import SliceId
from gitslices.git.discovery import probe_repository
from gitslices.ops.claim import ClaimReport, claim
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.leases import HeartbeatRequest, ReleaseRequest, heartbeat, release
from gitslices.state.leases import Lease, read_lease_history
from gitslices.state.store import Store
from gitslices.workspace import Workspace

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


class Outcome(Struct, frozen=True, kw_only=True):
    """What a trial did, and every promise that was broken in it."""

    claims: int
    kills: int
    lapses: int
    seconds: float
    violations: tuple[str, ...]


def run_trial(repo: Path, *, workers: int, kills: int, seed: int, ttl: int = 4) -> Outcome:
    """Let `workers` processes work the only goal of `repo` to its end, killing `kills` of them.

    A killed one is replaced. What is done counts as merged at once. `ttl` is what a lease lasts.
    """
    began = time.monotonic()
    workspace = open_workspace(repo)
    ledger = repo.parent / f"ledger-{seed}"
    ledger.touch()
    chance = random.Random(seed)
    killed = 0
    with start_workers(repo, ledger, workers, ttl) as team, workspace.open_store() as store:
        while not merge_done(store):
            while killed < min(kills, count_lines(ledger) // 2):
                victim = chance.randrange(workers)
                team[victim].kill()
                team[victim].join()
                killed += 1
                team[victim] = start_worker(repo, ledger, workers + killed, ttl)
            time.sleep(chance.random() * 0.02)  # a kill may hit any moment
        for process in team:
            process.join()
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    with workspace.open_store() as store:
        histories = read_histories(store)
        lost = [one.slice_id for one in store.read_slices() if one.status != "merged"]
    return Outcome(
        claims=sum(line["event"] == "claimed" for line in lines),
        kills=killed,
        lapses=sum(one.ending == "lapsed" for history in histories for one in history),
        seconds=time.monotonic() - began,
        violations=(
            *find_violations(lines, histories),
            *(f"{slice_id} is lost" for slice_id in lost),
            *(f"a worker ended with {one.exitcode}" for one in team if one.exitcode),
        ),
    )


def find_violations(
    lines: Sequence[dict[str, Any]], histories: Sequence[Sequence[Lease]]
) -> Iterator[str]:
    """Hold what the workers saw against each other, and against the store."""
    yield from (line["words"] for line in lines if line["event"] == "violation")
    given = Counter(line["token"] for line in lines if line["event"] == "claimed")
    yield from (f"token {token} was given {n} times" for token, n in given.items() if n > 1)
    finished = Counter(line["slice"] for line in lines if line["event"] == "done")
    yield from (f"{name} was done {n} times" for name, n in finished.items() if n > 1)
    stored = {lease.token for history in histories for lease in history}
    yield from (f"token {token} is not in the store" for token in given if token not in stored)
    for history in histories:
        for earlier, later in pairwise(history):
            if earlier.ended_at is None or earlier.ended_at > later.claimed_at:
                yield f"{later.slice_id}: token {later.token} began before {earlier.token} ended"
        if sum(lease.ending == "done" for lease in history) != 1:
            yield f"{[lease.slice_id for lease in history[:1]]} was not done exactly once"


def read_histories(store: Store) -> list[tuple[Lease, ...]]:
    return [read_lease_history(store, one.goal_id, one.slice_id) for one in store.read_slices()]


def merge_done(store: Store) -> bool:
    """Call what is done merged; return whether that is everything."""
    with store.transaction():
        records = store.read_slices()
        for record in records:
            if record.status == "done":
                store.write_status(record.goal_id, record.slice_id, "merged")
    return all(record.status == "merged" for record in records)


@contextmanager
def start_workers(
    repo: Path, ledger: Path, count: int, ttl: int
) -> Iterator[list[ForkServerProcess]]:
    team = [start_worker(repo, ledger, number, ttl) for number in range(count)]
    try:
        yield team
    finally:
        for process in team:
            process.kill()
            process.join()


def start_worker(repo: Path, ledger: Path, number: int, ttl: int) -> ForkServerProcess:
    process = CONTEXT.Process(target=work, args=(repo, ledger, number, ttl))
    process.start()
    return process


def work(repo: Path, ledger: Path, number: int, ttl: int) -> None:
    """Claim, and finish or give back, until nothing is left; note what should not have been."""
    try:
        claim_all(repo, ledger, number, ttl)
    except Exception as error:
        note(ledger, event="violation", words=f"worker {number}: {error!r}")
        raise


def claim_all(repo: Path, ledger: Path, number: int, ttl: int) -> None:
    parent = multiprocessing.parent_process()
    chance = random.Random(number)
    workspace = open_workspace(repo)
    while parent is not None and parent.is_alive():
        try:
            lease = claim(workspace, ClaimRequest(holder=f"worker-{number}", ttl=ttl, wait=1))
        except NothingLeftError:
            return
        except (NothingReadyError, BusyError):
            continue
        note(ledger, event="claimed", slice=lease.slice_id, token=lease.token)
        check_dependencies(workspace, ledger, lease)
        try:
            finish(workspace, ledger, lease, chance.random())
        except StaleTokenError:
            note(ledger, event="stale", slice=lease.slice_id, token=lease.token)
        except BusyError:  # nothing has changed: the lease lapses, as if the worker had died
            note(ledger, event="busy", slice=lease.slice_id, token=lease.token)


def finish(workspace: Workspace, ledger: Path, lease: ClaimReport, chance: float) -> None:
    slice_id, token = SliceId(lease.slice_id), lease.token
    if chance < 0.1:
        heartbeat(workspace, HeartbeatRequest(slice_id=slice_id, token=token))
    if chance > 0.9:
        release(workspace, ReleaseRequest(slice_id=slice_id, token=token))
        note(ledger, event="released", slice=slice_id, token=token)
        return
    done(workspace, DoneRequest(slice_id=slice_id, token=token))
    note(ledger, event="done", slice=slice_id, token=token)


def check_dependencies(workspace: Workspace, ledger: Path, lease: ClaimReport) -> None:
    with workspace.open_store() as store:
        goal = store.read_goal(lease.goal_id)
        assert goal is not None
        statuses = {one.slice_id: one.status for one in store.read_slices(lease.goal_id)}
    (own,) = (one for one in goal.plan.slices if one.slice_id == lease.slice_id)
    for needed in own.dependencies:
        if statuses[needed] != "merged":
            words = f"{lease.slice_id} was given before {needed}, which was {statuses[needed]}"
            note(ledger, event="violation", words=words)


def note(ledger: Path, **line: object) -> None:
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, json.dumps(line).encode() + b"\n")
    finally:
        os.close(descriptor)


def count_lines(ledger: Path) -> int:
    return ledger.read_bytes().count(b"\n")


def open_workspace(repo: Path) -> Workspace:
    return Workspace(
        probe_repository(repo), clock=lambda: datetime.now(UTC), lock_timeout=60, purpose="soak"
    )
