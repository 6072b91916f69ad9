"""Sparse worktrees: which files each holds, and bringing them into line with changed scopes."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import MappingProxyType

from gitslices.core.errors import GitslicesError
from gitslices.core.model import BranchName, Oid, Slice, SliceId
from gitslices.git.filling import set_checkout
from gitslices.git.worktrees import is_filled
from gitslices.scopes.language.entries import Access, parse_scope
from gitslices.scopes.tracked.sparse import Checkout, make_checkouts
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


def find_sparse_checkouts(
    workspace: Workspace, slices: Sequence[Slice | SliceRecord], base: Oid
) -> Mapping[SliceId, Checkout]:
    """The sparse checkout of each of `slices` on the tree of `base`."""
    if not slices:
        return {}
    accesses = [
        Access(
            read=parse_scope(one.read_scope),
            write=parse_scope(one.write_scope),
            checkout=parse_scope(one.checkout_scope),
        )
        for one in slices
    ]
    checkouts = make_checkouts(workspace.read_tree(base), accesses)
    return {one.slice_id: checkout for one, checkout in zip(slices, checkouts, strict=True)}


def find_recorded_sparse_checkouts(
    workspace: Workspace,
    records: Sequence[SliceRecord],
    tips: Mapping[BranchName, Oid] = MappingProxyType({}),
) -> Mapping[SliceId, Checkout]:
    """The checkout of every sparse one of `records`, on the commit that it started from.

    `tips` are the commits to take instead, where branches may have gone on since.
    """
    sparse = [record for record in records if record.sparse]
    commits = {one.slice_id: tips.get(one.branch_name, one.base_commit) for one in sparse}
    found: dict[SliceId, Checkout] = {}
    for commit in set(commits.values()):
        own = [record for record in sparse if commits[record.slice_id] == commit]
        found.update(find_sparse_checkouts(workspace, own, commit))
    return found


def refresh_sparse_checkouts(
    workspace: Workspace, store: Store, goal_id: str, slice_ids: Collection[SliceId], jobs: int
) -> tuple[str, ...]:
    """Fit those of `slice_ids` that are sparse to their scopes; return what could not be done.

    Git keeps files with changes, whatever the scopes say.
    """
    records = [
        record
        for record in store.read_slices(goal_id)
        if record.slice_id in slice_ids and _can_change(record)
    ]
    checkouts = find_recorded_sparse_checkouts(workspace, records)
    # By digest: git would go over the whole index to find that nothing changes.
    stale = [one for one in records if checkouts[one.slice_id].digest != one.sparse]
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        complaints = list(pool.map(partial(_refresh, workspace, checkouts), stale))
    for record, complaint in zip(stale, complaints, strict=True):
        # Only what git has done is recorded, so that the next apply tries the rest again.
        if complaint is None:
            store.write_sparse(record, checkouts[record.slice_id].digest)
    return tuple(
        f"{record.slice_id}: its sparse checkout was not changed: {complaint}"
        for record, complaint in zip(stale, complaints, strict=True)
        if complaint is not None
    )


def _can_change(record: SliceRecord) -> bool:
    return (
        bool(record.sparse)
        and not record.filling_operation
        and is_filled(Path(record.worktree_path))
    )


def _refresh(
    workspace: Workspace, checkouts: Mapping[SliceId, Checkout], record: SliceRecord
) -> str | None:
    checkout = checkouts[record.slice_id]
    try:
        set_checkout(workspace.repo, Path(record.worktree_path), checkout)
    except GitslicesError as error:
        return error.message
    return None
