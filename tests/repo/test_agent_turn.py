"""Whether a session waits for a person, as the hooks of its agent tell."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitslices.agents.adapters.payload import PayloadError
from gitslices.agents.adapters.table import ADAPTERS, load_adapter
from gitslices.agents.turn import TurnReport, note_turn
from gitslices.core.model import SliceId
from gitslices.ops.guard import GuardRequest, guard
from gitslices.slices.marks import find_marked_worktree
from gitslices.state.leases import Lease, add_lease, end_lease, find_open_lease
from tests.support.guarded import Guarded
from tests.support.repositories import FIXTURES
from tests.support.workspaces import open_at

GOAL, API = "auth-rework", SliceId("api")


@pytest.fixture
def held(guarded: Guarded) -> Iterator[Guarded]:
    """The slice api is held, whatever it waits for."""
    workspace = open_at(Path(guarded.places["main"]))
    lease = Lease(
        token=0,
        goal_id=GOAL,
        slice_id=API,
        holder="agent-1",
        ttl=3600,
        claimed_at=workspace.now(),
        expires_at=workspace.after(3600),
    )
    with workspace.open_store() as store:
        token = add_lease(store, lease).token
        yield guarded
        end_lease(store, token, at=workspace.now(), ending="released")


def tell(held: Guarded, tool: str, payload: Any) -> TurnReport:
    reader, writer = os.pipe()
    os.write(writer, json.dumps(held.fill(payload)).encode())
    os.close(writer)
    try:
        return note_turn(load_adapter(tool), reader, Path("/"), open_at)
    finally:
        os.close(reader)


def read_waiting(held: Guarded) -> str | None:
    with open_at(Path(held.places["main"])).open_store() as store:
        lease = find_open_lease(store, GOAL, API)
    assert lease is not None
    return lease.waiting


@pytest.mark.parametrize("tool", ADAPTERS)
def test_recorded_turns_are_noted_rightly(held: Guarded, tool: str) -> None:
    recorded = json.loads((FIXTURES / "agents" / f"{tool}.json").read_text())
    for payload, waiting in recorded["turns"]:
        tell(held, tool, {**recorded["common"], **payload})
        assert read_waiting(held) == waiting, payload


def test_who_goes_on_waits_no_more(held: Guarded) -> None:
    tell(held, "claude", {"cwd": "{api}", "hook_event_name": "Stop"})
    assert read_waiting(held) == "its turn is over"
    api = Path(held.places["api"])
    place = find_marked_worktree(api)
    assert place is not None
    guard(open_at(api), place, GuardRequest())
    assert read_waiting(held) is None


def test_elsewhere_and_of_a_slice_that_nobody_holds_nothing_is_noted(held: Guarded) -> None:
    stop = {"hook_event_name": "Stop"}
    for place in ("{main}", "{other}", "{nav}"):
        assert tell(held, "claude", {"cwd": place, **stop}) == TurnReport()
    assert read_waiting(held) is None
    with pytest.raises(PayloadError):
        tell(held, "claude", [])
