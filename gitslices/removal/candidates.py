"""Slices that might be taken away, as git and the store have them now."""

import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from msgspec import Struct

from gitslices.core.model import BranchName, Oid
from gitslices.git.compare import count_all_ahead_behind
from gitslices.git.read import count_unreferenced, find_tip, read_tips
from gitslices.git.reflog import Stretch, find_worked
from gitslices.git.uncommitted import Leftovers, count_unpushed, find_hidden_changes, read_leftovers
from gitslices.git.worktrees import LOCK_REASON
from gitslices.removal.disposable import IsDisposable
from gitslices.rules.removal import Retirable
from gitslices.slices.location import (
    Whereabouts,
    find_link,
    find_moved,
    find_other_user,
    look_for_worktrees,
)
from gitslices.state.landings import read_landed_tips
from gitslices.state.store import SliceRecord, Store
from gitslices.system.copies import is_copied
from gitslices.workspace import Workspace


class Candidate(Struct, frozen=True, kw_only=True):
    """A slice that might be taken away, and what speaks for and against it.

    `head` is the commit of a detached HEAD, `admin` git's folder for the worktree.
    """

    record: SliceRecord
    tip: Oid | None
    head: Oid | None
    admin: Path | None
    facts: Retirable


class _Sight(Struct, frozen=True, kw_only=True):
    """What is asked of git once for all candidates.

    `idle` are branches that were only brought up to date, and have no commit of their own.
    """

    tips: Mapping[BranchName, Oid]
    target: Oid | None
    ahead: Mapping[Oid, int]
    idle: Collection[BranchName]
    places: Whereabouts
    main: Path | None
    is_disposable: IsDisposable


def find_candidates(
    workspace: Workspace,
    store: Store,
    records: Sequence[SliceRecord],
    target: BranchName,
    is_disposable: IsDisposable,
) -> tuple[Candidate, ...]:
    """What git says of each of `records` now, and what the store says of those it squashed.

    `is_disposable` tells of an ignored path that it is no loss.
    """
    sight = _look_around(workspace, store, records, target, is_disposable)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return tuple(pool.map(partial(_look_at, workspace, sight), records))


def _look_around(
    workspace: Workspace,
    store: Store,
    records: Sequence[SliceRecord],
    target: BranchName,
    is_disposable: IsDisposable,
) -> _Sight:
    tips = read_tips(workspace.repo, (record.branch_name for record in records))
    landed_in = find_tip(workspace.repo, target)
    counts = count_all_ahead_behind(workspace.repo, tips.values(), landed_in) if landed_in else {}
    landed = {
        tip
        for goal_id in {record.goal_id for record in records}
        for tip in read_landed_tips(store, goal_id).values()
    }
    reached = {
        one.branch_name: Stretch(one.base_commit, tip)
        for one in records
        if (tip := tips.get(one.branch_name)) is not None and counts.get(tip, (1, 0))[0] == 0
    }
    return _Sight(
        tips=tips,
        target=landed_in,
        idle=reached.keys() - find_worked(workspace.repo, reached, target),
        ahead={commit: 0 if commit in landed else ahead for commit, (ahead, _) in counts.items()},
        places=look_for_worktrees(workspace, records),
        main=workspace.main_worktree,
        is_disposable=is_disposable,
    )


def _look_at(workspace: Workspace, sight: _Sight, record: SliceRecord) -> Candidate:
    path = Path(record.worktree_path)
    tip = sight.tips.get(record.branch_name)
    worktree = sight.places.worktrees.get(record.worktree_path)
    link = find_link(sight.places, record)
    there = worktree is not None and link == "whole"
    left = read_leftovers(workspace.repo, path) if there else Leftovers()
    # Not from the `.git` file: whoever works in the worktree can write anything into it.
    admin = sight.places.admins.get(record.worktree_path)
    hidden = _find_hidden(workspace, record, admin) if there and admin else ()
    head = worktree.head if worktree and worktree.branch is None else None
    locked = worktree.locked if worktree else None
    unworked = tip in (None, record.base_commit) or record.branch_name in sight.idle
    untouched = unworked and record.status != "merged"
    facts = Retirable(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        changed=(*left.changed, *hidden),
        ignored=tuple(one for one in left.ignored if _is_precious(sight, path, one)),
        ahead=sight.ahead[tip] if tip and sight.target else int(not untouched),
        detached=count_unreferenced(workspace.repo, head) if head else 0,
        unpushed=count_unpushed(workspace.repo, admin) if admin else {},
        untouched=untouched,
        locked=None if locked is None or locked.startswith(LOCK_REASON) else locked,
        busy=bool(record.filling_operation),
        claimed=record.status == "claimed",
        estranged=link == "foreign",
        cut_off=link == "broken",
        moved_to=_show(find_moved(sight.places, record)),
        used_at=_show(find_other_user(sight.places, record)),
    )
    return Candidate(record=record, tip=tip, head=head, admin=admin, facts=facts)


def _is_precious(sight: _Sight, worktree: Path, path: str) -> bool:
    """Whether an ignored path is nowhere else: neither made again, nor alike in the main one."""
    if sight.is_disposable(path):
        return False
    return sight.main is None or not is_copied(worktree / path, sight.main / path)


def _find_hidden(workspace: Workspace, record: SliceRecord, admin: Path) -> tuple[str, ...]:
    return find_hidden_changes(
        workspace.repo, Path(record.worktree_path), admin / "index", commit=record.base_commit
    )


def _show(path: Path | None) -> str | None:
    return str(path) if path else None
