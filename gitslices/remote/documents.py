"""The files of the shared state: a small one for each goal, slice and lease, always the same bytes.

Whoever may push to the remote may have written them, so what is read is held against what it can
be: a file that is too large, of another type, at another place than its ids say, is refused.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from gitslices.core.decoding import decode_json
from gitslices.core.errors import ScopeError, StateError
from gitslices.core.model import BranchName, Oid, Plan, SliceId, SliceStatus, TaskGraph
from gitslices.core.naming import find_task_name
from gitslices.rules.attempts import Failure
from gitslices.rules.evidence import GateRun, Review
from gitslices.scopes.language.entries import parse_scope
from gitslices.state.landings import Landing
from gitslices.state.leases import Ending

VERSION: Final = 1
HEAD_FILE: Final = "state.json"
LARGEST_FILE: Final = 32 * 1024 * 1024
MOST_FILES: Final = 200_000
_LONGEST_NAME: Final = 200

_Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
_Count = Annotated[int, Meta(ge=0, le=10**12)]
_Seconds = Annotated[int, Meta(ge=0, le=10**9)]
_IS_COMMIT: Final = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?").fullmatch
_IS_BRANCH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_OTHER: Final = re.compile("[^a-z0-9]+")

_File = TypeVar("_File", bound=Struct)


class StateHead(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is so of the state as a whole: its format, and the largest token given out."""

    version: _Count = VERSION
    last_token: _Count = 0


class GoalFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A goal. Its plan has no place of any machine, and its target is the remote's branch."""

    goal_id: str
    applied_at: _Time
    closed_at: _Time | None = None
    graph: TaskGraph
    plan: Plan


class EndedLease(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lease that has ended, and why its attempt failed, if it did."""

    token: _Count
    holder: str
    ttl: _Seconds
    claimed_at: _Time
    ended_at: _Time
    ending: Ending
    failure: Failure | None = None


class HeldSlice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who keeps a slice from workers, since when and why."""

    by: str
    at: _Time
    reason: Annotated[str, Meta(max_length=2000)]


class SliceFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A slice that somebody has had: how it stands, and what speaks for it.

    `clone` has worked on it last and pushed `tip`. Without a `status` it is open to all.
    """

    goal_id: str
    slice_id: SliceId
    status: SliceStatus | None = None
    clone: str = ""
    tip: Oid | None = None
    base_commit: Oid | None = None
    allowed_scope: tuple[str, ...] = ()
    landing: Landing | None = None
    conflicts: tuple[str, ...] = ()
    on_hold: HeldSlice | None = None
    leases: tuple[EndedLease, ...] = ()
    gate_runs: tuple[GateRun, ...] = ()
    reviews: tuple[Review, ...] = ()


class LeaseFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lease that nobody has ended; it `lasts` so many seconds from when it was written."""

    goal_id: str
    slice_id: SliceId
    token: _Count
    holder: str
    clone: str
    ttl: _Seconds
    lasts: _Seconds
    claimed_at: _Time
    expires_at: _Time
    waiting: str | None = None
    waiting_since: _Time | None = None


StateFile = StateHead | GoalFile | SliceFile | LeaseFile


def encode_file(file: StateFile) -> bytes:
    """The bytes of a file: equal values are equal bytes."""
    encoded = msgspec.json.encode(file, order="sorted")
    return msgspec.json.format(encoded, indent=1) + b"\n"


def name_goal_file(goal_id: str) -> str:
    """Where a goal is."""
    return f"goals/{_name(goal_id)}.json"


def name_slice_file(goal_id: str, slice_id: str) -> str:
    """Where a slice is: few in one folder, so that a change is small."""
    name = _name(slice_id)
    return f"slices/{_name(goal_id)}/{name[-2:]}/{name}.json"


def name_lease_file(goal_id: str, slice_id: str) -> str:
    """Where the open lease of a slice is."""
    return f"leases/{_name(goal_id)}/{_name(slice_id)}.json"


def decode_file(path: str, data: bytes) -> StateFile:
    """What the file at `path` says; raise `StateError` for what nobody of us has written."""
    kind = _find_kind(path)
    if len(data) > LARGEST_FILE:
        raise _refuse(path, f"it is larger than {LARGEST_FILE} bytes")
    try:
        file = decode_json(data, kind)
        _check(file)
    except (msgspec.MsgspecError, ScopeError, ValueError) as error:
        raise _refuse(path, str(error)) from error
    expected = _name_file(file)
    if expected != path:
        raise _refuse(path, f"what it says belongs at {expected!r}")
    return file


def decode_as(path: str, data: bytes, kind: type[_File]) -> _File:
    """The same for a file that was read before."""
    file = decode_file(path, data)
    assert isinstance(file, kind), "its place says what it is"  # noqa: S101
    return file


def _name_file(file: StateFile) -> str:
    if isinstance(file, GoalFile):
        return name_goal_file(file.goal_id)
    if isinstance(file, SliceFile):
        return name_slice_file(file.goal_id, file.slice_id)
    return (
        name_lease_file(file.goal_id, file.slice_id) if isinstance(file, LeaseFile) else HEAD_FILE
    )


def _find_kind(path: str) -> type[StateFile]:
    kinds: Mapping[str, type[StateFile]] = {
        "goals": GoalFile, "slices": SliceFile, "leases": LeaseFile,
    }  # fmt: skip
    kind = StateHead if path == HEAD_FILE else kinds.get(path.partition("/")[0])
    if kind is None:
        raise _refuse(path, "nothing of ours is there")
    return kind


def _refuse(path: str, why: str) -> StateError:
    return StateError(
        f"the shared state has a file {path[:200]!r} that cannot be taken: {why}",
        hint="nothing was changed; whoever can push to the remote can have written it, "
        "see: gitslices doctor",
    )


def _name(id_: str) -> str:
    # Readable for people, and never two alike, on file systems that fold case either.
    slug = _OTHER.sub("-", id_.lower()).strip("-")[:40]
    digest = sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{slug}-{digest}" if slug else digest


def _check(file: StateFile) -> None:
    if isinstance(file, GoalFile):
        _check_goal(file)
    elif isinstance(file, SliceFile):
        _check_commits(file.tip, file.base_commit)
        if file.landing is not None:
            _check_commits(file.landing.tip, file.landing.landed_as)
        if file.status in {"claimed", "planned"}:
            raise ValueError(f"status {file.status!r} is none that is kept")
        parse_scope(file.allowed_scope) if file.allowed_scope else None
        _check_names(file.clone, *(one.holder for one in file.leases))
        _check_ids(file.goal_id, file.slice_id, (*file.gate_runs, *file.reviews))
        _check_names(file.on_hold.by) if file.on_hold else None
    elif isinstance(file, LeaseFile):
        _check_names(file.clone, file.holder)
    elif file.version != VERSION:
        raise ValueError(f"it is of format {file.version}, and this gitslices knows {VERSION}")


def _check_ids(goal_id: str, slice_id: str, proofs: tuple[GateRun | Review, ...]) -> None:
    for one in proofs:
        _check_commits(one.commit)
        if (one.goal_id, one.slice_id) != (goal_id, slice_id):
            raise ValueError(f"it speaks of slice {one.slice_id!r}")


def _check_goal(file: GoalFile) -> None:
    plan = file.plan
    if {file.goal_id, plan.goal_id, file.graph.goal_id} != {file.goal_id}:
        raise ValueError("its graph and its plan are of other goals")
    _check_commits(plan.base.commit)
    _check_branch(plan.target)
    seen: set[SliceId] = set()
    branches: set[BranchName] = set()
    for slice_ in plan.slices:
        # A plan lists what is needed before what needs it: so nothing waits for itself.
        if not seen.issuperset(slice_.dependencies) or slice_.slice_id in seen:
            raise ValueError(f"the slices before {slice_.slice_id!r} are not in order")
        seen.add(slice_.slice_id)
        _check_branch(slice_.branch_name)
        name = find_task_name(slice_.worktree_name)
        own = name and slice_.branch_name.endswith(f"/{name.goal}/{name.task}")
        if slice_.branch_name in branches or not own:
            raise ValueError(f"slice {slice_.slice_id!r} is called as none is")
        branches.add(slice_.branch_name)
        if slice_.worktree_path:
            raise ValueError("it names a place on a machine")
        parse_scope(slice_.write_scope)
        parse_scope(slice_.read_scope) if slice_.read_scope else None


def _check_commits(*commits: Oid | None) -> None:
    for commit in commits:
        if commit is not None and not _IS_COMMIT(commit):
            raise ValueError(f"{commit[:80]!r} is no commit")


def _check_branch(name: BranchName) -> None:
    parts = name.split("/")
    flaws = (len(name) > _LONGEST_NAME * 2, not _IS_BRANCH.fullmatch(name), ".." in name,
             any(one.endswith((".lock", ".")) for one in parts))  # fmt: skip
    if any(flaws):
        raise ValueError(f"{name[:80]!r} is no branch of ours")


def _check_names(*names: str) -> None:
    for name in names:
        if len(name) > _LONGEST_NAME or not name.isprintable():
            raise ValueError(f"{name[:80]!r} names nobody")
