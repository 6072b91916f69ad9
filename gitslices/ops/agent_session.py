"""Slices follow the sessions of agents: given back when one ends, taken again when it goes on."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, structs

from gitslices.core.errors import GitslicesError, StaleTokenError
from gitslices.core.model import SliceId
from gitslices.git.links import find_admin_folder, list_admin_folders
from gitslices.ops.agent_worktree import (
    SessionNote,
    find_session,
    note_claim,
    write_session,
)
from gitslices.ops.claim import claim
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.leases import ReleaseRequest, release
from gitslices.slices.claims import remove_claim
from gitslices.slices.marks import find_marked_worktree
from gitslices.state.leases import (
    Lease,
    find_open_lease,
    read_lease_history,
    read_open_leases,
    rename_holder,
)
from gitslices.state.store import Store
from gitslices.workspace import Workspace


class BeginRequest(Struct, frozen=True, kw_only=True):
    """The session `holder`, which is in the folder `place`; `ttl` is in seconds.

    `is_resumed` where it was over before, or goes by another id than when it asked for its
    worktree; `is_cleared` where it goes on with what a session before it has left there.
    """

    holder: str
    place: Path
    ttl: int
    is_resumed: bool = False
    is_cleared: bool = False


class SessionSlice(Struct, frozen=True, kw_only=True):
    """A slice that a session has again, with its token; or None, and why it has not."""

    goal_id: str
    slice_id: SliceId
    token: int | None = None
    problem: str | None = None


class SessionReport(Struct, frozen=True, kw_only=True):
    """What became of the slices of a session that has begun, or ended."""

    ok: bool = True
    slices: tuple[SessionSlice, ...] = ()


def begin_session(workspace: Workspace, request: BeginRequest) -> SessionReport:
    """Take again what the session had when it ended; work that somebody else has by now stays."""
    if not workspace.has_store():
        return SessionReport()
    _adopt(workspace, request)
    own = find_admin_folder(_find_top(request.place) or request.place)
    found: list[SessionSlice] = []
    for admin in list_admin_folders(workspace.repo.common_dir):
        note = find_session(admin)
        if note is None or not note.left:
            continue
        if note.holder == request.holder or (request.is_cleared and admin == own):
            found.append(_take_again(workspace, request, admin, note))
    return SessionReport(slices=tuple(found))


def end_session(workspace: Workspace, holder: str, *, alone: bool = False) -> SessionReport:
    """Give back all slices of a session, and unless `alone` those of its subagents; work stays."""
    if not workspace.has_store():
        return SessionReport()
    with workspace.open_store() as store:
        leases = [
            lease
            for lease in read_open_leases(store)
            if lease.holder == holder or (not alone and lease.holder.startswith(f"{holder} "))
        ]
        places = {lease.token: _find_worktree(store, lease) for lease in leases}
    return SessionReport(
        slices=tuple(
            SessionSlice(goal_id=lease.goal_id, slice_id=lease.slice_id)
            for lease in leases
            if _give_back(workspace, lease, places[lease.token])
        )
    )


def _find_top(place: Path) -> Path | None:
    marked = find_marked_worktree(place.resolve())
    return marked.path if marked else None


def _find_worktree(store: Store, lease: Lease) -> Path | None:
    record = store.find_slice(lease.goal_id, lease.slice_id)
    return Path(record.worktree_path) if record else None


def _give_back(workspace: Workspace, lease: Lease, worktree: Path | None) -> bool:
    request = ReleaseRequest(slice_id=lease.slice_id, token=lease.token, goal_id=lease.goal_id)
    try:
        release(workspace, request)
    except StaleTokenError:
        return False
    admin = find_admin_folder(worktree) if worktree else None
    if admin is not None and admin.is_dir():
        remove_claim(admin)
        note = SessionNote(
            goal_id=lease.goal_id,
            slice_id=lease.slice_id,
            token=lease.token,
            holder=lease.holder,
            left=True,
        )
        write_session(admin, note)
    return True


def _adopt(workspace: Workspace, request: BeginRequest) -> None:
    """Give the slice that was handed out for this session its name, and note that it is there.

    Claude Code asks for the worktree of a resumed session by an id that it then drops.
    """
    top = _find_top(request.place)
    admin = find_admin_folder(top) if top else None
    note = find_session(admin) if admin else None
    if admin is None or note is None or note.begun or note.left:
        return
    if note.holder != request.holder:
        if not request.is_resumed:
            return
        with workspace.open_store() as store, store.transaction():
            lease = find_open_lease(store, note.goal_id, note.slice_id)
            if lease is None or lease.token != note.token:
                return
            rename_holder(store, lease.token, request.holder)
    write_session(admin, structs.replace(note, holder=request.holder, begun=True))


def _take_again(
    workspace: Workspace, request: BeginRequest, admin: Path, note: SessionNote
) -> SessionSlice:
    about = SessionSlice(goal_id=note.goal_id, slice_id=note.slice_id)
    with workspace.open_store() as store:
        last = next(reversed(read_lease_history(store, note.goal_id, note.slice_id)), None)
    if last is not None and last.token != note.token:
        write_session(admin, structs.replace(note, left=False))
        problem = f"it was {last.holder}'s meanwhile"
        return structs.replace(about, problem=problem)
    wanted = ClaimRequest(
        holder=request.holder, goal_id=note.goal_id, slice_id=note.slice_id, ttl=request.ttl
    )
    try:
        report = claim(workspace, wanted)
    except GitslicesError as error:
        return structs.replace(about, problem=error.message)
    note_claim(report, begun=True)
    return structs.replace(about, token=report.token)


def describe_session(report: SessionReport) -> Iterator[str]:
    """What the session has to know, a sentence for each slice."""
    for one in report.slices:
        if one.problem is None:
            yield f"slice {one.slice_id} is this session's again, with token {one.token}"
        else:
            yield f"slice {one.slice_id} is not this session's any more: {one.problem}"
