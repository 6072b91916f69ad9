"""A slice may write what is planned and what was allowed since, and every command knows both."""

from pathlib import Path

import pytest

from gitslices.core.errors import LeaseHeldError, NothingReadyError, RefusedError
from gitslices.core.model import SliceId
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.claim import claim
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.plan import ExplainRequest, PlanRequest, explain, plan
from gitslices.ops.ready import ready
from gitslices.ops.scope import AllowRequest, allow_scope
from gitslices.workspace import Workspace
from tests.support.graphs import make_graph
from tests.support.slices import apply_tasks, read_record, take
from tests.support.workspaces import open_at

A: dict[str, object] = {"id": "a", "write_set": ["src/"]}
B: dict[str, object] = {"id": "b", "write_set": ["Makefile"]}


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slice a may write Makefile by permission, slice b by plan."""
    workspace = open_at(repo)
    apply_tasks(workspace, A, B)
    allow(workspace, "a", "Makefile")
    return workspace


def allow(workspace: Workspace, slice_id: str, path: str) -> None:
    request = AllowRequest(slice_id=SliceId(slice_id), pattern=path, reason="needed")
    allow_scope(workspace, request)


def test_what_was_allowed_keeps_out_whoever_holds_it(workspace: Workspace) -> None:
    take(workspace, "b")
    with pytest.raises(LeaseHeldError, match="shares 'Makefile' with slice b"):
        take(workspace, "a")
    (waiting,) = [one for one in ready(workspace, None).waiting if one.slice_id == "a"]
    assert waiting.reason.startswith("shares Makefile with b, held by worker")


def test_who_was_allowed_keeps_out_whoever_has_it_by_plan(workspace: Workspace) -> None:
    take(workspace, "a")
    with pytest.raises(LeaseHeldError, match="shares 'Makefile' with slice a"):
        take(workspace, "b")
    with pytest.raises(NothingReadyError):
        claim(workspace, ClaimRequest(holder="two"))


@pytest.mark.parametrize("first", ["a", "c"])
def test_the_same_holds_between_goals(workspace: Workspace, first: str) -> None:
    apply_tasks(workspace, {"id": "c", "write_set": ["Makefile"]}, goal_id="other")
    goals = {"a": "default", "c": "other"}
    second = "c" if first == "a" else "a"
    claim(workspace, ClaimRequest(holder="one", slice_id=SliceId(first), goal_id=goals[first]))
    with pytest.raises(LeaseHeldError, match="shares 'Makefile'"):
        claim(
            workspace, ClaimRequest(holder="two", slice_id=SliceId(second), goal_id=goals[second])
        )


def test_a_new_plan_orders_what_meets_in_it(workspace: Workspace) -> None:
    made = plan(workspace, PlanRequest(scoped=parse_scopes(make_graph(A, B))))
    assert [(one.path, one.kind) for one in made.overlap_serializations] == [
        ("Makefile", "write_write")
    ]
    # What was allowed is no part of the plan: it stays with the slice.
    assert {one.slice_id: one.write_scope for one in made.slices} == {
        "a": ("src/",),
        "b": ("Makefile",),
    }
    later = next(one.slice_id for one in made.slices if one.dependencies)
    request = ExplainRequest(
        plan=PlanRequest(scoped=parse_scopes(make_graph(A, B))), slice_id=later
    )
    assert explain(workspace, request).waits_for


def test_a_new_plan_is_refused_where_two_that_are_held_come_to_meet(repo: Path) -> None:
    workspace = open_at(repo)
    b = {"id": "b", "write_set": ["docs/"]}
    apply_tasks(workspace, A, b)
    for id_ in "ab":
        take(workspace, id_)
    allow(workspace, "a", "Makefile")
    with pytest.raises(RefusedError) as caught:
        apply_tasks(workspace, A, {**b, "write_set": ["docs/", "Makefile"]})
    assert "they meet in 'Makefile'" in caught.value.problems[0].message
    assert read_record(workspace, "b").write_scope == ("docs/",)


def test_what_was_allowed_to_a_merged_slice_orders_nobody(workspace: Workspace) -> None:
    with workspace.open_store() as store:
        store.write_status("default", SliceId("a"), "merged")
    made = plan(workspace, PlanRequest(scoped=parse_scopes(make_graph(A, B))))
    assert made.overlap_serializations == ()
