"""A token that was given out before the store was lost is never given out again."""

import json
import shutil
from pathlib import Path

import pytest

from gitslices.core.errors import StaleTokenError
from gitslices.core.model import SliceId
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.leases import ReleaseRequest, release
from gitslices.ops.removal import RemoveRequest, remove
from gitslices.state.folder import FOLDER_NAME
from tests.support.slices import Desk

A, B = SliceId("a"), SliceId("b")
TASKS = ({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply(*TASKS)
    return desk


def lose_store(desk: Desk) -> Desk:
    shutil.rmtree(desk.repo / ".git" / FOLDER_NAME)
    again = Desk(desk.repo)
    again.apply(*TASKS)
    return again


def put_back(desk: Desk, copy: Path) -> Desk:
    folder = desk.repo / ".git" / FOLDER_NAME
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    return Desk(desk.repo)


def find_admin(desk: Desk, id_: str) -> Path:
    return desk.repo / ".git" / "worktrees" / f"default--{id_}"


def refuse_old_token(desk: Desk, token: int) -> None:
    for act in (
        lambda: done(desk.workspace, DoneRequest(slice_id=A, token=token)),
        lambda: release(desk.workspace, ReleaseRequest(slice_id=A, token=token)),
    ):
        with pytest.raises(StaleTokenError):
            act()


def test_the_holder_from_before_cannot_end_the_lease_of_the_next(desk: Desk) -> None:
    before = desk.claim("a", "alice").token
    desk = lose_store(desk)
    assert desk.claim("a", "bob").token > before
    refuse_old_token(desk, before)


def test_it_holds_when_the_store_is_lost_twice(desk: Desk) -> None:
    tokens = [desk.claim("a").token]
    for _ in range(2):
        desk = lose_store(desk)
        tokens.append(desk.claim("a").token)
    assert tokens == sorted(set(tokens))


def test_it_holds_for_an_older_copy_of_the_store(desk: Desk, tmp_path: Path) -> None:
    copy = shutil.copytree(desk.repo / ".git" / FOLDER_NAME, tmp_path / "copy")
    before = desk.claim("a", "alice").token
    desk = put_back(desk, copy)
    assert desk.claim("a", "bob").token > before


def test_it_holds_when_the_slice_claimed_before_has_no_worktree_any_more(desk: Desk) -> None:
    before = desk.claim("a", "alice").token
    release(desk.workspace, ReleaseRequest(slice_id=A, token=before))
    highest = desk.claim("b", "alice").token
    remove(desk.workspace, RemoveRequest(slice_id=A, force=True))
    desk = lose_store(desk)
    assert desk.claim("a", "bob").token > highest


def test_a_session_note_of_an_older_gitslices_counts_too(desk: Desk) -> None:
    token = desk.claim("a").token
    note = {"goal_id": "default", "slice_id": "a", "token": token + 40,
            "expires_at": "2026-01-01T00:30:00Z", "write_scope": [], "acceptance": []}  # fmt: skip
    (find_admin(desk, "a") / "gitslices-token").unlink()
    (find_admin(desk, "a") / "gitslices-claim.json").write_text(json.dumps(note))
    desk = lose_store(desk)
    assert desk.claim("a").token == token + 41


@pytest.mark.parametrize("text", ["", "x", "-7", "9" * 30, "9" * 5000, "\0\0", "1e9", "٣"])
def test_what_is_no_token_is_passed_over(desk: Desk, text: str) -> None:
    (find_admin(desk, "a") / "gitslices-token").write_text(text)
    assert 0 < desk.claim("a").token < 1 << 48


def test_a_token_grows_within_one_store_whatever_the_worktree_says(desk: Desk) -> None:
    first = desk.claim("a").token
    release(desk.workspace, ReleaseRequest(slice_id=A, token=first))
    (find_admin(desk, "a") / "gitslices-token").write_text("0")
    assert desk.claim("a").token > first
