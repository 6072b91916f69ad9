"""Operations that clones agree on: brought up to date first, what they write pushed, done again.

An operation reads and writes the store as ever. What it has changed of a shared goal is pushed
before its transaction is committed; where another clone was first, nothing is written here either,
and the whole operation is done again on what is so by then. Without a shared goal nothing of this
costs more than a question to the store.
"""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar, cast

from msgspec import structs

from gitslices.core.errors import BusyError, GitslicesError, RefusedError, RemoteError, StateError
from gitslices.core.faults import reach
from gitslices.core.model import BranchName, Oid
from gitslices.remote.events import list_pending, make_message, take_events
from gitslices.state.sharing import (
    Sharing,
    find_last_token,
    find_sharing,
    list_unshared,
    list_unshared_events,
    set_unshared,
    write_files,
    write_sharing,
)
from gitslices.state.store import Store
from gitslices.workspace import Workspace

if TYPE_CHECKING:
    from gitslices.remote.state_ref import PushSpec, Refused, StateCommit

_Parameters = ParamSpec("_Parameters")
_Report = TypeVar("_Report")
_Operation = Callable[Concatenate[Workspace, _Parameters], _Report]

_ATTEMPTS: Final = 200
_LONGEST_PAUSE: Final = 1.0


class OvertakenError(GitslicesError):
    """Another clone has changed the shared state first: nothing was written."""

    code = "busy"
    exit_code = 4


def agreed(operation: _Operation[_Parameters, _Report]) -> _Operation[_Parameters, _Report]:
    """Have an operation on shared goals know what others did, and tell them what it does.

    Raises `RemoteError` where the remote cannot be reached; then nothing was changed.
    """
    return _agree(operation, needs_remote=True)


def told(operation: _Operation[_Parameters, _Report]) -> _Operation[_Parameters, _Report]:
    """The same for what needs nobody's consent: offline it is done, and told with the next push."""
    return _agree(operation, needs_remote=False)


def _agree(
    operation: Callable[Concatenate[Workspace, _Parameters], _Report], *, needs_remote: bool
) -> Callable[Concatenate[Workspace, _Parameters], _Report]:
    @wraps(operation)
    def run(workspace: Workspace, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Report:
        # Part of another one, it is done again with that.
        if workspace.agreement is not None:
            return operation(workspace, *args, **kwargs)
        for attempt in range(_ATTEMPTS):
            agreement = _Agreement(workspace, needs_remote=needs_remote)
            try:
                return operation(workspace.agreeing(agreement), *args, **kwargs)
            except OvertakenError:
                # At random, or those who have met once meet again; longer while many are at it.
                longest = min(_LONGEST_PAUSE, 0.02 * 2 ** min(attempt, 6))
                time.sleep(random.uniform(0, longest))  # noqa: S311
        raise BusyError("the shared state keeps moving", hint="try again later")

    return cast(Callable[Concatenate[Workspace, _Parameters], _Report], run)


class _Agreement:
    """One operation's dealings with the shared state."""

    def __init__(self, workspace: Workspace, *, needs_remote: bool) -> None:
        self._workspace = workspace
        self._needs_remote = needs_remote
        self._is_fresh = False
        self._is_offline = False

    def attach(self, store: Store) -> None:
        """Fetch, once an operation, and have every transaction from now on push first."""
        sharing = find_sharing(store)
        if sharing is None or self._is_offline:
            return
        if not self._is_fresh:
            with self._tolerance():
                refresh(self._workspace, store)
                self._is_fresh = True
            self._is_offline = not self._is_fresh
        if self._is_fresh:
            store.before_commit = self._push

    def renew(self, store: Store) -> None:
        """Fetch again, for who waits for others."""
        if self._is_fresh:
            refresh(self._workspace, store)

    def _push(self, store: Store) -> None:
        with self._tolerance():
            push_changes(self._workspace, store)

    def _tolerance(self) -> AbstractContextManager[None]:
        # What needs nobody's consent is kept where the remote is away, and told with a later push.
        return nullcontext() if self._needs_remote else suppress(RemoteError)


def refresh(workspace: Workspace, store: Store) -> None:
    """Have the store say what the shared state does now, with what was not told yet kept.

    Raises `RemoteError` where the remote cannot be reached, `StateError` where the state there is
    not the one of before with changes on top.
    """
    from gitslices.remote.state_ref import fetch_state

    began = time.monotonic_ns()
    with workspace.hold_sharing():
        sharing = find_sharing(store)
        # Whoever had the lock meanwhile has fetched for this one, too.
        if sharing is None or began <= sharing.read_ns <= time.monotonic_ns():
            return
        read_ns = time.monotonic_ns()
        tip = fetch_state(
            workspace.repo, sharing.remote, sharing.ref, _list_targets(store, sharing),
            workspace.access,
        )  # fmt: skip
        if tip is None:
            raise _make_lost_error(sharing, "is gone from")
        with store.transaction():
            now = find_sharing(store)
            if now is not None:
                now = take_state(workspace, store, now, tip, before=sharing.commit_id)
                write_sharing(store, structs.replace(now, read_at=workspace.now(), read_ns=read_ns))


def _list_targets(store: Store, sharing: Sharing) -> list[BranchName]:
    """The branches that shared goals under way are merged into: fetched with the state."""
    start = f"{sharing.remote}/"
    rows = store.query(
        "SELECT json_extract(plan, '$.target') FROM goals WHERE closed_at IS NULL"
        " AND goal_id IN (SELECT goal_id FROM shared_goals)"
    )
    return [BranchName(row[0].removeprefix(start)) for row in rows if row[0].startswith(start)]


def take_state(
    workspace: Workspace, store: Store, sharing: Sharing, tip: Oid, *, before: str
) -> Sharing:
    """Bring the rows to the state at `tip`; part of a transaction.

    `before` is what was known when it was fetched: pushes from here may have passed it since.
    """
    # Imported here: most operations find nothing new.
    from gitslices.git.read import is_ancestor
    from gitslices.remote.state_ref import read_chain

    old = Oid(sharing.commit_id) if sharing.commit_id else None
    if tip == old:
        return sharing
    chain = read_chain(workspace.repo, old, tip)
    if not chain:
        if old and sharing.commit_id != before and is_ancestor(workspace.repo, tip, old):
            return sharing
        raise _make_lost_error(sharing, "was rewritten at")
    return _take(workspace, store, sharing, tip, chain)


def take_restored(workspace: Workspace, store: Store, sharing: Sharing, tip: Oid) -> Sharing:
    """The same for a state that was put back: it is taken without the changes that led to it."""
    return _take(workspace, store, sharing, tip, ())


def _take(
    workspace: Workspace, store: Store, sharing: Sharing, tip: Oid, chain: Sequence["StateCommit"]
) -> Sharing:
    from gitslices.remote.rows import take_files
    from gitslices.remote.state_ref import read_changes

    old = Oid(sharing.commit_id) if sharing.commit_id else None
    files = read_changes(workspace.repo, old, tip)
    changed = list_unshared(store)
    sharing = take_files(workspace, store, sharing, files)
    write_files(store, files)
    pending = take_events(store, sharing, [commit.message for commit in chain])
    set_unshared(store, changed, pending)
    return structs.replace(sharing, commit_id=tip)


def _make_lost_error(sharing: Sharing, what: str) -> StateError:
    return StateError(
        f"the shared state {sharing.ref!r} {what} the remote {sharing.remote!r}",
        hint="nothing was changed here; see: gitslices doctor; or put back what this clone knows: "
        f"gitslices join {sharing.remote} --restore",
    )


def push_changes(workspace: Workspace, store: Store) -> None:
    """Push what the transaction at hand has changed of shared goals, if anything.

    Raises `OvertakenError` where another clone was first, `RefusedError` where the remote does not
    take it, `RemoteError` where nobody can tell; in each case the caller's transaction is undone.
    """
    if not list_unshared(store) and not list_unshared_events(store):
        return
    from gitslices.remote.rows import list_changes

    sharing = find_sharing(store)
    if sharing is None:
        return
    files = list_changes(workspace, store, sharing)
    if files or list_pending(store):
        new = write_change(workspace, store, sharing, files)
        reach("share:push")
        _push(workspace, sharing, new)
        reach("share:pushed")
        note_pushed(workspace, store, sharing, new, files)
    set_unshared(store, ())


class _DraftMadeError(Exception):
    """Ends the transaction that a draft is made in: it is written once the remote has taken it."""

    def __init__(self, sharing: Sharing, commit: Oid) -> None:
        super().__init__()
        self.sharing = sharing
        self.commit = commit


def push_with_branch(
    workspace: Workspace, store: Store, branch: "PushSpec", write: Callable[[], None]
) -> "Refused | None":
    """Push a branch and what `write` changes of the state in one step, and bring both here.

    The caller holds neither lock nor transaction: hooks of the repository run. Raises
    `OvertakenError` where the state has moved. None where the remote has taken both; the same where
    neither has changed but what it says of a refusal.
    """
    from gitslices.remote.rows import list_changes
    from gitslices.remote.state_ref import push_state

    try:
        with store.transaction():
            write()
            sharing = find_sharing(store)
            assert sharing is not None, "the goal is shared"  # noqa: S101
            files = list_changes(workspace, store, sharing)
            raise _DraftMadeError(sharing, write_change(workspace, store, sharing, files))
    except _DraftMadeError as made:
        sharing, new = made.sharing, made.commit
    reach("share:push-branch")
    refused = push_state(
        workspace.repo, sharing.remote, sharing.ref, new, workspace.access, branch=branch
    )
    reach("share:pushed-branch")
    if refused is not None:
        refused = None if _is_taken(workspace, sharing, new) else refused
    if refused is None:
        refresh(workspace, store)
    return refused


def write_change(
    workspace: Workspace, store: Store, sharing: Sharing, files: dict[str, bytes | None]
) -> Oid:
    """The commit that has `files` on top of the state as it was last read."""
    from gitslices.remote.state_ref import write_state

    parents = [Oid(sharing.commit_id)] if sharing.commit_id else []
    message = make_message(sharing, list(list_pending(store).values()))
    return write_state(workspace.repo, parents, files, message)


def note_pushed(
    workspace: Workspace, store: Store, sharing: Sharing, new: Oid,
    files: dict[str, bytes | None],
) -> None:  # fmt: skip
    """Have the store know that the remote has `new`."""
    write_files(store, files)
    last = max(sharing.last_token, find_last_token(store))
    write_sharing(
        store,
        structs.replace(sharing, commit_id=new, last_token=last, read_at=workspace.now()),
    )


def _push(workspace: Workspace, sharing: Sharing, new: Oid) -> None:
    from gitslices.remote.state_ref import push_state

    refused = push_state(workspace.repo, sharing.remote, sharing.ref, new, workspace.access)
    if refused is None:
        return
    if _is_taken(workspace, sharing, new):
        return
    if not refused.is_told:
        raise RemoteError(
            f"the remote {sharing.remote!r} has not taken the shared state: {refused.reason}",
            hint="nothing was changed; try again",
        )
    raise RefusedError(
        f"the remote {sharing.remote!r} does not take the shared state: {refused.reason}",
        hint=f"nothing was changed; whoever works on a shared goal must be able to push "
        f"{sharing.ref}; for hosts that take branches only: "
        "git config gitslices.stateRef refs/heads/gitslices/state",
    )


def _is_taken(workspace: Workspace, sharing: Sharing, new: Oid) -> bool:
    """Whether the remote has `new` all the same; raise `OvertakenError` where the state has moved.

    By what is there now, not by what was said: the answer to a push that went through may be lost.
    The message has a number of its own, so nobody else makes this very commit.
    """
    from gitslices.git.read import is_ancestor
    from gitslices.remote.state_ref import fetch_state

    tip = fetch_state(workspace.repo, sharing.remote, sharing.ref, (), workspace.access)
    if tip is not None and (tip == new or is_ancestor(workspace.repo, new, tip)):
        return True
    if (tip or "") != sharing.commit_id:
        raise OvertakenError("another clone has changed the shared state", hint="try again")
    return False
