"""Shared goals over the protocols that servers speak, with requests cut and answers dropped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitslices.core.errors import RemoteError
from tests.support.git_servers import Faults, serve_daemon, serve_http
from tests.support.repositories import git
from tests.support.shared import STATE, Clone, make_clones


def point_at(address: str, *clones: Clone) -> None:
    for one in clones:
        git(one.repo, "remote", "set-url", "origin", address)


def share_at(hub: Path, address: str) -> Clone:
    (made,) = make_clones(hub, "ann")
    point_at(address, made)
    ann = Clone(made.repo)
    ann.share()
    return ann


def see_through(hub: Path, address: str) -> None:
    """A goal shared, a slice worked in one clone, merged in the other."""
    ann, bob = make_clones(hub, "ann", "bob")
    point_at(address, ann, bob)
    ann, bob = Clone(ann.repo), Clone(bob.repo)
    ann.share()
    bob.join()
    token = bob.claim("a", "bee").token
    bob.work("a", "by bob")
    bob.heartbeat("a", token)
    bob.done("a", token)
    ann.merge("a")
    assert bob.statuses()["a"] == "merged"
    assert git(hub, "show", "main:a/file") == "by bob"


def test_a_goal_is_shared_by_git_daemon(hub: Path) -> None:
    with serve_daemon(hub) as address:
        see_through(hub, address)


@pytest.fixture
def http(hub: Path) -> Iterator[tuple[str, Faults]]:
    with serve_http(hub) as served:
        yield served


def test_a_goal_is_shared_by_smart_http(hub: Path, http: tuple[str, Faults]) -> None:
    see_through(hub, http[0])


def test_a_push_whose_answer_is_dropped_has_been_made_once(
    hub: Path, http: tuple[str, Faults]
) -> None:
    address, faults = http
    ann = share_at(hub, address)
    for step in ("claim", "heartbeat", "done", "merge"):
        faults.dropped = 1
        if step == "claim":
            token = ann.claim("a").token
            ann.work("a")
            faults.dropped = 0
        elif step == "heartbeat":
            ann.clock.advance(5)
            ann.heartbeat("a", token)
        elif step == "done":
            ann.done("a", token)
        else:
            assert [one.slice_id for one in ann.merge("a").merged] == ["a"]
    assert faults.struck == 4
    assert git(hub, "rev-list", "--first-parent", "--count", "main") == "2"
    subjects = git(hub, "log", "--reverse", "--format=%s", STATE).splitlines()
    assert subjects == ["state: shared", "default/a: claimed", "state: changed",
                        "default/a: done", "default/a: merged"]  # fmt: skip


def test_a_push_that_was_cut_has_not_been_made_and_is_safe_to_repeat(
    hub: Path, http: tuple[str, Faults]
) -> None:
    address, faults = http
    ann = share_at(hub, address)
    before = git(hub, "rev-parse", STATE)
    faults.cut = 1
    with pytest.raises(RemoteError):
        ann.claim("a")
    assert git(hub, "rev-parse", STATE) == before
    assert ann.claim("a").token == 1
