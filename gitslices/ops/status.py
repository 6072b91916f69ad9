"""Where every slice stands."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from gitslices.core.model import (
    GONE,
    BranchName,
    Plan,
    Slice,
    SliceId,
    SliceStatus,
    settle_status,
)
from gitslices.forge.pull_request import PullState
from gitslices.ops.ready import explain_if_waiting
from gitslices.recovery.recovery import read_undisturbed
from gitslices.remote.agreement import told
from gitslices.rules.attempts import FailureReason
from gitslices.rules.claiming import Entrant, find_entrant, list_entrants
from gitslices.rules.progress import Landed
from gitslices.slices.attempts import find_failure
from gitslices.slices.claim_state import find_followers, read_claim_state
from gitslices.slices.early_starts import find_footing, find_gone_on
from gitslices.slices.goals import GoalSummary, choose_goals, summarize_goal
from gitslices.slices.location import WorktreeMap
from gitslices.slices.looks import look_at_each
from gitslices.slices.snapshot import Snapshot
from gitslices.slices.target import find_lag
from gitslices.state.landings import read_conflicts
from gitslices.state.leases import list_once_leased
from gitslices.state.scope_requests import AskedScope, list_asked, read_open_requests
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


class FailedAttempt(Struct, frozen=True, kw_only=True):
    """Which attempt at a slice failed, whose it was, when and why; `show` tells more."""

    attempt: int
    holder: str
    at: str
    reason: FailureReason
    message: str


class SliceState(Struct, frozen=True, kw_only=True):
    """One slice: `ahead` counts its own commits that the target lacks, `behind` the reverse.

    `landed` says how its work came into the target, null where it has not, `pr_url` where it is
    reviewed, once that was published; `pull` how that stands, only with `--full`.
    `reason` is why it cannot start now, as `ready` says it; null where it can, or is finished.
    `problem` says what is wrong with its branch or its worktree; null where all is well. `dirty` is
    null where its files were not looked at.
    `on_hold` is why a person keeps it from workers.
    `follows`: nobody has begun it, and a claim brings it to where the target is now. `waiting` is
    what its holder waits for a person to do, `lapsed` whose lease has run out without an end,
    `failed` the last attempt, if it failed and nobody has begun another. `asked` is what others ask
    to write that this slice is in the way of.
    """

    goal_id: str
    slice_id: SliceId
    status: SliceStatus
    wave: int
    dependencies: tuple[SliceId, ...]
    waits_for: tuple[SliceId, ...]
    reason: str | None
    branch_name: BranchName
    worktree_path: str
    holder: str | None
    expires_at: str | None
    waiting: str | None
    waiting_since: str | None
    lapsed: str | None
    failed: FailedAttempt | None
    asked: tuple[AskedScope, ...]
    ahead: int
    behind: int
    follows: bool
    dirty: bool | None
    conflicts: tuple[str, ...]
    sparse: bool
    problem: str | None
    landed: Landed | None = None
    pr_url: str | None = None
    pull: PullState | UnsetType | None = UNSET
    on_hold: str | None = None


class GoneSlice(Struct, frozen=True, kw_only=True):
    """A slice that stands though its plan no longer has it."""

    goal_id: str
    slice_id: SliceId
    status: SliceStatus
    branch_name: BranchName
    worktree_path: str
    holder: str | None
    expires_at: str | None


class StatusReport(Struct, frozen=True, kw_only=True):
    """What `gitslices status --json` prints; `gone` are slices that the plan no longer has.

    `goal_id`, `target` and `problem`, which is what is wrong with the target, are those of the one
    goal, and null where `goals` are several. `not_shown` are goals that are finished or closed.
    """

    goal_id: str | None
    target: BranchName | None
    problem: str | None
    goals: tuple[GoalSummary, ...]
    slices: tuple[SliceState, ...]
    gone: tuple[GoneSlice, ...]
    not_shown: tuple[str, ...]


_MANY: Final = 20


class _Worktree(Struct, frozen=True, kw_only=True):
    """What is in the worktree of a slice, and what is wrong with it."""

    is_dirty: bool | None = False
    follows: bool = False
    problem: str | None = None


@told
def status(
    workspace: Workspace, goal_id: str | None, *, finished: bool = False, quick: bool = False
) -> StatusReport:
    """Where the slices of one goal stand, or of all under way; reads only.

    With `finished` it is all goals that there are; with `quick` no worktree is looked at.
    """
    with workspace.open_store() as store:
        read = partial(_read_status, workspace, store, goal_id, finished=finished, quick=quick)
        return read_undisturbed(workspace, store, read)


def has_many(workspace: Workspace) -> bool:
    """Whether so many slices stand that a look at all their files takes a while."""
    with workspace.open_store() as store:
        return sum(map(_is_made, store.read_slices())) > _MANY


def _read_status(
    workspace: Workspace, store: Store, goal_id: str | None, *, finished: bool, quick: bool
) -> StatusReport:
    goals = store.read_goals() if finished else ()
    # An empty store is for `choose_goals` to refuse.
    goals = goals or choose_goals(workspace, store, goal_id)
    worktrees = WorktreeMap(workspace)
    parts = [
        _read_goal(Snapshot(workspace, store, goal.plan, worktrees=worktrees), goal, quick=quick)
        for goal in goals
    ]
    shown = {goal.goal_id for goal in goals}
    one = parts[0] if len(parts) == 1 else None
    return StatusReport(
        goal_id=one.goal_id if one else None,
        target=one.target if one else None,
        problem=one.problem if one else None,
        goals=tuple(goal for part in parts for goal in part.goals),
        slices=tuple(slice_ for part in parts for slice_ in part.slices),
        gone=tuple(gone for part in parts for gone in part.gone),
        not_shown=tuple(id_ for id_ in store.read_goal_ids() if id_ not in shown)
        if goal_id is None
        else (),
    )


def _read_goal(snapshot: Snapshot, goal: Goal, *, quick: bool) -> StatusReport:
    store = snapshot.store
    # What git makes known by the way need not be asked for once more.
    _ = snapshot.target, snapshot.counts
    if goal.plan.start != "merged":
        _ = snapshot.unmerged_bases
    lag = find_lag(snapshot.workspace, goal.plan.target)
    summary = structs.replace(summarize_goal(snapshot, goal), lag=lag or UNSET)
    planned = {slice_.slice_id for slice_ in goal.plan.slices}
    made = [one for id_, one in snapshot.records.items() if id_ in planned and _is_made(one)]
    followers = frozenset(find_followers(snapshot, goal.plan, made))
    look = partial(_pass_worktree if quick else _look_at_worktree, snapshot, goal.plan, followers)
    worktrees = (
        {one.slice_id: look(one) for one in made} if quick else look_at_each(snapshot, look, made)
    )
    conflicts = read_conflicts(store, goal.goal_id)
    state = read_claim_state(snapshot, goal, {})
    entrants = {one.slice.slice_id: one for one in list_entrants(state)}
    failures = _read_failures(snapshot)
    return StatusReport(
        goal_id=goal.goal_id,
        target=goal.plan.target,
        problem=summary.problem,
        goals=(summary,),
        slices=tuple(
            _describe_slice(
                entrants[slice_.slice_id],
                snapshot,
                explain_if_waiting(entrants[slice_.slice_id], state),
                worktrees,
                conflicts,
                failures,
            )
            for slice_ in goal.plan.slices
        ),
        gone=tuple(
            _describe_gone(record, snapshot)
            for id_, record in snapshot.records.items()
            if id_ not in planned and record.status not in GONE
        ),
        not_shown=(),
    )


def _read_failures(snapshot: Snapshot) -> dict[SliceId, FailedAttempt]:
    """Why the last attempts at slices failed that nobody has, and that are not finished."""
    store, goal_id = snapshot.store, snapshot.plan.goal_id
    found = {
        id_: find_failure(store, goal_id, id_, before=None)
        for id_ in list_once_leased(store, goal_id)
        if id_ not in snapshot.live_leases
        and snapshot.statuses.get(id_) in {"planned", "provisioned", "conflicted"}
    }
    return {
        id_: FailedAttempt(
            attempt=one.attempt,
            holder=one.holder,
            at=one.at,
            reason=one.reason,
            message=one.message,
        )
        for id_, one in found.items()
        if one is not None
    }


def read_slice_state(snapshot: Snapshot, goal: Goal, slice_: Slice) -> SliceState:
    """Where one slice of `goal` stands, without a look at the worktrees of the others."""
    record = snapshot.records.get(slice_.slice_id)
    looked_at = [record] if record is not None and _is_made(record) else []
    followers = find_followers(snapshot, goal.plan, looked_at)
    made = {
        one.slice_id: _look_at_worktree(snapshot, goal.plan, followers, one) for one in looked_at
    }
    conflicts = read_conflicts(snapshot.store, snapshot.plan.goal_id)
    state = read_claim_state(snapshot, goal, {})
    entrant = find_entrant(state, slice_.slice_id)
    reason = explain_if_waiting(entrant, state)
    return _describe_slice(entrant, snapshot, reason, made, conflicts, _read_failures(snapshot))


def _is_made(record: SliceRecord) -> bool:
    return not record.filling_operation and record.status not in GONE


def _look_at_worktree(
    snapshot: Snapshot, plan: Plan, followers: Collection[SliceRecord], record: SliceRecord
) -> _Worktree:
    uncommitted = snapshot.read_uncommitted(record)
    words = [fault.word for fault in snapshot.find_faults(record)]
    if uncommitted.fault is not None and uncommitted.fault.word not in words:
        words.append(uncommitted.fault.word)
    words += _list_target_words(snapshot, plan, record)
    dirty = bool(uncommitted.paths)
    return _Worktree(
        is_dirty=dirty,
        problem=", ".join(words) or None,
        follows=record in followers and not words and not dirty,
    )


def _pass_worktree(
    snapshot: Snapshot, plan: Plan, followers: Collection[SliceRecord], record: SliceRecord
) -> _Worktree:
    """What is known without a look at it."""
    problem = ", ".join(_list_target_words(snapshot, plan, record)) or None
    return _Worktree(is_dirty=None, problem=problem, follows=record in followers and not problem)


def _list_target_words(snapshot: Snapshot, plan: Plan, record: SliceRecord) -> list[str]:
    """What is amiss with the work that the target has, or had, of a slice."""
    target, presence = snapshot.plan.target, snapshot.presences.get(record.slice_id)
    if presence and presence.reverted_by:
        return [f"taken back from {target} by {presence.reverted_by[:10]}"]
    if record.slice_id in snapshot.taken_back:
        return [f"taken back from {target}"]
    if presence and presence.there:
        count = len(presence.there)
        return [f"{count} of {count + len(presence.missing)} commits in {target}"]
    if gone_on := _find_gone_on(snapshot, plan, record):
        return [f"{', '.join(gone_on)} went on: sync"]
    late = snapshot.count_since_merge(record)
    return [f"{late} commit{'s' * (late > 1)} after its merge"] if late else []


def _find_gone_on(snapshot: Snapshot, plan: Plan, record: SliceRecord) -> tuple[SliceId, ...]:
    """What a slice was started upon early and has gone on since, or was made anew."""
    if plan.start == "merged":
        return ()
    tip = snapshot.find_tip(record)
    planned = {one.slice_id: one for one in plan.slices}.get(record.slice_id)
    # Only of one that stands on something besides its target: no other was started early.
    if planned is None or tip is None or record.base_commit not in snapshot.unmerged_bases:
        return ()
    return find_gone_on(snapshot.workspace.repo, tip, find_footing(snapshot, plan, planned))


def _describe_gone(record: SliceRecord, snapshot: Snapshot) -> GoneSlice:
    lease = snapshot.live_leases.get(record.slice_id)
    return GoneSlice(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        status=settle_status(record.status, leased=lease is not None, landed=False),
        branch_name=record.branch_name,
        worktree_path=record.worktree_path,
        holder=lease.holder if lease else None,
        expires_at=lease.expires_at if lease else None,
    )


def _describe_slice(
    entrant: Entrant,
    snapshot: Snapshot,
    reason: str | None,
    worktrees: Mapping[SliceId, _Worktree],
    conflicts: Mapping[SliceId, tuple[str, ...]],
    failures: Mapping[SliceId, FailedAttempt],
) -> SliceState:
    slice_ = entrant.slice
    id_ = slice_.slice_id
    given = snapshot.leases.get(id_)
    record, lease = snapshot.records.get(id_), snapshot.live_leases.get(id_)
    is_made = record is not None and _is_made(record)
    tip = snapshot.find_tip(record) if record and is_made else None
    _, behind = snapshot.counts.get(tip, (0, 0)) if tip else (0, 0)
    worktree = worktrees.get(id_, _Worktree())
    return SliceState(
        goal_id=snapshot.plan.goal_id,
        slice_id=id_,
        # While its files are being written it is not there yet.
        status=settle_status(None, leased=lease is not None, landed=False)
        if record and record.filling_operation
        else snapshot.statuses[id_],
        wave=slice_.wave,
        dependencies=slice_.dependencies,
        waits_for=entrant.waits_for,
        reason=reason,
        branch_name=slice_.branch_name,
        worktree_path=record.worktree_path if record and is_made else slice_.worktree_path,
        holder=lease.holder if lease else None,
        expires_at=lease.expires_at if lease else None,
        waiting=lease.waiting if lease else None,
        waiting_since=lease.waiting_since if lease else None,
        lapsed=given.holder if given and lease is None else None,
        failed=failures.get(id_),
        asked=list_asked(read_open_requests(snapshot.store), snapshot.plan.goal_id, id_),
        ahead=snapshot.count_ahead(record) if record and is_made else 0,
        behind=behind,
        follows=worktree.follows,
        dirty=worktree.is_dirty,
        conflicts=(conflicts.get(id_, ()) if snapshot.statuses[id_] == "conflicted" else ()),
        sparse=bool(record and is_made and record.sparse),
        problem=worktree.problem,
        landed=snapshot.find_landed(record) if record else None,
        pr_url=published.url if (published := snapshot.publications.get(id_)) else None,
        on_hold=entrant.on_hold,
    )
