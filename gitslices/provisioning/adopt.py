"""Take worktrees back into a store that has lost them, as when its folder was deleted."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from gitslices.core.model import BranchName, Oid, Slice, SliceId
from gitslices.git.compare import find_merge_bases
from gitslices.git.links import read_admin_folders
from gitslices.git.read import find_target_tip, read_tips
from gitslices.git.refs import find_start
from gitslices.git.repository import Repository
from gitslices.provisioning.wanted import Wanted, give_ports, make_record
from gitslices.slices.claims import free_slice
from gitslices.slices.marks import Mark, find_mark
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.workspace import Workspace

# The digest of no patterns: the worktree is then brought into line with its scopes.
_OTHER_PATTERNS: Final = "unknown"


def find_unrecorded(
    workspace: Workspace, store: Store, wanted: Wanted, known: Mapping[SliceId, SliceRecord]
) -> tuple[SliceRecord, ...]:
    """Records for `wanted` slices that stand where they should, though nothing is `known` of them.

    Such a worktree has gitslices' own mark in git's folder for it, and there is the slice's branch.
    Its base becomes the last commit that it shares with the target or, where the target has all of
    it, the one that its branch was made at: so what was merged stays merged.
    """
    marked = list(_find_marked(workspace, wanted, known))
    target = find_target_tip(workspace.repo, wanted.target) if marked else None
    # Without a target no base can be told, and a wrong one makes others' commits the slice's.
    if target is None:
        return ()
    tips = read_tips(workspace.repo, (slice_.branch_name for slice_, _ in marked))
    found = []
    for slice_, is_sparse in marked:
        tip = tips.get(slice_.branch_name)
        base = _find_base(workspace.repo, slice_.branch_name, tip, target) if tip else None
        if base:
            sparse = _OTHER_PATTERNS if is_sparse else ""
            found.append(make_record(wanted.goal_id, slice_, base, sparse=sparse))
    return give_ports(workspace, store, wanted.target, found)


def adopt(
    workspace: Workspace, store: Store, unrecorded: tuple[SliceRecord, ...]
) -> tuple[str, ...]:
    """Record `unrecorded`; returns what is to be said of them."""
    if not unrecorded:
        return ()
    now = workspace.now()
    with store.transaction():
        store.write_slices(unrecorded)
        store.write_events(
            [
                Event(at=now, goal_id=one.goal_id, slice_id=one.slice_id, event="adopted",
                      detail={"branch": one.branch_name, "base_commit": one.base_commit})
                for one in unrecorded
            ]
        )  # fmt: skip
    # The claims are lost, and with them who would end them: their locks would keep all away.
    for one in unrecorded:
        free_slice(workspace, store, one.goal_id, one.slice_id)
    return tuple(
        f"{one.slice_id}: taken over as it stands; claims, gates and reviews from before are lost"
        for one in unrecorded
    )


def _find_marked(
    workspace: Workspace, wanted: Wanted, known: Mapping[SliceId, SliceRecord]
) -> Iterator[tuple[Slice, bool]]:
    """Each such slice, and whether its worktree is sparse."""
    unknown = [
        one
        for one in wanted.slices
        if one.slice_id not in known and Path(one.worktree_path, ".git").exists()
    ]
    # From git's own folders: the worktree's `.git` file is open to whoever works there.
    admins = read_admin_folders(workspace.repo.common_dir) if unknown else {}
    for slice_ in unknown:
        admin = admins.get(slice_.worktree_path)
        mark = Mark(goal_id=wanted.goal_id, slice_id=slice_.slice_id)
        if admin is not None and find_mark(admin) == mark:
            yield slice_, (admin / "info" / "sparse-checkout").exists()


def _find_base(repo: Repository, branch: BranchName, tip: Oid, target: Oid) -> Oid | None:
    shared = next(iter(find_merge_bases(repo, tip, target)), None)
    return (find_start(repo, branch) or tip) if shared == tip else shared
