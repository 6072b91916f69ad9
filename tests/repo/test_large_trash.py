"""A large trash is emptied in small steps, and nobody waits for all of it."""

import time
from pathlib import Path

import pytest
from msgspec import structs

from gitslices.core.errors import GitslicesError
from gitslices.core.model import SliceId
from gitslices.ops import upkeep
from gitslices.ops.removal import RemoveRequest, UndoRequest, list_trash, remove, undo
from gitslices.ops.upkeep import empty_trash, hand_over_trash
from gitslices.state.trash import read_trash, write_trash
from tests.support.commands import Cli
from tests.support.slices import Desk

DAY = 86_400
LONG_AGO = "2001-01-01T00:00:00Z"


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply(*({"id": f"t{one}", "write_set": [f"new-{one}/"]} for one in range(5)))
    for one in range(5):
        remove(desk.workspace, RemoveRequest(slice_id=SliceId(f"t{one}")))
    with desk.workspace.open_store() as store, store.transaction():
        old = [structs.replace(one, aged=20 * DAY) for one in read_trash(store)]
        write_trash(store, old)
    desk.clock.advance(20 * DAY)
    return desk


def test_every_step_is_emptied_and_told(desk: Desk) -> None:
    assert len(empty_trash(desk.workspace, dry_run=True).emptied) == 5
    report = empty_trash(desk.workspace, step=2)
    assert [one.slice_id for one in report.emptied] == ["t0", "t1", "t2", "t3", "t4"]
    with desk.workspace.open_store() as store:
        assert read_trash(store) == ()
    assert empty_trash(desk.workspace).emptied == ()


def make_old(desk: Desk) -> None:
    """By any clock: a process has one of its own."""
    with desk.workspace.open_store() as store, store.transaction():
        before = read_trash(store)
        write_trash(store, [structs.replace(one, at=LONG_AGO, looked_at="") for one in before])


def test_nobody_waits_for_a_large_one(desk: Desk, cli: Cli) -> None:
    make_old(desk)
    assert hand_over_trash(desk.workspace, step=5) is None
    report = hand_over_trash(desk.workspace, step=2)
    assert report is not None
    assert (report.emptied, report.background) == ((), True)
    deadline = time.monotonic() + 60
    while list_trash(desk.workspace, None).trash:
        assert time.monotonic() < deadline
    assert cli("prune", "--trash").out == "nothing in the trash is 14 days old\n"
    assert list((desk.workspace.state_folder / "trash").iterdir()) == []


def test_only_a_trash_is_waited_for(desk: Desk, cli: Cli) -> None:
    make_old(desk)
    assert cli("prune", "--wait").code == 2
    assert len(cli("prune", "--trash", "--wait", "--json").document["emptied"]) == 5


def test_what_was_brought_back_before_its_step_stays(desk: Desk) -> None:
    with desk.workspace.open_store() as store:
        expired = read_trash(store)
        undo(desk.workspace, UndoRequest(slice_id=SliceId("t4")))
        emptied = upkeep._empty(desk.workspace, store, expired)
    assert [one.removal.record.slice_id for one in emptied] == ["t0", "t1", "t2", "t3"]
    assert (Path(desk.record("t4").worktree_path) / "Makefile").is_file()
    with pytest.raises(GitslicesError):
        undo(desk.workspace, UndoRequest(slice_id=SliceId("t0")))
