"""Slices that are to stand: records and ports of new ones, and what is told on the way."""

import socket
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Final, Literal

from msgspec import Struct, structs

from gitslices.core.model import BranchName, Oid, Slice
from gitslices.slices.settings import read_settings
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


class Progress(Struct, frozen=True, kw_only=True):
    """`done` of `total` have come through `stage`: worktrees registered, or files written."""

    stage: Literal["register", "fill"]
    done: int
    total: int


OnProgress = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """For work that nobody watches, such as a recovery."""


FIRST_PORT: Final = 20_000
PORTS: Final = 10_000
"""The range ends below the ports that systems hand out by themselves, from 32768 on."""


def choose_ports(names: Sequence[str], taken: Collection[int], size: int = 1) -> tuple[int, ...]:
    """The first of `size` ports for each name: nobody listens there, nobody else has one of them.

    Those in `taken` are somebody's. A name gets the same ones again while they are free; 0 when
    there are none left.
    """
    own, chosen = set(taken), list[int]()
    for name in names:
        # Not `hash`, which differs from one process to the next.
        start = int.from_bytes(sha256(name.encode()).digest()[:8])
        firsts = (FIRST_PORT + (start + step) % PORTS for step in range(PORTS))
        blocks = (range(one, one + size) for one in firsts if one + size <= FIRST_PORT + PORTS)
        free = (one for one in blocks if own.isdisjoint(one) and all(map(_is_free, one)))
        block = next(free, range(0))
        own.update(block)
        chosen.append(block[0] if block else 0)
    return tuple(chosen)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it, a port whose server has just ended counts as taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # All addresses: a server that listens on a single one is in the way, too.
            probe.bind(("", port))
        except OSError:
            return False
    return True


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
        checkout_scope=slice_.checkout_scope,
        sparse=sparse,
    )


def give_ports(
    workspace: Workspace, store: Store, target: BranchName, records: Sequence[SliceRecord]
) -> tuple[SliceRecord, ...]:
    """The same records, each with as many ports as the settings want, which no other slice has."""
    size = read_settings(workspace, target).setup.ports if records else 1
    ports = choose_ports(
        # By branch, so that a slice made again has its port again; by repository, so that two
        # of them with the same branches start apart.
        [f"{workspace.repo.common_dir}:{record.branch_name}" for record in records],
        {
            port
            for record in store.read_slices()
            if record.port
            for port in range(record.port, record.port + record.ports)
        },
        size,
    )
    return tuple(
        structs.replace(record, port=port, ports=size)
        for record, port in zip(records, ports, strict=True)
    )
