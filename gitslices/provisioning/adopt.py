"""Take worktrees back into a store that has lost them, as when its folder was deleted."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import structs

from gitslices.core.model import BranchName, Oid, Plan, Slice, SliceId
from gitslices.git.compare import find_merge_bases
from gitslices.git.links import read_admin_folders
from gitslices.git.read import find_tip, read_tips
from gitslices.git.reflog import find_start
from gitslices.git.repository import Repository
from gitslices.slices.marks import Mark, find_mark
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.system.ports import choose_ports
from gitslices.workspace import Workspace

# The digest of no patterns: the worktree is then brought into line with its scopes.
_OTHER_PATTERNS: Final = "unknown"


def find_orphans(
    workspace: Workspace, store: Store, plan: Plan, known: Mapping[SliceId, SliceRecord]
) -> tuple[SliceRecord, ...]:
    """Records for slices of `plan` that stand where it wants them, though nothing is `known`.

    Such a worktree has gitslices' own mark in git's folder for it, and there is the slice's branch.
    Its base becomes the last commit that it shares with the target or, where the target has all of
    it, the one that its branch was made at: so what was merged stays merged.
    """
    standing = list(_find_standing(workspace, plan, known))
    target = find_tip(workspace.repo, plan.target) if standing else None
    if target is None:
        return ()
    tips = read_tips(workspace.repo, (slice_.branch_name for slice_, _ in standing))
    found = []
    for slice_, is_sparse in standing:
        tip = tips.get(slice_.branch_name)
        base = _find_base(workspace.repo, slice_.branch_name, tip, target) if tip else None
        if base:
            record = SliceRecord(
                goal_id=plan.goal_id,
                slice_id=slice_.slice_id,
                status="provisioned",
                branch_name=slice_.branch_name,
                worktree_path=slice_.worktree_path,
                base_commit=base,
                read_scope=slice_.read_scope,
                write_scope=slice_.write_scope,
                sparse=_OTHER_PATTERNS if is_sparse else "",
            )
            found.append(record)
    ports = choose_ports(
        [f"{workspace.repo.common_dir}:{record.branch_name}" for record in found],
        frozenset(record.port for record in store.read_slices()),
    )
    pairs = zip(found, ports, strict=True)
    return tuple(structs.replace(record, port=port) for record, port in pairs)


def adopt(workspace: Workspace, store: Store, orphans: tuple[SliceRecord, ...]) -> tuple[str, ...]:
    """Record `orphans`; returns what is to be said of them."""
    if not orphans:
        return ()
    now = workspace.now()
    with store.transaction():
        store.write_slices(orphans)
        store.write_events(
            [
                Event(at=now, goal_id=one.goal_id, slice_id=one.slice_id, event="adopted",
                      detail={"branch": one.branch_name, "base_commit": one.base_commit})
                for one in orphans
            ]
        )  # fmt: skip
    return tuple(
        f"{one.slice_id}: taken over as it stands; claims, gates and reviews from before are lost"
        for one in orphans
    )


def _find_standing(
    workspace: Workspace, plan: Plan, known: Mapping[SliceId, SliceRecord]
) -> Iterator[tuple[Slice, bool]]:
    """Each such slice, and whether its worktree is sparse."""
    unknown = [
        one
        for one in plan.slices
        if one.slice_id not in known and Path(one.worktree_path, ".git").exists()
    ]
    admins = read_admin_folders(workspace.repo.common_dir) if unknown else {}
    for slice_ in unknown:
        admin = admins.get(slice_.worktree_path)
        mark = Mark(goal_id=plan.goal_id, slice_id=slice_.slice_id)
        if admin is not None and find_mark(admin) == mark:
            yield slice_, (admin / "info" / "sparse-checkout").exists()


def _find_base(repo: Repository, branch: BranchName, tip: Oid, target: Oid) -> Oid | None:
    shared = next(iter(find_merge_bases(repo, tip, target)), None)
    return (find_start(repo, branch) or tip) if shared == tip else shared
