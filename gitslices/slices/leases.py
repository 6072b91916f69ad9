"""What the holder of a lease must show, and what it finds when it begins."""

from pathlib import Path

from msgspec import Struct, structs

from gitslices.core.errors import StaleTokenError, suggest
from gitslices.core.model import FINISHED, Oid
from gitslices.git.read import count_beyond, find_tip
from gitslices.git.uncommitted import read_uncommitted
from gitslices.state.leases import (
    Lease,
    find_open_lease,
    read_lease_history,
    read_open_leases,
    renew_lease,
)
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.workspace import Workspace


def require_lease(store: Store, goal_id: str, slice_id: str, token: int) -> Lease:
    """The open lease that `token` belongs to; raise `StaleTokenError` if there is none.

    Part of the transaction that relies on it. A lapsed lease counts as long as nobody has taken
    what it covers: its holder is late, but nothing has happened since.
    """
    lease = find_open_lease(store, goal_id, slice_id)
    if lease is not None and lease.token == token:
        return lease
    reason = _explain(store, goal_id, slice_id, token)
    raise StaleTokenError(
        f"token {token} of slice {slice_id!r} is stale: {reason}",
        hint=f"nothing was changed; {_advise(store, goal_id, slice_id)}",
    )


def shorten_deadlines(workspace: Workspace, store: Store) -> None:
    """Bring near what was promised on a clock that was ahead, and has been put back since.

    A lease that was renewed just now would end in its `ttl`; none can have longer.
    """
    for lease in read_open_leases(store):
        latest = workspace.after(lease.ttl)
        # Texts of one form, in UTC to the second: they compare as times do.
        if lease.expires_at > latest:
            with store.transaction():
                renew_lease(store, lease.token, ttl=lease.ttl, expires_at=latest)
                shorter = structs.replace(lease, expires_at=latest)
                store.write_events(
                    [make_lease_event(workspace, "shortened", shorter, expires_at=latest)]
                )


def make_lease_event(workspace: Workspace, event: str, lease: Lease, **detail: object) -> Event:
    """What the log says of a lease."""
    return Event(
        at=workspace.now(),
        goal_id=lease.goal_id,
        slice_id=lease.slice_id,
        event=event,
        detail={"holder": lease.holder, "token": lease.token, **detail},
    )


def _advise(store: Store, goal_id: str, slice_id: str) -> str:
    """What helps whoever wants to go on with a slice and does not have it."""
    goal, record = store.read_goal(goal_id), store.find_slice(goal_id, slice_id)
    if record is not None and record.status in FINISHED:
        return f"it is {record.status} already, see: {suggest('log', slice_id, goal_id=goal_id)}"
    if goal is not None and slice_id not in {one.slice_id for one in goal.plan.slices}:
        return f"the plan no longer has it, see: {suggest('status', goal_id=goal_id)}"
    free = suggest("release", slice_id, "--force", goal_id=goal_id)
    if (lease := find_open_lease(store, goal_id, slice_id)) is not None:
        return (
            f"{lease.holder} has it until {lease.expires_at}: "
            f"take it over once it lapses, or free it with: {free}"
        )
    if record is not None and record.status == "done":
        return f"it is done, and waits to be merged; to work on it again, open it first: {free}"
    return f"to go on, claim it: {suggest('claim', slice_id, goal_id=goal_id)}"


def _explain(store: Store, goal_id: str, slice_id: str, token: int) -> str:
    history = {lease.token: lease for lease in read_lease_history(store, goal_id, slice_id)}
    named = history.get(token)
    if named is None:
        return "no lease of this slice had it"
    latest = history[max(history)]
    if latest.ended_at is None:
        return f"{latest.holder} has the slice now, with token {latest.token}"
    return f"its lease ended at {named.ended_at} ({named.ending})"


class Work(Struct, frozen=True, kw_only=True):
    """What a slice's next holder finds: commits that the target lacks, uncommitted paths."""

    ahead: int
    uncommitted: tuple[str, ...]
    previous_holder: str | None


def find_work(
    workspace: Workspace, store: Store, record: SliceRecord, target_tip: Oid, lease: Lease
) -> Work | None:
    """What was done in a slice before `lease`; None where it is as new."""
    repo = workspace.repo
    tip = find_tip(repo, record.branch_name)
    ahead = count_beyond(repo, tip, (target_tip, record.base_commit)) if tip else 0
    uncommitted = read_uncommitted(repo, Path(record.worktree_path), untracked=True)
    if not ahead and not uncommitted:
        return None
    history = read_lease_history(store, record.goal_id, record.slice_id)
    # By tokens, which only grow, and not by times: a clock may have been put back.
    earlier = [one.holder for one in history if one.token < lease.token]
    return Work(
        ahead=ahead,
        uncommitted=uncommitted,
        previous_holder=earlier[-1] if earlier else None,
    )
