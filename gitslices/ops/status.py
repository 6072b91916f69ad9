"""Where every slice stands; told again whenever it changes."""

import os
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.model import (
    FINISHED,
    BranchName,
    Oid,
    Slice,
    SliceId,
    SliceStatus,
    settle_status,
)
from gitslices.git.compare import count_all_ahead_behind
from gitslices.git.links import find_admin_folder
from gitslices.git.read import find_tip, read_tips
from gitslices.git.reflog import find_worked
from gitslices.git.uncommitted import find_uncommitted
from gitslices.recovery.recovery import read_undisturbed
from gitslices.slices.location import Finder, describe_fault, make_finder
from gitslices.slices.lookup import choose_goal
from gitslices.slices.situation import find_stretches
from gitslices.state.landings import read_conflicts
from gitslices.state.leases import Lease, read_live_leases
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


class SliceState(Struct, frozen=True, kw_only=True):
    """One slice: `ahead` and `behind` count commits against the target.

    `problem` says what is wrong with its branch or its worktree; null where all is well.
    """

    slice_id: SliceId
    status: SliceStatus
    wave: int
    dependencies: tuple[SliceId, ...]
    waits_for: tuple[SliceId, ...]
    branch_name: BranchName
    worktree_path: str
    holder: str | None
    expires_at: str | None
    ahead: int
    behind: int
    dirty: bool
    conflicts: tuple[str, ...]
    sparse: bool
    problem: str | None


class GoneSlice(Struct, frozen=True, kw_only=True):
    """A slice that stands though its plan no longer has it."""

    slice_id: SliceId
    status: SliceStatus
    branch_name: BranchName
    worktree_path: str
    holder: str | None
    expires_at: str | None


class StatusReport(Struct, frozen=True, kw_only=True):
    """What `gitslices status --json` prints; `gone` are slices that the plan no longer has.

    `problem` says what is wrong with the target; null where all is well.
    """

    goal_id: str
    target: BranchName
    problem: str | None
    slices: tuple[SliceState, ...]
    gone: tuple[GoneSlice, ...]


class _Seen(Struct, frozen=True, kw_only=True):
    """One slice as git shows it, and where its worktree is if it has one."""

    status: SliceStatus
    worktree_path: str = ""
    ahead: int = 0
    behind: int = 0
    dirty: bool = False
    sparse: bool = False
    problem: str | None = None


Records = Mapping[SliceId, SliceRecord]


def status(workspace: Workspace, goal_id: str | None) -> StatusReport:
    """Where the slices of one goal stand; reads only."""
    with workspace.open_store() as store:
        return read_undisturbed(workspace, store, partial(_read, workspace, store, goal_id))


def _read(workspace: Workspace, store: Store, goal_id: str | None) -> StatusReport:
    goal = choose_goal(store, goal_id)
    records = {record.slice_id: record for record in store.read_slices(goal.goal_id)}
    leases = read_live_leases(store, goal.goal_id, workspace.now())
    conflicts = read_conflicts(store, goal.goal_id)
    target = find_tip(workspace.repo, goal.plan.target)
    seen = _look(workspace, goal, records, target)
    return StatusReport(
        goal_id=goal.goal_id,
        target=goal.plan.target,
        problem=None if target else "no such branch",
        slices=tuple(
            _describe(slice_, seen, leases.get(slice_.slice_id), conflicts)
            for slice_ in goal.plan.slices
        ),
        gone=tuple(
            _describe_gone(record, leases.get(id_))
            for id_, record in records.items()
            if id_ not in seen and record.status != "removed"
        ),
    )


def _describe_gone(record: SliceRecord, lease: Lease | None) -> GoneSlice:
    return GoneSlice(
        slice_id=record.slice_id,
        status=settle_status(record.status, leased=lease is not None, landed=False),
        branch_name=record.branch_name,
        worktree_path=record.worktree_path,
        holder=lease.holder if lease else None,
        expires_at=lease.expires_at if lease else None,
    )


def _look(
    workspace: Workspace, goal: Goal, records: Records, target: Oid | None
) -> dict[SliceId, _Seen]:
    repo = workspace.repo
    tips = read_tips(repo, (one.branch_name for one in records.values()))
    counts = count_all_ahead_behind(repo, tips.values(), target) if target else {}
    started = find_stretches(records.values(), tips)
    merged = {name: one for name, one in started.items() if counts.get(one.tip, (1, 0))[0] == 0}
    landed = find_worked(repo, merged, goal.plan.target)
    ordered = [records.get(slice_.slice_id) for slice_ in goal.plan.slices]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        look_at = partial(_look_at, workspace, tips, counts, landed, make_finder(workspace))
        looked = pool.map(look_at, ordered)
        return {slice_.slice_id: one for slice_, one in zip(goal.plan.slices, looked, strict=True)}


def _look_at(
    workspace: Workspace,
    tips: Mapping[BranchName, Oid],
    counts: Mapping[Oid, tuple[int, int]],
    landed: Collection[BranchName],
    find: Finder,
    record: SliceRecord | None,
) -> _Seen:
    if record is None or record.filling_operation:
        return _Seen(status="planned")
    if record.status == "removed":
        return _Seen(status="removed")
    tip, footing = tips.get(record.branch_name), find(record)
    ahead, behind = counts.get(tip, (0, 0)) if tip else (0, 0)
    return _Seen(
        status="merged" if record.branch_name in landed else record.status,
        worktree_path=record.worktree_path,
        ahead=ahead,
        behind=behind,
        dirty=bool(find_uncommitted(workspace.repo, footing.worktree)),
        sparse=bool(record.sparse),
        problem=describe_fault(record, footing, has_branch=tip is not None),
    )


def _describe(
    slice_: Slice,
    seen: Mapping[SliceId, _Seen],
    lease: Lease | None,
    conflicts: Mapping[SliceId, tuple[str, ...]],
) -> SliceState:
    own = seen[slice_.slice_id]
    return SliceState(
        slice_id=slice_.slice_id,
        status=settle_status(own.status, leased=lease is not None, landed=False),
        wave=slice_.wave,
        dependencies=slice_.dependencies,
        waits_for=tuple(
            needed for needed in slice_.dependencies if seen[needed].status not in FINISHED
        ),
        branch_name=slice_.branch_name,
        worktree_path=own.worktree_path or slice_.worktree_path,
        holder=lease.holder if lease else None,
        expires_at=lease.expires_at if lease else None,
        ahead=own.ahead,
        behind=own.behind,
        dirty=own.dirty,
        conflicts=conflicts.get(slice_.slice_id, ()) if own.status == "conflicted" else (),
        sparse=own.sparse,
        problem=own.problem,
    )


_PAUSE: Final = 0.5
# An edit that nobody has added leaves no trace but itself, so git is asked this often in any case.
_LONGEST: Final = 10.0

_Stamp = tuple[tuple[int, int], ...]


def watch(workspace: Workspace, goal_id: str | None) -> Iterator[StatusReport]:
    """Yield the status now, and each time it has changed, until every slice has landed.

    Between two looks git is not asked: the store tells whether somebody has written to it, and of
    references, indexes and logs only times and sizes are read.
    """
    shown: tuple[StatusReport, _Stamp] | None = None
    with workspace.open_store() as store:
        goal = choose_goal(store, goal_id)
        worktrees = [Path(one.worktree_path) for one in goal.plan.slices]
        while True:
            before = _read_stamp(workspace, store, worktrees)
            logs = _read_logs(workspace, worktrees)
            report = status(workspace, goal.goal_id)
            if shown != (report, logs):
                yield report
                shown = (report, logs)
            if all(one.status in FINISHED for one in report.slices):
                return
            give_up = time.monotonic() + _LONGEST
            while time.monotonic() < give_up:
                time.sleep(_PAUSE)
                if _read_stamp(workspace, store, worktrees) != before:
                    break


def _read_stamp(workspace: Workspace, store: Store, worktrees: list[Path]) -> _Stamp:
    common = workspace.repo.common_dir
    places = [common / "packed-refs", common / "reftable" / "tables.list"]
    places += [Path(folder) for folder, _, _ in os.walk(common / "refs" / "heads")]
    for admin in map(find_admin_folder, worktrees):
        places += [admin / "index", admin / "HEAD"] if admin else []
    written = (store.read_data_version(), 0)
    return (written, *map(_read_times, places), *_read_logs(workspace, worktrees))


def _read_logs(workspace: Workspace, worktrees: list[Path]) -> _Stamp:
    folder = workspace.state_folder / "logs"
    return tuple(_read_times(folder / worktree.name / "run.log") for worktree in worktrees)


def _read_times(place: Path) -> tuple[int, int]:
    with suppress(OSError):
        found = place.stat()
        return found.st_mtime_ns, found.st_size
    return 0, 0
