"""Which slices of an applied plan have been begun, as far as records and branches tell."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from gitslices.changes import find_predecessors
from gitslices.git.read import HEADS, find_commit, read_branches
from gitslices.git.worktrees import read_changes
from gitslices.model import BranchName, Oid, Plan, SliceId, SliceStatus, Underway
from gitslices.naming import natural_key
from gitslices.reconcile import FINISHED
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace

_BEGUN: Final[tuple[SliceStatus, ...]] = ("claimed", "done", "conflicted")

Records = Mapping[SliceId, SliceRecord]


def read_underway(workspace: Workspace, applied: Plan) -> Underway:
    """What a new plan of the same goal must leave where it is."""
    with workspace.open_store() as store:
        records = {record.slice_id: record for record in store.read_slices(applied.goal_id)}
    tips = read_branches(workspace.repo, [workspace.prefix])
    finished = _find_finished(workspace, applied, records, tips)
    started = _find_started(workspace, records, tips) - finished
    return Underway(
        finished=_sort_as_applied(finished, applied),
        started=_sort_as_applied(started, applied),
        ordered=_list_ordered(started, applied),
    )


def _find_finished(
    workspace: Workspace, applied: Plan, records: Records, tips: Mapping[BranchName, Oid]
) -> set[SliceId]:
    finished = {id_ for id_, record in records.items() if record.status in FINISHED}
    target = find_commit(workspace.repo, HEADS + applied.target)
    if target is None:
        return finished
    merged = read_branches(workspace.repo, [workspace.prefix], merged_into=target)
    return finished | {
        id_
        for id_, record in records.items()
        if record.status == "provisioned"
        and record.branch_name in merged
        and tips.get(record.branch_name) != record.base_commit
    }


def _find_started(
    workspace: Workspace, records: Records, tips: Mapping[BranchName, Oid]
) -> set[SliceId]:
    started = {id_ for id_, record in records.items() if record.status in _BEGUN}
    untouched = []
    for id_, record in records.items():
        tip = tips.get(record.branch_name)
        if record.status != "provisioned" or tip is None:
            continue
        if tip != record.base_commit:
            started.add(id_)
        elif not record.filler:
            untouched.append(record)
    return started | _find_changed(workspace, untouched)


def _find_changed(workspace: Workspace, records: Sequence[SliceRecord]) -> set[SliceId]:
    """Those whose worktree holds work that is not committed."""
    from concurrent.futures import ThreadPoolExecutor

    def is_changed(record: SliceRecord) -> bool:
        path = Path(record.worktree_path)
        return path.is_dir() and bool(read_changes(workspace.repo, path, untracked=True))

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        changed = pool.map(is_changed, records)
        return {record.slice_id for record, yes in zip(records, changed, strict=True) if yes}


def _sort_as_applied(ids: set[SliceId], applied: Plan) -> tuple[SliceId, ...]:
    place = {slice_.slice_id: number for number, slice_ in enumerate(applied.slices)}
    return tuple(sorted(ids, key=lambda id_: (place.get(id_, len(place)), natural_key(id_))))


def _list_ordered(started: set[SliceId], applied: Plan) -> frozenset[tuple[SliceId, SliceId]]:
    numbers = {slice_.slice_id: number for number, slice_ in enumerate(applied.slices)}
    known = [id_ for id_ in started if id_ in numbers]
    before = find_predecessors(applied, numbers) if known else {}
    return frozenset(
        (earlier, later)
        for later in known
        for earlier in known
        if before[later] >> numbers[earlier] & 1
    )
