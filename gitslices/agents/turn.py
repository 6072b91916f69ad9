"""Whether a session waits for a person, as its agent's hooks tell."""

import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from gitslices.agents.adapters.adapter import Adapter
from gitslices.agents.adapters.payload import find_folders, read_payload
from gitslices.agents.guard import find_slice
from gitslices.ops.note import LONGEST_NOTE, NoteReport, NoteRequest, note
from gitslices.output.words import shorten_line
from gitslices.state.leases import find_open_lease
from gitslices.workspace import Workspace


class TurnReport(Struct, frozen=True, kw_only=True):
    """What was noted of the slice that a session is in; None where nothing has changed."""

    ok: bool = True
    noted: NoteReport | None = None


def note_turn(
    adapter: Adapter, descriptor: int, here: Path, open_workspace: Callable[[Path], Workspace]
) -> TurnReport:
    """Note what a payload tells of the slice that its session is in.

    Raises `PayloadError` for what is no payload.
    """
    started = here / os.environ.get(adapter.project_variable, "")
    payload = read_payload(descriptor)
    found = find_slice(started, here, *(here / folder for folder in find_folders(payload)))
    turn = adapter.read_turn(payload)
    if found is None or turn is None:
        return TurnReport()
    workspace, mark = open_workspace(found.path), found.mark
    with workspace.open_store() as store:
        lease = find_open_lease(store, mark.goal_id, mark.slice_id)
    waiting = shorten_line(turn.waiting, LONGEST_NOTE) if turn.waiting else None
    # A write costs: most turns begin where nobody was waited for.
    if lease is None or lease.waiting == waiting or (lease.waiting and turn.vague):
        return TurnReport()
    request = NoteRequest(
        slice_id=mark.slice_id, goal_id=mark.goal_id, waiting=waiting, going_on=waiting is None
    )
    return TurnReport(noted=note(workspace, request))
