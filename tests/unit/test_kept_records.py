"""Names under which records are kept: stores, intents and trash that are there hold them."""

import msgspec
import pytest

from gitslices.core.errors import StateError
from gitslices.state.store import SliceRecord, decode_event, decode_goal


def test_an_intent_of_before_is_read_and_written_alike() -> None:
    kept = {
        "goal_id": "g",
        "slice_id": "a",
        "status": "provisioned",
        "branch_name": "slices/g/a",
        "worktree_path": "/w/a",
        "base_commit": "0" * 40,
        "read_scope": [],
        "write_scope": ["a.py"],
        "allowed_scope": [],
        "filler": "op",
        "sparse": "",
        "port": 0,
        "needs_setup": False,
        "checkout_scope": [],
    }
    record = msgspec.convert(kept, SliceRecord)
    assert record.filling_operation == "op"
    assert msgspec.json.decode(msgspec.json.encode(record)) == {**kept, "ports": 1}


@pytest.mark.parametrize("value", [None, 3, 1.5, "{", b"\xff", "", b"[]"])
@pytest.mark.parametrize("column", ["graph", "plan"])
def test_a_damaged_column_is_no_bug(column: str, value: object) -> None:
    row = {"goal_id": "g", "graph": b"{}", "plan": b"{}", "applied_at": "", "digest": "x"}
    with pytest.raises(StateError):
        decode_goal({**row, column: value})


@pytest.mark.parametrize("value", [None, 3, "{", b"\xff"])
def test_a_damaged_detail_is_no_bug(value: object) -> None:
    row = {"at": "", "goal_id": "g", "slice_id": "a", "event": "claimed"}
    with pytest.raises(StateError):
        decode_event({**row, "detail": value})
