"""Leases follow sessions: kept while one works, given back when it ends, there when it goes on."""

from pathlib import Path

import pytest

from gitslices.git.links import find_admin_folder
from gitslices.ops.agent_session import (
    BeginRequest,
    SessionReport,
    begin_session,
    describe_session,
    end_session,
)
from gitslices.ops.agent_worktree import HandOutRequest, hand_out
from gitslices.ops.claim import ClaimReport
from gitslices.ops.guard import GuardRequest, guard, is_held_by
from gitslices.slices.claims import find_claim
from gitslices.slices.marks import find_marked_worktree
from gitslices.state.leases import Lease, find_open_lease
from tests.support.slices import GOAL, Desk

TTL = 600


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply(
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["docs/"]},
        {"id": "c", "write_set": ["lib/"]},
    )
    return desk


def ask(desk: Desk, name: str, holder: str = "claude s1") -> ClaimReport:
    return hand_out(desk.workspace, HandOutRequest(holder=holder, name=name, ttl=TTL))


def begin(desk: Desk, holder: str = "claude s1", *, place: Path, source: str = "") -> SessionReport:
    request = BeginRequest(
        holder=holder,
        place=place,
        ttl=TTL,
        is_resumed=source == "resume",
        is_cleared=source == "clear",
    )
    return begin_session(desk.workspace, request)


def find_lease(desk: Desk, slice_id: str) -> Lease | None:
    with desk.workspace.open_store() as store:
        return find_open_lease(store, GOAL, slice_id)


def find_holder(desk: Desk, slice_id: str) -> str | None:
    lease = find_lease(desk, slice_id)
    return lease.holder if lease else None


def test_a_session_that_ends_gives_back_its_slices_and_those_of_its_subagents(desk: Desk) -> None:
    ask(desk, "a")
    ask(desk, "b", "claude s1 agent-0123456789")
    desk.claim("c", "claude s10")
    (desk.worktree("a") / "src" / "draft.py").write_text("half\n")
    report = end_session(desk.workspace, "claude s1")
    assert sorted(one.slice_id for one in report.slices) == ["a", "b"]
    assert [find_holder(desk, id_) for id_ in "abc"] == [None, None, "claude s10"]
    assert (desk.worktree("a") / "src" / "draft.py").read_text() == "half\n"
    assert end_session(desk.workspace, "claude s1").slices == ()


def test_a_subagent_that_stops_gives_back_its_own_alone(desk: Desk) -> None:
    ask(desk, "a")
    ask(desk, "b", "claude s1 agent-0123456789")
    end_session(desk.workspace, "claude s1 agent-0123456789", alone=True)
    assert [find_holder(desk, id_) for id_ in "ab"] == ["claude s1", None]
    begin(desk, "claude s1 agent-0123456789", place=desk.worktree("b"))
    assert find_holder(desk, "b") == "claude s1 agent-0123456789"


@pytest.mark.parametrize("place", ["its worktree", "the main worktree"])
def test_a_session_that_is_resumed_has_its_slice_again(desk: Desk, place: str) -> None:
    token = ask(desk, "a").token
    begin(desk, place=desk.worktree("a"))
    end_session(desk.workspace, "claude s1")
    where = desk.worktree("a") if place == "its worktree" else desk.repo
    report = begin(desk, place=where, source="resume")
    (again,) = report.slices
    assert again.token
    assert again.token > token
    assert find_holder(desk, "a") == "claude s1"
    assert "".join(describe_session(report)) == (
        f"slice a is this session's again, with token {again.token}"
    )
    admin = find_admin_folder(desk.worktree("a"))
    assert admin
    note = find_claim(admin)
    assert note
    assert note.token == again.token


def test_what_somebody_else_has_had_since_is_not_taken_again(desk: Desk) -> None:
    ask(desk, "a")
    end_session(desk.workspace, "claude s1")
    desk.claim("a", "somebody")
    report = begin(desk, place=desk.worktree("a"), source="resume")
    assert "".join(describe_session(report)) == (
        "slice a is not this session's any more: it was somebody's meanwhile"
    )
    assert find_holder(desk, "a") == "somebody"
    assert begin(desk, place=desk.worktree("a"), source="resume").slices == ()


def test_another_session_takes_nothing(desk: Desk) -> None:
    ask(desk, "a")
    end_session(desk.workspace, "claude s1")
    for source in ("", "resume"):
        assert begin(desk, "claude s2", place=desk.worktree("a"), source=source).slices == ()
    assert find_holder(desk, "a") is None


def test_a_cleared_session_goes_on_under_its_new_id(desk: Desk) -> None:
    ask(desk, "a")
    ask(desk, "b", "claude s9")
    end_session(desk.workspace, "claude s1")
    end_session(desk.workspace, "claude s9")
    begin(desk, "claude s2", place=desk.worktree("a") / "src", source="clear")
    assert [find_holder(desk, id_) for id_ in "ab"] == ["claude s2", None]


def test_a_resumed_session_that_asked_by_another_id_is_known_by_its_own(desk: Desk) -> None:
    ask(desk, "a", "claude passing")
    begin(desk, place=desk.worktree("a"), source="resume")
    assert find_holder(desk, "a") == "claude s1"
    # Once it is there, a second session in the same worktree changes nothing.
    begin(desk, "claude s2", place=desk.worktree("a"), source="resume")
    assert find_holder(desk, "a") == "claude s1"
    end_session(desk.workspace, "claude s1")
    assert find_holder(desk, "a") is None


def test_a_session_that_was_cut_short_gets_its_slice_by_the_same_name(desk: Desk) -> None:
    token = ask(desk, "a").token
    assert ask(desk, "a").token == token


def touch(desk: Desk, session: str | None) -> None:
    place = find_marked_worktree(desk.worktree("a"))
    assert place
    guard(desk.workspace, place, GuardRequest(session=session))


def test_each_question_to_the_guard_is_a_heartbeat(desk: Desk) -> None:
    first = ask(desk, "a").expires_at
    touch(desk, "claude s1")
    assert getattr(find_lease(desk, "a"), "expires_at", None) == first
    desk.clock.advance(300)
    touch(desk, None)
    renewed = find_lease(desk, "a")
    assert renewed
    assert renewed.expires_at > first
    desk.clock.advance(660)  # lapsed
    touch(desk, "claude s2")
    assert find_lease(desk, "a") == renewed
    touch(desk, "claude s1")
    late = find_lease(desk, "a")
    assert late
    assert late.expires_at > renewed.expires_at


def test_a_slice_is_held_by_the_session_that_claimed_it(desk: Desk) -> None:
    ask(desk, "a")
    place = find_marked_worktree(desk.worktree("a") / "src")
    assert place
    assert is_held_by(desk.workspace, place.mark, "claude s1")
    assert not is_held_by(desk.workspace, place.mark, "claude s1 agent-0123456789")
    end_session(desk.workspace, "claude s1")
    assert not is_held_by(desk.workspace, place.mark, "claude s1")
