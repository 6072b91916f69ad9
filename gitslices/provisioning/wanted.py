"""Slices that are to stand, and the records that new ones of them get."""

from collections.abc import Sequence

from msgspec import Struct, structs

from gitslices.core.model import BranchName, Oid, Slice
from gitslices.state.store import SliceRecord, Store
from gitslices.system.ports import choose_ports
from gitslices.workspace import Workspace


class Wanted(Struct, frozen=True, kw_only=True):
    """Slices of one goal that are to have a branch and a worktree.

    New ones start from the commit `base`; `target` is the branch that they will be merged into.
    """

    goal_id: str
    slices: tuple[Slice, ...]
    base: Oid
    target: BranchName


def make_record(goal_id: str, slice_: Slice, base: Oid, *, sparse: str = "") -> SliceRecord:
    """The record of a slice that starts from `base`; `give_ports` makes it complete."""
    return SliceRecord(
        goal_id=goal_id,
        slice_id=slice_.slice_id,
        status="provisioned",
        branch_name=slice_.branch_name,
        worktree_path=slice_.worktree_path,
        base_commit=base,
        read_scope=slice_.read_scope,
        write_scope=slice_.write_scope,
        sparse=sparse,
    )


def give_ports(
    workspace: Workspace, store: Store, records: Sequence[SliceRecord]
) -> tuple[SliceRecord, ...]:
    """The same records, each with a port that no other slice has."""
    ports = choose_ports(
        # By branch, so that a slice made again has its port again; by repository, so that two
        # of them with the same branches start apart.
        [f"{workspace.repo.common_dir}:{record.branch_name}" for record in records],
        frozenset(record.port for record in store.read_slices()),
    )
    return tuple(
        structs.replace(record, port=port) for record, port in zip(records, ports, strict=True)
    )
