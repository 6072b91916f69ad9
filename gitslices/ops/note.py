"""What is to be told of a slice: a note for the log, or that its worker waits for a person."""

from msgspec import Struct

from gitslices.core.errors import InputError, RefusedError, suggest
from gitslices.core.model import SliceId
from gitslices.remote.agreement import told
from gitslices.repo_commands.notify import Notice, notify
from gitslices.slices.claims import make_lease_event, require_lease
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import find_held, get_goal
from gitslices.state.leases import Lease, find_open_lease, write_waiting
from gitslices.state.store import Event, Store
from gitslices.workspace import Workspace

LONGEST_NOTE = 1000


class NoteRequest(Struct, frozen=True, kw_only=True):
    """`message` goes to the log; `waiting` says what a person is to do, `going_on` that it is done.

    With a token it has to be that of the slice's lease.
    """

    slice_id: SliceId
    goal_id: str | None = None
    token: int | None = None
    message: str | None = None
    waiting: str | None = None
    going_on: bool = False


class NoteReport(Struct, frozen=True, kw_only=True):
    """What `gitslices note --json` prints; `waiting` is what is waited for now, if anything."""

    goal_id: str
    slice_id: SliceId
    holder: str | None
    message: str | None
    waiting: str | None
    warnings: tuple[str, ...] = ()


@told
def note(workspace: Workspace, request: NoteRequest) -> NoteReport:
    """Note what `request` has of a slice, and log it.

    Raises `RefusedError` for a slice that nobody holds and so cannot wait, `StaleTokenError` for a
    token that is not the slice's, `InputError` for a text that is blank or too long.
    """
    for text in (request.message, request.waiting):
        if text is not None:
            refuse_odd_text(text)
    with workspace.open_store() as store:
        # Before the transaction: it may ask git.
        goal = choose_goal(workspace, store, request.goal_id, request.slice_id)
        goal_id, is_news = goal.goal_id, False
        with store.transaction():
            slice_id = find_held(store, get_goal(store, goal_id), request.slice_id)
            if request.token is not None:
                require_lease(store, goal_id, slice_id, request.token)
            lease = find_open_lease(store, goal_id, slice_id)
            if request.message is not None:
                detail = {"message": request.message}
                event = Event(
                    at=workspace.now(), goal_id=goal_id, slice_id=slice_id, event="note",
                    detail=detail,
                )  # fmt: skip
                store.write_events([event])
            waiting = lease.waiting if lease else None
            if request.waiting is not None or request.going_on:
                waiting = request.waiting
                held = _require(lease, goal_id, slice_id)
                is_news = note_waiting(workspace, store, held, waiting)
    warnings: tuple[str, ...] = ()
    if waiting and is_news:
        notice = Notice(event="waiting", goal_id=goal_id, slice_id=slice_id, text=waiting)
        warnings = notify(workspace, notice, goal.plan.target)
    return NoteReport(
        goal_id=goal_id,
        slice_id=slice_id,
        holder=lease.holder if lease else None,
        message=request.message,
        waiting=waiting,
        warnings=warnings,
    )


def note_waiting(workspace: Workspace, store: Store, lease: Lease, waiting: str | None) -> bool:
    """Set what a holder waits for, None for nothing, and log it; tell whether it is news.

    Part of a transaction.
    """
    if lease.waiting == waiting:
        return False
    write_waiting(store, lease.token, waiting, since=workspace.now() if waiting else None)
    event = (
        make_lease_event(workspace, "waiting", lease, reason=waiting)
        if waiting
        else make_lease_event(workspace, "going-on", lease)
    )
    store.write_events([event])
    return True


def _require(lease: Lease | None, goal_id: str, slice_id: SliceId) -> Lease:
    if lease is None:
        see = suggest("status", goal_id=goal_id)
        raise RefusedError(f"nobody holds slice {slice_id!r}", hint=f"see: {see}")
    return lease


def refuse_odd_text(text: str) -> None:
    """Raise `InputError` for what is blank, or too long for a note."""
    if not text.strip() or "\0" in text or len(text) > LONGEST_NOTE:
        raise InputError(
            f"{text[:40]!r} says nothing" if not text.strip() else f"{text[:40]!r} is no note",
            hint=f"write 1 to {LONGEST_NOTE} characters",
        )
