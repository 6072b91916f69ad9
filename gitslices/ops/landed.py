"""Somebody's word that a slice has landed, where nothing that git has can tell it."""

from msgspec import Struct

from gitslices.core.errors import BusyError, InputError, RefusedError, suggest
from gitslices.core.model import FINISHED, Oid, SliceId
from gitslices.git.read import find_commit, is_ancestor
from gitslices.ops.scope_requests import grant_landed
from gitslices.remote.agreement import agreed
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_planned
from gitslices.slices.snapshot import Snapshot
from gitslices.state.journal import is_moving
from gitslices.state.landings import SliceChange, record_changes
from gitslices.state.leases import find_open_lease
from gitslices.state.store import Store
from gitslices.workspace import Workspace


class LandedRequest(Struct, frozen=True, kw_only=True):
    """`commit` is the one of the target that has the work; None means its last one."""

    slice_id: SliceId
    commit: str | None = None
    goal_id: str | None = None


class LandedReport(Struct, frozen=True, kw_only=True):
    """What `gitslices landed --json` prints: the slice, and the target's commit that has it."""

    ok: bool = True
    goal_id: str
    slice_id: SliceId
    commit: Oid


@agreed
def tell_landed(workspace: Workspace, request: LandedRequest) -> LandedReport:
    """Record that a slice is merged; nothing moves.

    Raises `InputError` for a commit that the target lacks, `RefusedError` where somebody holds the
    slice, it is merged already, or has no branch and no commit is named.
    """
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        id_ = get_planned(store, goal, request.slice_id).slice_id
        snapshot = Snapshot(workspace, store, goal.plan)
        commit = _find_commit(workspace, snapshot, request.commit)
        record = snapshot.records.get(id_)
        # Of one whose branch is gone the commit of the target that is named stands for its work.
        named = commit if request.commit else None
        tip = snapshot.find_tip(record) or named if record else None
        if record is None or tip is None:
            raise RefusedError(
                f"slice {id_!r} has no branch whose work could have landed",
                hint="name the commit that has it: --commit COMMIT" if record else None,
            )
        if snapshot.statuses[id_] in FINISHED:
            raise RefusedError(f"slice {id_!r} is {snapshot.statuses[id_]} already")
        change = SliceChange(
            at=workspace.now(), goal_id=goal.goal_id, slice_id=id_, event="landed",
            detail={"target": goal.plan.target, "commit": commit, "by": "word"},
            status="merged", tip=tip, landed_as=commit, landed_by="word",
        )  # fmt: skip
        with store.transaction():
            _refuse_held(workspace, store, goal.goal_id, id_)
            record_changes(store, [change])
        grant_landed(workspace, store)
    return LandedReport(goal_id=goal.goal_id, slice_id=id_, commit=commit)


def _find_commit(workspace: Workspace, snapshot: Snapshot, named: str | None) -> Oid:
    target = snapshot.get_target()
    if named is None:
        return target
    commit = find_commit(workspace.repo, named)
    branch = snapshot.plan.target
    if commit is None:
        raise InputError(f"{named!r} names no commit", hint=f"see: git log {branch}")
    if not is_ancestor(workspace.repo, commit, target):
        raise InputError(
            f"{branch} does not have the commit {commit[:10]}", hint=f"see: git log {branch}"
        )
    return commit


def _refuse_held(workspace: Workspace, store: Store, goal_id: str, id_: SliceId) -> None:
    lease = find_open_lease(store, goal_id, id_)
    if lease is not None:
        free = suggest("release", id_, "--force", goal_id=goal_id)
        raise RefusedError(f"{lease.holder} holds slice {id_!r}", hint=f"let it go first: {free}")
    if is_moving(workspace.state_folder, goal_id, id_):
        raise BusyError(f"slice {id_!r} is being merged", hint="try again when it has ended")
