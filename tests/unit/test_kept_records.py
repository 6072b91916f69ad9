"""Names under which records are kept: stores, intents and trash that are there hold them."""

import msgspec

from gitslices.state.store import SliceRecord


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
    }
    record = msgspec.convert(kept, SliceRecord)
    assert record.filling_operation == "op"
    assert msgspec.json.decode(msgspec.json.encode(record)) == kept
