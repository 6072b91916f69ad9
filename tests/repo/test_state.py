"""The store, the locks and the journal, with real files and processes."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from gitslices.core.errors import BusyError, DiskError, StateError
from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.state.folder import make_state_folder
from gitslices.state.journal import ApplyIntent, clear_intent, find_intent, write_intent
from gitslices.state.lock import hold_lock, hold_operation, wait_for_operation
from gitslices.state.store import STORE_NAME, Event, SliceRecord, Store, open_store

RECORD = SliceRecord(
    goal_id="goal",
    slice_id=SliceId("a"),
    status="provisioned",
    branch_name=BranchName("slices/goal/a"),
    worktree_path="/somewhere/goal--a",
    base_commit=Oid("0" * 40),
    read_scope=("docs/",),
    write_scope=("src/", "!src/x"),
    filling_operation="op",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_state_folder(tmp_path)


def test_the_folder_is_private_and_never_a_link(tmp_path: Path) -> None:
    folder = make_state_folder(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    make_state_folder(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "gitslices").symlink_to(folder)
    with pytest.raises(DiskError, match="symbolic link"):
        make_state_folder(tmp_path / "other")


def test_slices_and_events_come_back_as_written(folder: Path) -> None:
    event = Event(at="2026-01-01T00:00:00Z", goal_id="goal", slice_id=SliceId("a"),
                  event="provisioned", detail={"n": 1})  # fmt: skip
    with open_store(folder, timeout=1) as store, store.transaction():
        store.write_slices([RECORD])
        store.write_events([event])
    with open_store(folder, timeout=1) as store:
        assert store.read_slices() == (RECORD,)
        assert store.read_slices("other") == ()
        assert store.read_events("goal") == (event,)


def test_a_transaction_that_fails_leaves_nothing(folder: Path) -> None:
    with open_store(folder, timeout=1) as store:
        with pytest.raises(KeyError):
            write_and_fail(store)
        assert store.read_slices() == ()


def write_and_fail(store: Store) -> None:
    with store.transaction():
        store.write_slices([RECORD])
        raise KeyError


def test_a_file_that_is_no_store_is_reported(folder: Path) -> None:
    (folder / STORE_NAME).write_bytes(b"not a database, but long enough to be looked at" * 20)
    with pytest.raises(StateError, match="cannot use"), open_store(folder, timeout=1):
        pass


def test_a_store_of_a_newer_gitslices_is_not_touched(folder: Path) -> None:
    with open_store(folder, timeout=1):
        pass
    with sqlite3.connect(folder / STORE_NAME) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(StateError, match="newer gitslices"), open_store(folder, timeout=1):
        pass


def test_a_second_writer_is_told_to_try_again(folder: Path) -> None:
    with open_store(folder, timeout=1) as first, open_store(folder, timeout=0.05) as second:
        with first.transaction(), pytest.raises(BusyError), second.transaction():
            pass
        with second.transaction():
            second.write_slices([RECORD])


def test_an_operation_leaves_no_file_and_can_be_waited_for(folder: Path) -> None:
    with hold_operation(folder, "op", timeout=0), pytest.raises(BusyError):
        wait_for_operation(folder, "op", timeout=0.05)
    wait_for_operation(folder, "op", timeout=0)
    assert [path.name for path in folder.iterdir()] == []


def test_a_lock_file_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "topology.lock").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(DiskError, match="cannot lock"),
        hold_lock(folder, "topology", timeout=0.05, purpose="me"),
    ):
        pass


def test_an_intent_is_there_whole_until_it_is_cleared(folder: Path) -> None:
    intent = ApplyIntent(operation="op", records=(RECORD,), new_branches=frozenset())
    assert find_intent(folder) is None
    write_intent(folder, intent)
    assert find_intent(folder) == intent
    (folder / f"intent.json.{os.getpid()}.tmp").write_text("half")
    assert find_intent(folder) == intent
    assert [path.name for path in folder.iterdir()] == ["intent.json"]
    clear_intent(folder)
    assert find_intent(folder) is None


def test_an_intent_that_cannot_be_read_is_reported(folder: Path) -> None:
    (folder / "intent.json").write_text("{}")
    with pytest.raises(StateError, match="cannot be read"):
        find_intent(folder)
