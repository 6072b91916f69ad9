"""The shared state as rows of the store, and back: changes made here, and those of others."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from gitslices.core.errors import InputError, StateError
from gitslices.core.model import BranchName, Plan, SliceId
from gitslices.remote.documents import (
    HEAD_FILE,
    EndedLease,
    GoalFile,
    HeldSlice,
    LeaseFile,
    SliceFile,
    StateHead,
    decode_as,
    decode_file,
    encode_file,
    name_goal_file,
    name_lease_file,
    name_slice_file,
)
from gitslices.rules.attempts import Failure
from gitslices.rules.evidence import GateRun
from gitslices.slices.lookup import get_goal
from gitslices.state.attempts import read_failures, write_failure
from gitslices.state.landings import (
    forget_landing,
    read_conflicts,
    read_landings,
    write_conflict,
    write_landing,
)
from gitslices.state.leases import (
    Lease,
    end_lease,
    find_open_lease,
    put_lease,
    read_lease_history,
)
from gitslices.state.on_hold import OnHold, delete_on_hold, read_on_hold, write_on_hold
from gitslices.state.proofs import add_gate_run, add_review, read_gate_runs, read_reviews
from gitslices.state.sharing import (
    LOCAL_TOKENS,
    PushedWork,
    Sharing,
    add_shared_goal,
    find_file,
    find_last_token,
    list_shared_goals,
    list_unshared,
    read_pushed_work,
    write_pushed_work,
)
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace

_MOST_KEPT: Final = 200
"""Of leases, gates and reviews so many are shared of one slice, the newest."""


# What has changed here.


def list_changes(workspace: Workspace, store: Store, sharing: Sharing) -> dict[str, bytes | None]:
    """The files that differ from those last read, by what has changed here; None is one to go."""
    shared, files = list_shared_goals(store), dict[str, bytes | None]()
    for goal_id, slice_id in list_unshared(store):
        if goal_id not in shared:
            continue
        if not slice_id:
            goal = make_goal_file(get_goal(store, goal_id), sharing.remote)
            files[name_goal_file(goal_id)] = encode_file(goal)
            continue
        slice_ = _make_slice_file(store, goal_id, SliceId(slice_id), sharing)
        lease = _make_lease_file(workspace, store, goal_id, SliceId(slice_id), sharing)
        files[name_slice_file(goal_id, slice_id)] = encode_file(slice_) if slice_ else None
        files[name_lease_file(goal_id, slice_id)] = encode_file(lease) if lease else None
    head = StateHead(last_token=max(sharing.last_token, find_last_token(store)))
    if files:
        files[HEAD_FILE] = encode_file(head)
    return {path: data for path, data in files.items() if data != find_file(store, path)}


def make_goal_file(goal: Goal, remote: str) -> GoalFile:
    """A goal as others get it: without the places of this machine."""
    slices = tuple(structs.replace(one, worktree_path="") for one in goal.plan.slices)
    target = BranchName(goal.plan.target.removeprefix(f"{remote}/"))
    base = structs.replace(goal.plan.base, ref=target)
    return GoalFile(
        goal_id=goal.goal_id,
        applied_at=goal.applied_at,
        closed_at=goal.closed_at,
        graph=goal.graph,
        plan=structs.replace(goal.plan, slices=slices, target=target, base=base),
    )


def _make_slice_file(
    store: Store, goal_id: str, slice_id: SliceId, sharing: Sharing
) -> SliceFile | None:
    record = store.find_slice(goal_id, slice_id)
    work = read_pushed_work(store, goal_id).get(slice_id)
    failures = read_failures(store, goal_id, slice_id)
    hold = read_on_hold(store, goal_id).get(slice_id)
    status = record.status if record else None
    known = status if status not in {"claimed", "provisioned", "planned"} else None
    file = SliceFile(
        goal_id=goal_id,
        slice_id=slice_id,
        status=known,
        clone=work.clone if work else sharing.clone if known else "",
        tip=work.tip if work else None,
        base_commit=record.base_commit if record and (known or (work and work.tip)) else None,
        allowed_scope=record.allowed_scope if record else (),
        landing=read_landings(store, goal_id).get(slice_id),
        on_hold=HeldSlice(by=hold.held_by, at=hold.at, reason=hold.reason) if hold else None,
        conflicts=tuple(_list_shown(read_conflicts(store, goal_id).get(slice_id, ()))),
        leases=tuple(
            _make_ended(lease, failures.get(lease.token))
            for lease in read_lease_history(store, goal_id, slice_id)[-_MOST_KEPT:]
            if lease.ended_at and lease.ending and lease.token < LOCAL_TOKENS
        ),
        gate_runs=tuple(map(_strip_run, read_gate_runs(store, goal_id, slice_id)[-_MOST_KEPT:])),
        reviews=read_reviews(store, goal_id, slice_id)[-_MOST_KEPT:],
    )
    return None if file == SliceFile(goal_id=goal_id, slice_id=slice_id) else file


def _list_shown(paths: tuple[str, ...]) -> Iterator[str]:
    # JSON has no name that is not UTF-8: one like that is told by the next merge anew.
    return (
        path for path in paths if path.isascii() or path.encode(errors="ignore").decode() == path
    )


def _strip_run(run: GateRun) -> GateRun:
    # What it printed is on this machine only.
    return structs.replace(run, log=None)


def _make_ended(lease: Lease, failure: Failure | None) -> EndedLease:
    assert lease.ended_at, "told apart before"  # noqa: S101
    assert lease.ending, "told apart before"  # noqa: S101
    return EndedLease(
        token=lease.token,
        holder=lease.holder,
        ttl=lease.ttl,
        claimed_at=lease.claimed_at,
        ended_at=lease.ended_at,
        ending=lease.ending,
        failure=_strip_failure(failure) if failure else None,
    )


def _strip_failure(failure: Failure) -> Failure:
    # Logs are on the machine that they were written on, and no other file is one.
    gates = tuple(structs.replace(one, log=None, tail=()) for one in failure.gates)
    return structs.replace(failure, log=None, gates=gates)


def _make_lease_file(
    workspace: Workspace, store: Store, goal_id: str, slice_id: SliceId, sharing: Sharing
) -> LeaseFile | None:
    lease = find_open_lease(store, goal_id, slice_id)
    if lease is None:
        return None
    path = name_lease_file(goal_id, slice_id)
    data = find_file(store, path)
    known = decode_as(path, data, LeaseFile) if data else None
    if known is not None and known.token == lease.token and known.clone != sharing.clone:
        # Another clone's, whose deadline is kept here by the clock of this one.
        return structs.replace(known, waiting=lease.waiting, waiting_since=lease.waiting_since)
    same = known is not None and (known.token, known.expires_at) == (lease.token, lease.expires_at)
    lasts = known.lasts if known and same else _count_seconds(workspace.now(), lease.expires_at)
    return LeaseFile(
        goal_id=goal_id,
        slice_id=slice_id,
        token=lease.token,
        holder=lease.holder,
        clone=sharing.clone,
        ttl=lease.ttl,
        lasts=lasts,
        claimed_at=lease.claimed_at,
        expires_at=lease.expires_at,
        waiting=lease.waiting,
        waiting_since=lease.waiting_since,
    )


def _count_seconds(start: str, end: str) -> int:
    span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return max(0, round(span.total_seconds()))


# What others have changed.


def take_files(
    workspace: Workspace, store: Store, sharing: Sharing, files: Mapping[str, bytes | None]
) -> Sharing:
    """Have the store say what `files` do, those of goals first; None is one that is gone."""
    # All of them before the first row: one that is refused leaves everything as it was.
    decoded = {path: decode_file(path, data) for path, data in files.items() if data is not None}
    for file in decoded.values():
        if isinstance(file, GoalFile):
            _take_goal(workspace, store, sharing, file)
    shared = list_shared_goals(store)
    for file in decoded.values():
        if isinstance(file, SliceFile) and file.goal_id in shared:
            _take_slice(workspace, store, sharing, file)
    for path, data in files.items():
        if data is None:
            _take_gone(workspace, store, sharing, path)
    for file in decoded.values():
        if isinstance(file, LeaseFile) and file.goal_id in shared:
            _take_lease(workspace, store, sharing, file)
        elif isinstance(file, StateHead):
            sharing = structs.replace(sharing, last_token=max(file.last_token, sharing.last_token))
    return sharing


def place_plan(workspace: Workspace, plan: Plan, remote: str) -> Plan:
    """A plan that was shared with the places of this machine in it."""
    root = workspace.worktree_root
    return structs.replace(
        plan,
        target=BranchName(f"{remote}/{plan.target}"),
        slices=tuple(
            structs.replace(one, worktree_path=str(root / one.worktree_name)) for one in plan.slices
        ),
    )


def _take_goal(workspace: Workspace, store: Store, sharing: Sharing, file: GoalFile) -> None:
    goal_id = file.goal_id
    own = None if goal_id in list_shared_goals(store) else store.read_goal(goal_id)
    # One that was left is the same: it has its branches, and may be shared again.
    if own is not None and own.graph != file.graph:
        raise InputError(
            f"the shared state has a goal {goal_id!r}, and so has this clone, of its own",
            hint=f"call the one here otherwise: gitslices goal rename {goal_id} NEW",
        )
    plan = place_plan(workspace, file.plan, sharing.remote)
    others = {one.branch_name: one.goal_id for one in store.read_slices() if one.goal_id != goal_id}
    for slice_ in plan.slices:
        if slice_.branch_name in others:
            raise StateError(
                f"goal {goal_id!r} of the shared state would have the branch "
                f"{slice_.branch_name!r}, which goal {others[slice_.branch_name]!r} has",
                hint="take no part in it: gitslices leave",
            )
    add_shared_goal(store, goal_id)
    store.write_goal(
        Goal(goal_id=goal_id, graph=file.graph, plan=plan, applied_at=file.applied_at,
             closed_at=file.closed_at)
    )  # fmt: skip
    for slice_ in plan.slices:
        # One that has a worktree here follows the scopes of the plan.
        record = store.find_slice(goal_id, slice_.slice_id)
        if record is not None and record.planned_scopes != slice_.scopes:
            write = tuple(sorted({*slice_.write_scope, *record.allowed_scope}))
            store.write_slices(
                [structs.replace(record, read_scope=slice_.read_scope, write_scope=write,
                                 checkout_scope=slice_.checkout_scope)]
            )  # fmt: skip


def _take_slice(workspace: Workspace, store: Store, sharing: Sharing, file: SliceFile) -> None:
    goal_id, id_ = file.goal_id, file.slice_id
    _take_history(store, file)
    _take_proofs(store, file)
    record = store.find_slice(goal_id, id_) or _make_record(store, file)
    if record is not None:
        status = file.status or ("provisioned" if record.status != "planned" else "planned")
        # Where it was worked on last it may have been moved since, by `sync` say.
        keeps = file.clone == sharing.clone or file.base_commit is None
        base = record.base_commit if keeps else file.base_commit
        write = tuple(sorted({*record.planned_scopes[1], *file.allowed_scope}))
        store.write_slices(
            [structs.replace(record, status=status, base_commit=base, write_scope=write,
                             allowed_scope=file.allowed_scope)]
        )  # fmt: skip
    if file.clone:
        work = PushedWork(goal_id=goal_id, slice_id=id_, clone=file.clone, tip=file.tip)
        write_pushed_work(store, work)
    if file.landing is None:
        forget_landing(store, goal_id, id_)
    else:
        write_landing(store, goal_id, id_, file.landing)
    if file.on_hold is None:
        delete_on_hold(store, goal_id, id_)
    else:
        by, at, reason = structs.astuple(file.on_hold)
        hold = OnHold(goal_id=goal_id, slice_id=id_, reason=reason, held_by=by, at=at)
        write_on_hold(store, hold)
    if file.conflicts or id_ in read_conflicts(store, goal_id):
        write_conflict(store, goal_id, id_, file.conflicts)  # type: ignore[arg-type]


def _make_record(store: Store, file: SliceFile) -> SliceRecord | None:
    """A slice that has no worktree here, but whose branch or state others have left."""
    goal = get_goal(store, file.goal_id)
    planned = next((one for one in goal.plan.slices if one.slice_id == file.slice_id), None)
    if planned is None or (file.status is None and file.tip is None and not file.allowed_scope):
        return None
    return SliceRecord(
        goal_id=file.goal_id,
        slice_id=file.slice_id,
        status="provisioned",
        branch_name=planned.branch_name,
        worktree_path=planned.worktree_path,
        base_commit=file.base_commit or goal.plan.base.commit,
        read_scope=planned.read_scope,
        write_scope=planned.write_scope,
        checkout_scope=planned.checkout_scope,
    )


def _take_history(store: Store, file: SliceFile) -> None:
    history = {one.token: one for one in read_lease_history(store, file.goal_id, file.slice_id)}
    failures = read_failures(store, file.goal_id, file.slice_id)
    for one in file.leases:
        lease = history.get(one.token)
        if lease is None:
            lease = Lease(
                token=one.token, goal_id=file.goal_id, slice_id=file.slice_id, holder=one.holder,
                ttl=one.ttl, claimed_at=one.claimed_at, expires_at=one.ended_at,
                ended_at=one.ended_at, ending=one.ending,
            )  # fmt: skip
            put_lease(store, lease)
        elif lease.ended_at is None:
            end_lease(store, one.token, at=one.ended_at, ending=one.ending)
        if one.failure is not None and one.token not in failures:
            write_failure(store, lease, _strip_failure(one.failure))


def _take_proofs(store: Store, file: SliceFile) -> None:
    """Add what is not here yet: of gates and reviews nothing is ever taken back."""
    runs = {_strip_run(one) for one in read_gate_runs(store, file.goal_id, file.slice_id)}
    for run in file.gate_runs:
        if _strip_run(run) not in runs:
            add_gate_run(store, _strip_run(run))
    reviews = set(read_reviews(store, file.goal_id, file.slice_id))
    for review in file.reviews:
        if review not in reviews:
            add_review(store, review)


def _take_gone(workspace: Workspace, store: Store, sharing: Sharing, path: str) -> None:
    """Have a slice be as planned; end a lease: the slice's own file says how, if it can."""
    data = find_file(store, path)
    known = decode_file(path, data) if data else None
    if isinstance(known, SliceFile) and known.goal_id in list_shared_goals(store):
        as_planned = SliceFile(goal_id=known.goal_id, slice_id=known.slice_id)
        _take_slice(workspace, store, sharing, as_planned)
    elif isinstance(known, LeaseFile):
        lease = find_open_lease(store, known.goal_id, known.slice_id)
        if lease is not None and lease.token == known.token:
            end_lease(store, lease.token, at=lease.expires_at, ending="freed")


def _take_lease(workspace: Workspace, store: Store, sharing: Sharing, file: LeaseFile) -> None:
    lease = find_open_lease(store, file.goal_id, file.slice_id)
    if lease is not None and lease.token != file.token:
        end_lease(store, lease.token, at=workspace.now(), ending="freed")
    expires_at = file.expires_at
    if file.clone != sharing.clone:
        # From now on by the clock of this clone: clocks need not agree. But what has long been
        # over by any clock is over for one that has only just come, too.
        late = _count_seconds(file.expires_at, workspace.now())
        is_over = late > _read_skew(workspace)
        expires_at = workspace.now() if is_over else workspace.after(file.lasts)
    put_lease(
        store,
        Lease(
            token=file.token, goal_id=file.goal_id, slice_id=file.slice_id, holder=file.holder,
            ttl=file.ttl, claimed_at=file.claimed_at, expires_at=expires_at, waiting=file.waiting,
            waiting_since=file.waiting_since,
        ),
    )  # fmt: skip


_SKEW: Final = int(timedelta(hours=25).total_seconds())
_SETTING: Final = "gitslices.maxskew"


def _read_skew(workspace: Workspace) -> int:
    text = workspace.config.get(_SETTING)
    if text is None:
        return _SKEW
    if not text.isascii() or not text.isdecimal():
        raise InputError(
            f"gitslices.maxSkew is {text!r}, no number of seconds",
            hint=f"say how far clocks may differ: git config gitslices.maxSkew {_SKEW}",
        )
    return int(text)
