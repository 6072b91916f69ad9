"""What of a plan is committed, so that a clean clone can judge a branch by it."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from gitslices.core.decoding import decode_json
from gitslices.core.errors import InputError
from gitslices.core.model import BranchName, Plan, SliceId

LOCK_FILE: Final = "gitslices.lock"
_VERSION: Final = 1
_REMEDY: Final = f"write it anew: gitslices plan --write-lock {LOCK_FILE}"


class LockedSlice(Struct, frozen=True, kw_only=True):
    """A slice, its branch, and what it may write and reads."""

    slice_id: SliceId
    branch_name: BranchName
    dependencies: tuple[SliceId, ...]
    read_scope: tuple[str, ...]
    write_scope: tuple[str, ...]


class PlanLock(Struct, frozen=True, kw_only=True):
    """The slices of a plan in its order, and the digest of the graph that they come from.

    No commit is in it: it stays as it is while the target goes on.
    """

    schema_version: int
    goal_id: str
    graph_digest: str
    target: BranchName
    slices: tuple[LockedSlice, ...]


def make_lock(plan: Plan) -> PlanLock:
    """What is kept of `plan`."""
    return PlanLock(
        schema_version=_VERSION,
        goal_id=plan.goal_id,
        graph_digest=plan.graph_digest,
        target=plan.target,
        slices=tuple(
            LockedSlice(
                slice_id=one.slice_id,
                branch_name=one.branch_name,
                dependencies=one.dependencies,
                read_scope=one.read_scope,
                write_scope=one.write_scope,
            )
            for one in plan.slices
        ),
    )


def encode_locks(locks: Sequence[PlanLock]) -> bytes:
    """The file of these plans: the same bytes for the same plans."""
    return msgspec.json.format(msgspec.json.encode(locks)) + b"\n"


def decode_locks(data: bytes, name: str) -> tuple[PlanLock, ...]:
    """What the file `name` holds; raise `InputError` where it is no such file."""
    try:
        locks = decode_json(data, tuple[PlanLock, ...])
    except msgspec.MsgspecError as error:
        raise InputError(f"{name} cannot be read: {error}", hint=_REMEDY) from error
    newer = [one for one in locks if one.schema_version > _VERSION]
    if newer:
        raise InputError(f"{name} was written by a newer gitslices", hint="upgrade gitslices")
    return locks


def replace_lock(locks: Sequence[PlanLock], lock: PlanLock) -> tuple[PlanLock, ...]:
    """`locks` with that of one goal in the place of its former one, or at the end."""
    others = {one.goal_id: one for one in locks}
    return tuple({**others, lock.goal_id: lock}.values())
