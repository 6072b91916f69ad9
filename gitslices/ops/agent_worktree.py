"""Worktrees for sessions of agents: a session that asks for one gets a slice."""

from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from gitslices.core.decoding import decode_json
from gitslices.core.errors import (
    InputError,
    NothingReadyError,
    Problem,
    RefusedError,
    StaleTokenError,
)
from gitslices.core.files import read_regular, replace_file
from gitslices.core.model import SliceId
from gitslices.git.links import find_admin_folder
from gitslices.ops.claim import ClaimReport, claim
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.leases import ReleaseRequest, release
from gitslices.slices.claims import ClaimNote, find_claim, remove_claim, write_claim
from gitslices.slices.marks import find_mark
from gitslices.state.store import Goal
from gitslices.workspace import Workspace

_SESSION_NAME: Final = "gitslices-session.json"
_LONGEST: Final = 64 * 1024


class SessionNote(Struct, frozen=True, kw_only=True):
    """The session that has had a slice, in its worktree's own folder of git.

    `begun` once the session that the worktree was made for is in it; `left` when that session is
    over and has given the slice back, to take it again if it is resumed.
    """

    goal_id: str
    slice_id: SliceId
    token: int
    holder: str
    begun: bool = False
    left: bool = False


class HandOutRequest(Struct, frozen=True, kw_only=True):
    """The session that asks, and the name that it wants for its worktree; `ttl` is in seconds."""

    holder: str
    ttl: int
    name: str = ""


class HandBackReport(Struct, frozen=True, kw_only=True):
    """What became of a worktree that a session has left; nothing where it is gone already."""

    ok: bool = True
    slice_id: SliceId | None = None
    released: bool = False


def hand_out(workspace: Workspace, request: HandOutRequest) -> ClaimReport:
    """Claim the slice that is named like the wanted worktree, or else the next ready one.

    The session finds its claim in git's own folder for the worktree. Raises `NothingReadyError`,
    `LeaseHeldError` or `InputError` where there is none to give.
    """
    report = _claim(workspace, request)
    note_claim(report)
    return report


def note_claim(report: ClaimReport, *, begun: bool = False) -> None:
    """Leave a claim with its worktree, and whose it is."""
    admin = find_admin_folder(Path(report.worktree_path))
    if admin is not None:
        write_claim(admin, report)
        note = SessionNote(
            goal_id=report.goal_id,
            slice_id=report.slice_id,
            token=report.token,
            holder=report.holder,
            begun=begun,
        )
        write_session(admin, note)


def write_session(admin: Path, note: SessionNote) -> None:
    """Leave a note of a session in git's folder for a worktree."""
    replace_file(admin / _SESSION_NAME, msgspec.json.encode(note) + b"\n")


def find_session(admin: Path) -> SessionNote | None:
    """The note that was left; None where there is none, or none that can be read."""
    with suppress(OSError, msgspec.MsgspecError):
        return decode_json(read_regular(admin / _SESSION_NAME, limit=_LONGEST), SessionNote)
    return None


def hand_back(workspace: Workspace, worktree: Path) -> HandBackReport:
    """End the lease that `hand_out` gave for `worktree`, which stays with all that is in it.

    Nothing happens where the folder is no worktree any more. Raises `RefusedError` for one that is
    no slice's: nobody here can know what is in it.
    """
    admin = find_admin_folder(worktree)
    if admin is None:
        return HandBackReport()
    mark, note = find_mark(admin), find_claim(admin)
    if mark is None:
        raise RefusedError(
            f"{str(worktree)!r} is no slice's worktree: it was left alone",
            hint="remove it by hand: git worktree remove",
        )
    released = note is not None and _end(workspace, note)
    remove_claim(admin)
    return HandBackReport(slice_id=mark.slice_id, released=released)


def _claim(workspace: Workspace, request: HandOutRequest) -> ClaimReport:
    """Claim in the goal that has the named slice, else in the first that has a ready one."""
    goals = _list_goals(workspace)
    for goal_id, slices in goals.items():
        if request.name in slices:
            return claim(workspace, _make_request(request, goal_id, SliceId(request.name)))
    problems: list[Problem] = []
    for goal_id in goals:
        try:
            return claim(workspace, _make_request(request, goal_id, None))
        except NothingReadyError as error:
            problems += error.problems or [Problem(goal_id, error.message)]
    raise NothingReadyError("no slice is ready", hint="see: gitslices ready", problems=problems)


def _list_goals(workspace: Workspace) -> dict[str, frozenset[str]]:
    goals: dict[str, frozenset[str]] = {}
    if workspace.has_store():
        with workspace.open_store() as store:
            goals = {one.goal_id: _list_ids(one) for one in store.read_goals()}
    if not goals:
        raise InputError(
            "no plan has been applied in this repository", hint="run: gitslices plan --apply"
        )
    return goals


def _list_ids(goal: Goal) -> frozenset[str]:
    return frozenset(slice_.slice_id for slice_ in goal.plan.slices)


def _make_request(request: HandOutRequest, goal_id: str, slice_id: SliceId | None) -> ClaimRequest:
    # A session may have many worktrees: only the slice that it names can be one that it has.
    return ClaimRequest(
        holder=request.holder, goal_id=goal_id, slice_id=slice_id, ttl=request.ttl,
        resume="any" if slice_id else "none",
    )  # fmt: skip


def _end(workspace: Workspace, note: ClaimNote) -> bool:
    """End the lease, unless it has ended or somebody else has the slice."""
    request = ReleaseRequest(slice_id=note.slice_id, token=note.token, goal_id=note.goal_id)
    try:
        release(workspace, request)
    except StaleTokenError:
        return False
    return True
