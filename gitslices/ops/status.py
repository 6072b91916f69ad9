"""Where every slice of a goal stands."""

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.errors import GitError
from gitslices.git.counts import count_all_ahead_behind
from gitslices.git.read import HEADS, find_commit, read_branches
from gitslices.git.worktrees import find_admin_folder, read_changes
from gitslices.model import BranchName, Oid, Slice, SliceId, SliceStatus
from gitslices.ops.goals import choose_goal
from gitslices.reconcile import FINISHED
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


class SliceState(Struct, frozen=True, kw_only=True):
    """One slice: `ahead` and `behind` count commits against the target."""

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


class StatusReport(Struct, frozen=True, kw_only=True):
    """What `gitslices status --json` prints."""

    goal_id: str
    target: BranchName
    slices: tuple[SliceState, ...]


class _Seen(Struct, frozen=True, kw_only=True):
    """One slice as git shows it; `torn` tells that this and the record do not go together."""

    status: SliceStatus
    ahead: int = 0
    behind: int = 0
    dirty: bool = False
    torn: bool = False


Records = Mapping[SliceId, SliceRecord]

# Slices come and go while they are looked at. Seconds to wait before looking again.
_PAUSES: Final = (0.01, 0.02, *(0.05,) * 40)


def status(workspace: Workspace, goal_id: str | None) -> StatusReport:
    """Where the slices of one goal stand; reads only."""
    with workspace.open_store() as store:
        goal = choose_goal(store, goal_id)
        seen = _look(workspace, store, goal)
    return StatusReport(
        goal_id=goal.goal_id,
        target=goal.plan.target,
        slices=tuple(_describe(slice_, seen) for slice_ in goal.plan.slices),
    )


def _look(workspace: Workspace, store: Store, goal: Goal) -> dict[SliceId, _Seen]:
    """Look until records and repository go together, for as long as somebody changes them."""
    for pause in _PAUSES:
        version, records = store.read_version(), _read_records(store, goal)
        seen = _look_once(workspace, goal, records)
        torn = any(one.torn for one in seen.values())
        # In this order: an intent goes after what it announced is in the store.
        changing = workspace.has_intent() or store.read_version() != version
        if not changing or not (torn or _read_records(store, goal) != records):
            break
        time.sleep(pause)
    return seen


def _read_records(store: Store, goal: Goal) -> Records:
    return {record.slice_id: record for record in store.read_slices(goal.goal_id)}


def _look_once(workspace: Workspace, goal: Goal, records: Records) -> dict[SliceId, _Seen]:
    repo = workspace.repo
    tops = sorted({slice_.branch_name.partition("/")[0] for slice_ in goal.plan.slices})
    tips = read_branches(repo, tops) if tops else {}
    target = find_commit(repo, HEADS + goal.plan.target)
    own = [tips[one.branch_name] for one in records.values() if one.branch_name in tips]
    counts = count_all_ahead_behind(repo, own, target) if target else {}
    ordered = [records.get(slice_.slice_id) for slice_ in goal.plan.slices]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        looked = pool.map(partial(_look_at, workspace, tips, counts), ordered)
        return {slice_.slice_id: one for slice_, one in zip(goal.plan.slices, looked, strict=True)}


def _look_at(
    workspace: Workspace,
    tips: Mapping[BranchName, Oid],
    counts: Mapping[Oid, tuple[int, int]],
    record: SliceRecord | None,
) -> _Seen:
    if record is None or record.status == "removed":
        return _Seen(status=record.status if record else "planned")
    tip = tips.get(record.branch_name)
    if tip is None:
        return _Seen(status=record.status, torn=True)
    ahead, behind = counts.get(tip, (0, 0))
    landed = tip != record.base_commit and ahead == 0 and tip in counts
    dirty = _is_dirty(workspace, Path(record.worktree_path))
    return _Seen(
        status="merged" if record.status == "provisioned" and landed else record.status,
        ahead=ahead,
        behind=behind,
        dirty=bool(dirty),
        torn=dirty is None,
    )


def _is_dirty(workspace: Workspace, worktree: Path) -> bool | None:
    """Whether a worktree has changes; None where it is not there, or not one that git knows."""
    if not worktree.is_dir():
        return None
    try:
        return bool(read_changes(workspace.repo, worktree, untracked=True))
    except GitError:
        admin = find_admin_folder(worktree)
        if admin is not None and admin.is_dir():
            raise
        return None


def _describe(slice_: Slice, seen: Mapping[SliceId, _Seen]) -> SliceState:
    own = seen[slice_.slice_id]
    return SliceState(
        slice_id=slice_.slice_id,
        status=own.status,
        wave=slice_.wave,
        dependencies=slice_.dependencies,
        waits_for=tuple(
            needed for needed in slice_.dependencies if seen[needed].status not in FINISHED
        ),
        branch_name=slice_.branch_name,
        worktree_path=slice_.worktree_path,
        holder=None,
        expires_at=None,
        ahead=own.ahead,
        behind=own.behind,
        dirty=own.dirty,
        conflicts=(),
    )
