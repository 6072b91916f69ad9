"""Which slices of an applied plan have been begun, as far as records and branches tell."""

import os
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from gitslices.core.model import FINISHED, BranchName, Oid, Plan, SliceId, SliceStatus, Underway
from gitslices.core.naming import natural_key
from gitslices.git.read import read_tips
from gitslices.git.uncommitted import find_uncommitted
from gitslices.planning.diff import find_predecessors
from gitslices.slices.situation import find_landed
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace

_BEGUN: Final[tuple[SliceStatus, ...]] = ("claimed", "done", "conflicted")

Records = Mapping[SliceId, SliceRecord]


def read_underway(workspace: Workspace, applied: Plan) -> Underway:
    """What a new plan of the same goal must leave where it is."""
    with workspace.open_store() as store:
        records = {record.slice_id: record for record in store.read_slices(applied.goal_id)}
    tips = read_tips(workspace.repo, (record.branch_name for record in records.values()))
    landed = find_landed(workspace, list(records.values()), applied.target)
    finished = landed | {id_ for id_, record in records.items() if record.status in FINISHED}
    started = _find_started(workspace, records, tips) - finished
    return Underway(
        finished=_sort_as_applied(finished, applied),
        started=_sort_as_applied(started, applied),
        ordered=_list_ordered(started, applied),
    )


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
        elif not record.filling_operation:
            untouched.append(record)
    return started | _find_changed(workspace, untouched)


def _find_changed(workspace: Workspace, records: Sequence[SliceRecord]) -> set[SliceId]:
    """Those whose worktree holds work that is not committed."""
    from concurrent.futures import ThreadPoolExecutor

    worktrees = [Path(record.worktree_path) for record in records]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        changed = pool.map(partial(find_uncommitted, workspace.repo), worktrees)
        return {record.slice_id for record, any_ in zip(records, changed, strict=True) if any_}


def _sort_as_applied(ids: Collection[SliceId], applied: Plan) -> tuple[SliceId, ...]:
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
