"""`gitslices agent worktree-create|worktree-remove`: a session that asks for one gets a slice."""

import json
from pathlib import Path

import msgspec
import pytest

from gitslices.core.errors import LeaseHeldError, NothingReadyError, RefusedError
from gitslices.core.model import SliceId
from gitslices.git.links import find_admin_folder
from gitslices.ops.agent_worktree import HandOutRequest, hand_back, hand_out
from gitslices.ops.claim import ClaimReport
from gitslices.ops.leases import ReleaseRequest, release
from gitslices.slices.claims import find_claim
from tests.support.commands import Cli
from tests.support.repositories import git
from tests.support.slices import Desk

GRAPH = b'{"tasks": [{"id": "a", "owner_role": "w", "write_set": ["src/"]}]}'


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply(
        {"id": "a", "write_set": ["src/"], "estimate": 2},
        {"id": "b", "write_set": ["docs/"]},
        {"id": "c", "write_set": ["src/x"], "dependencies": ["a"]},
    )
    return desk


def ask(desk: Desk, name: str = "", session: str = "s1") -> ClaimReport:
    return hand_out(desk.workspace, HandOutRequest(holder=f"claude {session}", name=name, ttl=60))


def test_a_session_gets_the_named_slice_or_the_next_ready_one(desk: Desk) -> None:
    assert ask(desk, "b").slice_id == "b"
    assert ask(desk, "brave-newton").slice_id == "a"
    with pytest.raises(NothingReadyError) as refused:
        ask(desk)
    assert any("waits for a (claimed)" in one.message for one in refused.value.problems)
    with pytest.raises(LeaseHeldError, match="held by claude s1"):
        ask(desk, "b", "s2")


def test_the_claim_lies_where_the_session_finds_it(desk: Desk) -> None:
    report = ask(desk)
    folder = git(Path(report.worktree_path), "rev-parse", "--git-dir")
    note = json.loads((Path(folder) / "gitslices-claim.json").read_text())
    assert note == json.loads(msgspec.json.encode(report))
    assert (note["slice_id"], note["token"], note["write_scope"]) == ("a", report.token, ["src/"])


def test_a_session_that_leaves_gives_the_slice_back_with_its_work(desk: Desk) -> None:
    worktree = Path(ask(desk, "b").worktree_path)
    (worktree / "docs" / "draft.md").write_text("half")
    report = hand_back(desk.workspace, worktree)
    assert (report.slice_id, report.released) == ("b", True)
    assert (worktree / "docs" / "draft.md").read_text() == "half"
    assert not hand_back(desk.workspace, worktree).released
    assert ask(desk, "b", "s2").slice_id == "b"


def test_a_slice_that_somebody_else_has_by_now_stays_theirs(desk: Desk) -> None:
    worktree = Path(ask(desk, "b").worktree_path)
    release(desk.workspace, ReleaseRequest(slice_id=SliceId("b"), token=None))
    desk.claim("b", "somebody")
    assert not hand_back(desk.workspace, worktree).released
    with pytest.raises(LeaseHeldError, match="somebody"):
        ask(desk, "b")


def test_a_worktree_of_nobody_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    git(desk.repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "own"))
    with pytest.raises(RefusedError, match="no slice's worktree"):
        hand_back(desk.workspace, tmp_path / "own")
    assert (tmp_path / "own" / ".git").exists()
    assert hand_back(desk.workspace, tmp_path / "gone").slice_id is None


def test_the_hooks_end_to_end(cli: Cli, repo: Path) -> None:
    session = {"session_id": "s1", "cwd": str(repo), "hook_event_name": "WorktreeCreate"}
    create = json.dumps({**session, "name": "calm-bell"}).encode()
    none = cli("agent", "worktree-create", stdin=create)
    assert (none.code, none.out) == (2, "")
    assert "no plan has been applied" in none.err
    assert cli("plan", "-", "--apply", stdin=GRAPH).code == 0
    done = cli("agent", "worktree-create", stdin=create)
    assert done.code == 0
    worktree = Path(done.out.splitlines()[-1])
    assert worktree.is_dir()
    assert "a: held by claude s1 until" in done.err
    admin = find_admin_folder(worktree)
    assert admin
    assert find_claim(admin)
    again = cli("agent", "worktree-create", stdin=create)
    assert (again.code, again.out) == (1, "")
    assert "no slice is ready" in again.err
    leave = json.dumps({"worktree_path": str(worktree), "hook_event_name": "WorktreeRemove"})
    left = cli("agent", "worktree-remove", stdin=leave.encode())
    assert (left.code, left.out) == (0, "a: open again; its worktree stays\n")
    gone = json.dumps({"worktree_path": str(repo / "gone")}).encode()
    assert cli("agent", "worktree-remove", stdin=gone).code == 0
    bad = cli("agent", "worktree-remove", stdin=b"{}")
    assert (bad.code, bad.out) == (2, "")
    assert "the payload's field 'worktree_path' is no text" in bad.err
