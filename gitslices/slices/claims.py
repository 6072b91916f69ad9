"""What the holder of a lease must show, what it finds, and what is left of it for later.

The store may be lost, or be an older copy of itself. A worker that was given a token before that
still has it, so no later lease of the slice may get the same one.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, structs

from gitslices.core.decoding import decode_json
from gitslices.core.errors import InputError, StaleTokenError, StateError, suggest
from gitslices.core.files import read_regular, replace_file
from gitslices.core.model import FINISHED, Oid, SliceId
from gitslices.core.naming import show_path
from gitslices.git.links import check_link, find_admin_folder, list_admin_folders
from gitslices.git.read import count_beyond, find_tip
from gitslices.git.worktrees import free_worktree, hold_worktree, is_held
from gitslices.rules.progress import describe_finished
from gitslices.slices.marks import find_mark
from gitslices.state.leases import (
    Ending,
    Lease,
    find_open_lease,
    has_leases,
    read_lease_history,
    read_open_leases,
    renew_lease,
)
from gitslices.state.sharing import list_shared_goals
from gitslices.state.store import Event, Goal, SliceRecord, Store
from gitslices.workspace import Workspace

CLAIM_NAME: Final = "gitslices-claim.json"
_LONGEST_NOTE: Final = 16 * 1024 * 1024
_SHOWN_NAME: Final = "gitslices-token"
_LONGEST_TOKEN: Final = 32
# Whoever works in the worktree can write anything: one more must still fit into SQLite, and JSON.
_LARGEST: Final = 1 << 48


class ClaimNote(Struct, frozen=True, kw_only=True):
    """What gitslices itself wants to know of a claim that was left for a session."""

    goal_id: str
    slice_id: SliceId
    token: int


def write_claim(admin: Path, report: Struct) -> None:
    """Leave the claim where the session finds it: `git rev-parse --git-dir` names the folder."""
    replace_file(admin / CLAIM_NAME, msgspec.json.format(msgspec.json.encode(report)) + b"\n")


def find_claim(admin: Path) -> ClaimNote | None:
    """The claim that was left; None where there is none."""
    path = admin / CLAIM_NAME
    try:
        return decode_json(read_regular(path, limit=_LONGEST_NOTE), ClaimNote)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise StateError(
            f"{str(path)!r} cannot be read: {error}",
            hint="free the slice: gitslices release SLICE --force",
        ) from error


def remove_claim(admin: Path) -> None:
    """Forget the claim."""
    # The token beside it stays: a worker that had it may come back after the next claim.
    (admin / CLAIM_NAME).unlink(missing_ok=True)


def _write_token(admin: Path, token: int) -> None:
    """Leave the token of the newest lease where it outlives the store."""
    replace_file(admin / _SHOWN_NAME, f"{token}\n".encode())


def _find_last_token(admins: Iterable[Path]) -> int:
    """The largest token that git's folders `admins` tell of; 0 where none does."""
    return max((token for admin in admins for token in _list_tokens(admin)), default=0)


def _list_tokens(admin: Path) -> Iterable[int]:
    # Damage here stops no claim: the store has a token, too, and the larger one counts.
    with suppress(OSError, ValueError):
        token = int((admin / _SHOWN_NAME).read_bytes()[:_LONGEST_TOKEN])
        yield token if token <= _LARGEST else 0
    with suppress(OSError, StateError):
        note = find_claim(admin)
        yield note.token if note and note.token <= _LARGEST else 0


def _find_own_token(admin: Path) -> int | None:
    """The token that the last claim left with a worktree, if that claim was the same user's."""
    with suppress(OSError, ValueError):
        path = admin / _SHOWN_NAME
        if path.stat().st_uid == os.geteuid():
            token = int(read_regular(path, limit=_LONGEST_TOKEN))
            return token if 0 < token <= _LARGEST else None
    return None


def find_shown_token(workspace: Workspace, store: Store, record: SliceRecord | None) -> int:
    """The largest token that an earlier holder of the slice may have, though the store is new."""
    admin = find_admin_folder(Path(record.worktree_path)) if record else None
    # A store that has leases counts on from them. A new one begins above all that any worktree
    # tells of: holders of the lost one still have their tokens.
    if admin is not None and has_leases(store):
        return _find_last_token([admin])
    return _find_last_token(list_admin_folders(workspace.repo.common_dir))


def show_token(workspace: Workspace, record: SliceRecord, lease: Lease) -> None:
    """Leave the token of a lease with the worktree, if that is the slice's own."""
    admin = _find_own_admin(workspace, record)
    if admin is not None:
        _write_token(admin, lease.token)


def hold_slice(workspace: Workspace, record: SliceRecord) -> None:
    """Lock a claimed slice's worktree for git: `git worktree remove` leaves it to its holder."""
    admin = _find_own_admin(workspace, record)
    if admin is not None:
        release = suggest("release", record.slice_id, goal_id=record.goal_id)
        hold_worktree(admin, f"slice {record.slice_id} is claimed; to give it back: {release}")


def free_slice(workspace: Workspace, store: Store, goal_id: str, slice_id: SliceId) -> None:
    """Take that lock away, unless the slice has been claimed again."""
    record = store.find_slice(goal_id, slice_id)
    admin = _find_own_admin(workspace, record) if record else None
    if admin is None or not is_held(admin):
        return
    # A claim writes to the store first: whoever has it now finds the lock gone, and locks anew.
    with store.transaction():
        if find_open_lease(store, goal_id, slice_id) is None:
            free_worktree(admin)


def _find_own_admin(workspace: Workspace, record: SliceRecord) -> Path | None:
    path = Path(record.worktree_path)
    whole = check_link(path, workspace.repo.common_dir) == "whole"
    return find_admin_folder(path) if whole else None


def warn_of_dropped_base(
    workspace: Workspace, goal: Goal, record: SliceRecord, target: Oid
) -> tuple[str, ...]:
    """What keeps a slice that was begun from being merged, though all is well in its worktree."""
    # Imported here: most claims are of slices that nobody has begun.
    from gitslices.rules.merging import describe_unmerged_base
    from gitslices.slices.own_commits import UnmergedBases

    repo, ids = workspace.repo, (record.goal_id, record.slice_id)
    tip = find_tip(repo, record.branch_name)
    bases = UnmergedBases(workspace, goal.plan, target)
    found = bases.find(record, tip, target) if tip else None
    if found is None or not found.is_dropped:
        return ()
    problem = describe_unmerged_base(*ids, goal.plan.target, found.commit, None)
    return (f"{problem.message} ({problem.hint})",)


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


_GIVEN_BACK: Final[frozenset[Ending | None]] = frozenset({"done", "released", "failed"})
"""How leases end that their own holders have ended."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who gives a command: `is_named` where that was said, and not taken from the account."""

    holder: str
    is_named: bool


def find_token(
    workspace: Workspace, slice_id: str, goal_id: str | None, caller: Caller
) -> int | None:
    """The token of the lease on a slice that is the caller's by where it works.

    That of its environment, if a run has started it, else the one that the last claim left in the
    worktree at hand. None elsewhere. Raises `StaleTokenError` where somebody else may have taken
    the slice over: that one's token lies in the same worktree.
    """
    environ, git_dir = workspace.environ, workspace.repo.git_dir
    given = environ.get("GITSLICES_TOKEN", "")
    same_goal = goal_id in {None, environ.get("GITSLICES_GOAL")}
    if same_goal and environ.get("GITSLICES_SLICE") == slice_id and given.isdecimal():
        return int(given)
    mark = find_mark(git_dir)
    if mark is None or mark.slice_id != slice_id or goal_id not in {None, mark.goal_id}:
        return None
    token = _find_own_token(git_dir)
    with workspace.open_store() as store:
        history = read_lease_history(store, mark.goal_id, mark.slice_id)
    lease = next((one for one in history if one.token == token), None)
    if lease is not None and lease.ended_at is None:
        _refuse_others(lease, history, caller)
    return token


def get_token(workspace: Workspace, slice_id: str, goal_id: str | None, caller: Caller) -> int:
    """The same; raise `InputError` where the place tells none."""
    token = find_token(workspace, slice_id, goal_id, caller)
    if token is None:
        mark = find_mark(workspace.repo.git_dir)
        if mark is not None and mark.slice_id == slice_id and goal_id in {None, mark.goal_id}:
            raise InputError(
                f"slice {slice_id!r} has not been claimed",
                hint=f"claim it, with the work that is in it: gitslices claim {slice_id}",
            )
        raise InputError(
            f"this is not where slice {slice_id!r} was claimed to be worked on",
            hint="go to its worktree, where its token is found; or give the token that claim "
            "printed: --token N",
        )
    return token


def find_open_token(
    workspace: Workspace, slice_id: str, goal_id: str | None, caller: Caller
) -> int | None:
    """The same where its lease has not ended: a slice that nobody has asks for none."""
    token = find_token(workspace, slice_id, goal_id, caller)
    if token is None:
        return None
    with workspace.open_store() as store:
        open_ = read_open_leases(store)
    return token if any(lease.token == token for lease in open_) else None


def _refuse_others(lease: Lease, history: Sequence[Lease], caller: Caller) -> None:
    if caller.is_named and caller.holder != lease.holder:
        raise StaleTokenError(
            f"slice {lease.slice_id!r} is {lease.holder}'s now, not {caller.holder}'s",
            hint="nothing was changed; leave it to its holder",
        )
    earlier = [one for one in history if one.token < lease.token and one.holder != lease.holder]
    # Whoever gave it back knows that it did.
    taken = [one.holder for one in earlier if one.ending not in _GIVEN_BACK]
    if taken and not caller.is_named:
        raise StaleTokenError(
            f"slice {lease.slice_id!r} was {taken[-1]}'s and is {lease.holder}'s now, and nothing "
            "says which of them this is",
            hint="nothing was changed; say who works here: --holder NAME, or GITSLICES_HOLDER",
        )


def shorten_deadlines(workspace: Workspace, store: Store) -> None:
    """Bring near what was promised on a clock that was ahead, and has been put back since.

    A lease that was renewed just now would end in its `ttl`; none can have longer.
    """
    shared = list_shared_goals(store)
    for lease in read_open_leases(store):
        # Of these each clone keeps its own time.
        if lease.goal_id in shared:
            continue
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
        see = suggest("log", slice_id, goal_id=goal_id)
        return f"{describe_finished(record.status)}, see: {see}"
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
    workspace: Workspace,
    store: Store,
    record: SliceRecord,
    tips: tuple[Oid | None, Oid],
    lease: Lease | None,
) -> Work | None:
    """What was done in a slice, before `lease` if there is one; None where it is as new.

    `tips` are the last commits of its branch and of its target.
    """
    # Imported here for the sake of heartbeats: they look at no file.
    from gitslices.git.uncommitted import read_uncommitted

    repo, (tip, target_tip) = workspace.repo, tips
    ahead = count_beyond(repo, tip, (target_tip, record.base_commit)) if tip else 0
    uncommitted = read_uncommitted(repo, Path(record.worktree_path), untracked=True)
    if not ahead and not uncommitted:
        return None
    history = read_lease_history(store, record.goal_id, record.slice_id)
    # By tokens, which only grow, and not by times: a clock may have been put back.
    earlier = [one.holder for one in history if lease is None or one.token < lease.token]
    return Work(
        ahead=ahead,
        uncommitted=tuple(map(show_path, uncommitted)),
        previous_holder=earlier[-1] if earlier else None,
    )
