"""A slice that was finished or given up is opened again."""

from msgspec import Struct, structs

from gitslices.core.errors import BusyError, LeaseHeldError, RefusedError, suggest
from gitslices.core.model import GONE, Oid, SliceId, SliceStatus
from gitslices.git.read import find_tip
from gitslices.merging.move_branches import Moved, move_branches
from gitslices.ops.forward import make_move
from gitslices.recovery.recovery import recover_and_lock
from gitslices.remote.agreement import agreed
from gitslices.slices.goals import choose_goal, refuse_closed
from gitslices.slices.lookup import get_planned
from gitslices.slices.snapshot import Snapshot
from gitslices.state.landings import SliceChange, forget_landing, record_changes
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


class ReopenRequest(Struct, frozen=True, kw_only=True):
    """The slice to be opened again."""

    slice_id: SliceId
    goal_id: str | None = None


class FormerWork(Struct, frozen=True, kw_only=True):
    """The commits that a merged slice had: those of `tip` that `base` lacks."""

    base: Oid
    tip: Oid


class ReopenReport(Struct, frozen=True, kw_only=True):
    """The slice as it is now, and the status it had; `former` where it was merged before."""

    goal_id: str
    slice_id: SliceId
    former_status: SliceStatus
    status: SliceStatus
    former: FormerWork | None


@agreed
def reopen(workspace: Workspace, request: ReopenRequest) -> ReopenReport:
    """Let a slice be claimed again that is done, merged or dropped.

    One that was merged starts anew from the target: its branch moves there, and nothing that was
    merged is merged twice. Raises `RefusedError` where there is nothing to open, somebody has it,
    or its worktree has work in the way.
    """
    with workspace.open_store() as store, recover_and_lock(workspace, store):
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        refuse_closed(goal)
        id_ = get_planned(store, goal, request.slice_id).slice_id
        snapshot = Snapshot(workspace, store, goal.plan)
        status, record = snapshot.statuses[id_], snapshot.records.get(id_)
        # One that its target has taken back is open, but its branch can be merged no more.
        if record and snapshot.find_reverting(record):
            status = "merged"
        if record is None or status in {"planned", "provisioned"}:
            see = suggest("claim", id_, goal_id=goal.goal_id)
            raise RefusedError(f"slice {id_!r} is open already", hint=f"take it: {see}")
        if status == "claimed":
            free = suggest("release", id_, "--force", goal_id=goal.goal_id)
            raise LeaseHeldError(f"somebody has slice {id_!r}", hint=f"free it with: {free}")
        former = _find_former(snapshot, record) if status == "merged" else None
        if record.status in GONE:
            _forget(workspace, store, record)
        elif status == "merged":
            _start_anew(snapshot, record)
        else:
            _record(workspace, store, record)
    return ReopenReport(
        goal_id=goal.goal_id,
        slice_id=id_,
        former_status=status,
        status="planned" if record.status in GONE else "provisioned",
        former=former,
    )


def _find_former(snapshot: Snapshot, record: SliceRecord) -> FormerWork | None:
    landing = snapshot.landings.get(record.slice_id)
    tip = landing.tip if landing else snapshot.find_tip(record)
    return FormerWork(base=record.base_commit, tip=tip) if tip else None


def _forget(workspace: Workspace, store: Store, record: SliceRecord) -> None:
    """Take the record of a slice away that has neither branch nor worktree: it is made anew."""
    with store.transaction():
        record_changes(store, [_make_change(workspace, record)])
        forget_landing(store, record.goal_id, record.slice_id)
        store.delete_slice(record)


def _record(workspace: Workspace, store: Store, record: SliceRecord) -> None:
    change = structs.replace(_make_change(workspace, record), status="provisioned")
    with store.transaction():
        record_changes(store, [change])


def _start_anew(snapshot: Snapshot, record: SliceRecord) -> None:
    """Move the branch of a merged slice and its worktree to the target."""
    workspace, store, target = snapshot.workspace, snapshot.store, snapshot.get_target()
    tip, landing = snapshot.find_tip(record), snapshot.landings.get(record.slice_id)
    if tip is None:
        raise RefusedError(f"the branch of slice {record.slice_id!r} is gone",
                           hint="see: gitslices doctor")  # fmt: skip
    if snapshot.count_ahead(record) and (landing is None or landing.tip != tip):
        raise RefusedError(
            f"slice {record.slice_id!r} has commits that were made after its merge",
            hint=f"give them a branch of their own: git branch NAME {record.branch_name}, then "
            f"git branch -f {record.branch_name} {(landing.tip if landing else tip)[:10]}",
        )
    change = structs.replace(
        _make_change(workspace, record), status="provisioned", base_commit=target
    )
    if tip == target:
        with store.transaction():
            record_changes(store, [change])
    else:
        move = make_move(workspace, record, target, tip)
        if move is None:
            raise RefusedError(
                f"the worktree of slice {record.slice_id!r} has work in the way",
                hint="commit it elsewhere, or stash it, then try again",
            )
        outcome = move_branches(
            workspace, store, [structs.replace(move, changes=(change,))], [record]
        )
        if not isinstance(outcome, Moved) or outcome.stuck:
            raise BusyError(f"slice {record.slice_id!r} is at work", hint="try again later")
    with store.transaction():
        forget_landing(store, record.goal_id, record.slice_id)


def _make_change(workspace: Workspace, record: SliceRecord) -> SliceChange:
    tip = find_tip(workspace.repo, record.branch_name)
    return SliceChange(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="reopened",
        detail={"status": record.status, "tip": tip},
    )
