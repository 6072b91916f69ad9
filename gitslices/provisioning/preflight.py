"""Decide what makes slices stand, and refuse it with everything that is in the way."""

from collections.abc import Mapping, Sequence
from functools import partial

from msgspec import Struct, structs

from gitslices.core.errors import DiskError, Problem, RefusedError
from gitslices.core.model import GONE, Oid, Slice, SliceId
from gitslices.core.naming import count, list_some
from gitslices.git.filling import is_partial
from gitslices.git.ignored import find_recorder
from gitslices.git.read import read_branches, read_sizes
from gitslices.git.uncommitted import read_uncommitted
from gitslices.git.worktrees import Worktree, read_worktrees
from gitslices.provisioning.sparse import find_sparse_checkouts
from gitslices.provisioning.wanted import Wanted
from gitslices.rules.reconcile import Observed, Reconciliation, Recorded, reconcile
from gitslices.rules.worktree_root import (
    Load,
    Place,
    find_disk_problems,
    find_place_problems,
    make_load,
)
from gitslices.scopes.tracked.sparse import Checkout
from gitslices.slices.location import WorktreeMap
from gitslices.slices.snapshot import Snapshot
from gitslices.state.sharing import list_shared_goals
from gitslices.state.store import SliceRecord, Store
from gitslices.system.folders import find_occupied, survey_place
from gitslices.workspace import Workspace

_Known = Mapping[SliceId, SliceRecord]


class Decision(Struct, frozen=True):
    """The steps to take, and the checkouts of those new slices that get a sparse worktree."""

    steps: Reconciliation
    checkouts: Mapping[SliceId, Checkout]


def decide(
    workspace: Workspace,
    store: Store,
    wanted: Wanted,
    known: _Known,
    *,
    ready_only: bool = False,
    allow_dirty: bool = True,
    sparse: bool = False,
    problems: Sequence[Problem] = (),
) -> Decision:
    """What makes the `wanted` slices stand; nothing is changed.

    Raises `RefusedError` with every offender, `problems` that are known already in front;
    `DiskError` where only the disk is in the way.
    """
    worktrees = read_worktrees(workspace.repo)
    observed = _observe(workspace, store, wanted, known, worktrees)
    steps = reconcile(wanted.slices, observed, ready_only=ready_only)
    created = steps.select("create")
    checkouts = find_sparse_checkouts(workspace, created, wanted.base) if sparse else {}
    found = [*problems, *steps.problems]
    lacks: Sequence[Problem] = ()
    if created and not allow_dirty:
        found += _find_dirt(workspace)
    made = (*created, *steps.select("restore"))
    if made:
        found += _find_away(workspace, store) if created else ()
        paths = [one.path for one in worktrees if not (one.bare or one.missing)]
        root = workspace.worktree_root
        recorder = find_recorder(workspace.repo, root, paths)
        place = structs.replace(
            survey_place(root, paths), recorder=str(recorder) if recorder else None
        )
        loads = _measure(workspace, wanted.base, made, checkouts, place)
        found += find_place_problems(place, loads)
        lacks = find_disk_problems(place, loads)
    _refuse(found, lacks)
    return Decision(steps, checkouts)


def _refuse(problems: Sequence[Problem], lacks: Sequence[Problem]) -> None:
    found = (*problems, *lacks)
    if not found:
        return
    said = count(len(found), "thing", ("is", "are"))
    # With nothing else in the way no other input would help: the machine has to change (exit 3).
    kind = RefusedError if problems else DiskError
    raise kind(f"{said} in the way; nothing was changed", problems=found)


def _observe(
    workspace: Workspace,
    store: Store,
    wanted: Wanted,
    known: _Known,
    worktrees: Sequence[Worktree],
) -> Observed:
    # All of them: a branch `slices` leaves no room for `slices/x`, nor does `slices/x/y`.
    branches = frozenset(read_branches(workspace.repo))
    present = frozenset(str(worktree.path) for worktree in worktrees if not worktree.missing)
    snapshot = Snapshot(workspace, store, wanted, records=known.values())
    return Observed(
        existing={
            slice_id: Recorded(
                status="merged"
                if slice_id in snapshot.landed
                else snapshot.find_recorded_status(slice_id),
                worktree_path=record.worktree_path,
                scopes=record.planned_scopes,
                has_branch=record.branch_name in branches,
                has_worktree=record.worktree_path in present,
                faults=snapshot.find_faults(record, alone=True),
            )
            for slice_id, record in known.items()
        },
        branches=branches,
        occupied=find_occupied([slice_.worktree_path for slice_ in wanted.slices]),
        worktrees=present,
        lost=frozenset(str(worktree.path) for worktree in worktrees if worktree.missing),
        folding=workspace.folding,
    )


def _find_away(workspace: Workspace, store: Store) -> list[Problem]:
    """What keeps new worktrees from being made where others are on a disk that is away."""
    root = workspace.worktree_root
    # Of a shared goal there are slices that never had a worktree here.
    shared = list_shared_goals(store)
    recorded = (
        one.worktree_path
        for one in store.read_slices()
        if one.status not in GONE and one.goal_id not in shared
    )
    away = WorktreeMap(workspace).find_away_beneath(root, recorded)
    if away is None:
        return []
    return [Problem(str(root), f"the worktrees there are away: {away.problem}", away.hint)]


def _find_dirt(workspace: Workspace) -> list[Problem]:
    main = workspace.main_worktree
    changed = read_uncommitted(workspace.repo, main, untracked=False) if main else ()
    if not changed:
        return []
    return [
        Problem(
            str(main),
            f"the main worktree has uncommitted changes: {list_some(changed)}",
            "commit or stash them, or go on without them: --allow-dirty",
        )
    ]


def _measure(
    workspace: Workspace,
    commit: Oid,
    made: Sequence[Slice],
    checkouts: Mapping[SliceId, Checkout],
    place: Place,
) -> list[tuple[Slice, Load]]:
    # In a partial clone, asking for sizes would fetch every file, one at a time.
    if is_partial(workspace.config):
        sizes = dict.fromkeys(workspace.read_tree(commit).paths, 0)
    else:
        sizes = read_sizes(workspace.repo, commit)
    weigh = partial(make_load, block=place.block, tracked=len(sizes))
    whole = weigh(sizes)
    return [
        (slice_, weigh({path: sizes[path] for path in checkouts[slice_.slice_id].paths})
         if slice_.slice_id in checkouts else whole)
        for slice_ in made
    ]  # fmt: skip
