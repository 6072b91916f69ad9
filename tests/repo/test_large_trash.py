"""A large trash is emptied in small steps, and nobody waits for all of it."""

from pathlib import Path

import pytest
from msgspec import structs

from gitslices.core.errors import GitslicesError
from gitslices.core.model import SliceId
from gitslices.ops import upkeep
from gitslices.ops.removal import RemoveRequest, UndoRequest, remove, undo
from gitslices.ops.upkeep import empty_trash
from gitslices.state.trash import read_trash, write_trash
from tests.support.slices import Desk

DAY = 86_400


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


def test_what_was_brought_back_before_its_step_stays(desk: Desk) -> None:
    with desk.workspace.open_store() as store:
        expired = read_trash(store)
        undo(desk.workspace, UndoRequest(slice_id=SliceId("t4")))
        emptied = upkeep._empty(desk.workspace, store, expired)
    assert [one.removal.record.slice_id for one in emptied] == ["t0", "t1", "t2", "t3"]
    assert (Path(desk.record("t4").worktree_path) / "Makefile").is_file()
    with pytest.raises(GitslicesError):
        undo(desk.workspace, UndoRequest(slice_id=SliceId("t0")))
