"""Whatever is called in whatever order: a stale token changes nothing, and tokens only grow."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gitslices.core.errors import LeaseHeldError, NothingReadyError, StaleTokenError
from gitslices.core.model import SliceId
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.leases import HeartbeatRequest, ReleaseRequest, heartbeat, release
from gitslices.state.leases import read_lease_history, read_open_leases
from tests.support.examples import scale
from tests.support.repositories import git
from tests.support.slices import Desk

IDS = ("a", "b", "ab")
"""The last one overlaps with both others, in another goal."""
CALLS = st.sampled_from(("heartbeat", "release", "done"))


class Tokens(RuleBasedStateMachine):
    """Holders claim, act and let lapse; `latest` is each slice's last token that may still act."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        repo = self.folder / "repo"
        repo.mkdir()
        git(repo, "init", "--quiet")
        git(repo, "commit", "--quiet", "--allow-empty", "-m", "Start")
        self.desk = Desk(repo)
        self.desk.apply({"id": "a", "write_set": ["a/"]}, {"id": "b", "write_set": ["b/"]})
        self.desk.apply({"id": "ab", "write_set": ["a/", "b/"]}, goal_id="other")
        self.tokens: list[tuple[str, int]] = []

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(slice_id=st.sampled_from(IDS), ttl=st.integers(1, 100))
    def claim(self, slice_id: str, ttl: int) -> None:
        with suppress(LeaseHeldError, NothingReadyError):
            report = self.desk.claim(slice_id, goal_id=goal_of(slice_id), ttl=ttl)
            assert all(report.token > token for _, token in self.tokens)
            self.tokens.append((slice_id, report.token))

    @rule(seconds=st.integers(0, 100))
    def wait(self, seconds: int) -> None:
        self.desk.clock.advance(seconds)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), call=CALLS)
    def act(self, data: st.DataObject, call: str) -> None:
        slice_id, token = data.draw(st.sampled_from(self.tokens))
        if token in self.open_tokens():
            self.call(call, slice_id, token)
            assert (token in self.open_tokens()) == (call == "heartbeat")
        else:
            self.try_in_vain(call, slice_id, token)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), call=CALLS, slice_id=st.sampled_from(IDS))
    def act_on_another_slice(self, data: st.DataObject, call: str, slice_id: str) -> None:
        own, token = data.draw(st.sampled_from(self.tokens))
        if own != slice_id:
            self.try_in_vain(call, slice_id, token)

    @rule(slice_id=st.sampled_from(IDS))
    def reopen(self, slice_id: str) -> None:
        if self.desk.record(slice_id, goal_of(slice_id)).status == "done":
            release(
                self.desk.workspace,
                ReleaseRequest(slice_id=SliceId(slice_id), token=None, goal_id=goal_of(slice_id)),
            )

    @invariant()
    def no_two_open_leases_overlap(self) -> None:
        with self.desk.workspace.open_store() as store:
            held = {lease.slice_id for lease in read_open_leases(store)}
        assert held in ({"ab"}, *({*some} for some in ((), ("a",), ("b",), ("a", "b"))))

    def try_in_vain(self, call: str, slice_id: str, token: int) -> None:
        before = self.everything()
        with pytest.raises(StaleTokenError):
            self.call(call, slice_id, token)
        assert self.everything() == before

    def call(self, call: str, slice_id: str, token: int) -> None:
        goal_id, wanted = goal_of(slice_id), SliceId(slice_id)
        match call:
            case "heartbeat":
                asked = HeartbeatRequest(slice_id=wanted, token=token, goal_id=goal_id)
                heartbeat(self.desk.workspace, asked)
            case "release":
                given = ReleaseRequest(slice_id=wanted, token=token, goal_id=goal_id)
                release(self.desk.workspace, given)
            case _:
                done(
                    self.desk.workspace,
                    DoneRequest(slice_id=wanted, token=token, goal_id=goal_id),
                )

    def open_tokens(self) -> set[int]:
        with self.desk.workspace.open_store() as store:
            return {lease.token for lease in read_open_leases(store)}

    def everything(self) -> object:
        with self.desk.workspace.open_store() as store:
            histories = [read_lease_history(store, goal_of(id_), id_) for id_ in IDS]
            return histories, store.read_slices(), store.read_events()


def goal_of(slice_id: str) -> str:
    return "other" if slice_id == "ab" else "default"


TestTokens = Tokens.TestCase
TestTokens.settings = settings(
    max_examples=scale(8), stateful_step_count=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
