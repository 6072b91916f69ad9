"""Clocks that jump, ahead or back: nothing is deleted for it, and nobody keeps a slice for ever."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitslices.core.errors import LeaseHeldError
from gitslices.core.model import SliceId
from gitslices.ops.leases import HeartbeatRequest, heartbeat
from gitslices.ops.removal import RemoveRequest, UndoRequest, list_trash, remove, undo
from gitslices.ops.upkeep import empty_trash
from gitslices.rules.removal import KEPT_FOR, LONGEST_STEP, count_age
from tests.support.slices import Desk
from tests.support.workspaces import NOW, open_at

DAY = timedelta(days=1)
A, B, C = SliceId("a"), SliceId("b"), SliceId("c")


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply(*({"id": id_, "write_set": [f"{id_}/"]} for id_ in "abc"))
    return desk


def take(desk: Desk, id_: SliceId, now: datetime) -> None:
    remove(open_at(desk.repo, now=now), RemoveRequest(slice_id=id_, force=True))


def look(desk: Desk, *days: float) -> list[str]:
    """What goes for good when the trash is emptied on each of `days` from now."""
    reports = [empty_trash(open_at(desk.repo, now=NOW + day * DAY)) for day in days]
    return [str(one.slice_id) for report in reports for one in report.emptied]


@pytest.mark.parametrize(
    "days",
    [
        (15,),
        (4000,),
        (0, 15, 0),
        (15, 15, 15),
        (400, 0.01, 0.02),
        (-4000, 15),
        (-4000, -3999, 15),
    ],
)
def test_one_jump_deletes_nothing(desk: Desk, days: tuple[float, ...]) -> None:
    take(desk, A, NOW)
    assert look(desk, *days) == []
    undo(desk.workspace, UndoRequest(slice_id=A))


def test_a_removal_on_a_clock_ahead_keeps_what_was_removed_before(desk: Desk) -> None:
    take(desk, A, NOW)
    take(desk, B, NOW + 15 * DAY)
    undo(desk.workspace, UndoRequest(slice_id=A))


def test_a_removal_on_a_clock_long_ago_is_kept_when_the_clock_is_mended(desk: Desk) -> None:
    take(desk, A, datetime.fromisoformat("1970-01-01T00:00:10+00:00"))
    assert look(desk, 0, 1, 2) == []
    take(desk, B, NOW + 2 * DAY)
    undo(desk.workspace, UndoRequest(slice_id=A))


def test_what_was_seen_for_two_weeks_goes(desk: Desk) -> None:
    take(desk, A, NOW)
    assert look(desk, 7, 14) == ["a"]


def test_a_trash_that_is_looked_at_daily_is_emptied_after_two_weeks(desk: Desk) -> None:
    take(desk, A, NOW)
    assert look(desk, *range(14)) == []
    assert look(desk, 14) == ["a"]


def test_a_dry_run_makes_nothing_older(desk: Desk) -> None:
    take(desk, A, NOW)
    for _ in range(3):
        later = open_at(desk.repo, now=NOW + 30 * DAY)
        assert empty_trash(later, dry_run=True).emptied == ()
    assert look(desk, 30) == []


def test_what_came_later_does_not_inherit_the_age(desk: Desk) -> None:
    take(desk, A, NOW)
    assert look(desk, 7) == []
    take(desk, B, NOW + 10 * DAY)
    assert look(desk, 14) == ["a"]
    assert [one.slice_id for one in list_trash(desk.workspace, None).trash] == [B]


def test_a_lease_given_on_a_clock_ahead_lapses_in_its_time_once_that_is_mended(desk: Desk) -> None:
    desk.clock.advance(400 * 86400)
    first = desk.claim("a", "alice", ttl=60)
    desk.clock.advance(-400 * 86400)
    with pytest.raises(LeaseHeldError):
        desk.claim("a", "bob")
    desk.clock.advance(61)
    assert desk.claim("a", "bob").token > first.token


def test_its_holder_keeps_it_by_renewing(desk: Desk) -> None:
    desk.clock.advance(400 * 86400)
    first = desk.claim("a", "alice", ttl=60)
    desk.clock.advance(-400 * 86400)
    with pytest.raises(LeaseHeldError):
        desk.claim("a", "bob")
    desk.clock.advance(59)
    heartbeat(desk.workspace, HeartbeatRequest(slice_id=A, token=first.token))
    desk.clock.advance(59)
    with pytest.raises(LeaseHeldError):
        desk.claim("a", "bob")


def test_on_a_clock_ahead_the_holder_still_renews_what_nobody_has_taken(desk: Desk) -> None:
    first = desk.claim("a", "alice", ttl=60)
    desk.clock.advance(400 * 86400)
    heartbeat(desk.workspace, HeartbeatRequest(slice_id=A, token=first.token))
    with pytest.raises(LeaseHeldError):
        desk.claim("a", "bob")


def test_a_lease_taken_on_a_clock_ahead_leaves_the_work_where_it_is(desk: Desk) -> None:
    first = desk.claim("a", "alice", ttl=60)
    (desk.worktree("a") / "a").mkdir()
    (desk.worktree("a") / "a" / "work").write_text("not committed")
    desk.clock.advance(400 * 86400)
    second = desk.claim("a", "bob")
    assert second.token > first.token
    assert (desk.worktree("a") / "a" / "work").read_text() == "not committed"


times = st.integers(-10_000, 10_000).map(lambda hours: f"{NOW + timedelta(hours=hours):%FT%TZ}")


@given(times, st.lists(times, max_size=8))
def test_the_age_is_never_more_than_the_looks_allow(first: str, looks: list[str]) -> None:
    age, seen_at = timedelta(), first
    for now in looks:
        before, age, seen_at = age, count_age(age, seen_at, now), now
        assert timedelta() <= age - before <= LONGEST_STEP
    assert age <= len(looks) * LONGEST_STEP
    assert KEPT_FOR > LONGEST_STEP
