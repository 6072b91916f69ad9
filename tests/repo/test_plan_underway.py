"""Planning again with work under way: what has begun keeps its place, the rest is rearranged."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from msgspec import UNSET
from msgspec.structs import replace

from gitslices.core.errors import RefusedError
from gitslices.core.model import Plan, PlanProgress, SliceId, SliceStatus, StartedOverlap, Underway
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyRequest, apply
from gitslices.ops.claim import claim
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.plan import PlanRequest, diff, plan, read_underway
from gitslices.output.pictures.mermaid import format_mermaid
from gitslices.output.text.plan import format_plan
from gitslices.planning.diff import Move, Rewaiting
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.graphs import find_before, make_graph, plan_tasks, write_graph
from tests.support.repositories import commit_all, git
from tests.support.slices import path_beside
from tests.support.workspaces import open_at

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A: Mapping[str, Any] = {"id": "a", "write_set": ["src/"]}
B: Mapping[str, Any] = {"id": "b", "write_set": ["src/api/", "docs/"]}
C: Mapping[str, Any] = {"id": "c", "write_set": ["Makefile"]}


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    return open_at(repo)


def ids(*names: str) -> tuple[SliceId, ...]:
    return tuple(map(SliceId, names))


def request(*tasks: Mapping[str, Any]) -> PlanRequest:
    return PlanRequest(scoped=parse_scopes(make_graph(*tasks)), order="id")


def provision(workspace: Workspace, *tasks: Mapping[str, Any]) -> Plan:
    made = plan(workspace, request(*tasks))
    apply(workspace, ApplyRequest(graph=make_graph(*tasks), plan=made), lambda progress: None)
    return made


def mark(workspace: Workspace, id_: str, status: SliceStatus) -> None:
    with workspace.open_store() as store:
        (record,) = (one for one in store.read_slices("default") if one.slice_id == id_)
        store.write_slices([replace(record, status=status)])


def commit_in(repo: Path, id_: str) -> None:
    (path_beside(repo, id_) / f"{id_}.txt").write_text(id_)
    commit_all(path_beside(repo, id_))


# What has begun.


def test_slices_that_nobody_touched_are_not_under_way(workspace: Workspace) -> None:
    assert read_underway(workspace, provision(workspace, A, B, C)) == Underway()


def test_records_commits_and_uncommitted_changes_tell_what_has_begun(
    workspace: Workspace, repo: Path
) -> None:
    applied = provision(workspace, A, B, C, {"id": "d", "write_set": ["README.md"]})
    claim(workspace, ClaimRequest(slice_id=SliceId("c"), holder="one"))
    commit_in(repo, "d")
    (path_beside(repo, "b") / "notes").write_text("")
    assert read_underway(workspace, applied).started == ids("b", "c", "d")


def test_merged_slices_are_finished_whether_recorded_or_not(
    workspace: Workspace, repo: Path
) -> None:
    applied = provision(workspace, A, B, C)
    mark(workspace, "c", "merged")
    (path_beside(repo, "a") / "src" / "a.txt").write_text("a")
    commit_in(repo, "a")
    git(repo, "merge", "--quiet", "slices/default/a")
    known = read_underway(workspace, applied)
    assert (known.finished, known.started) == (ids("a", "c"), ())


def test_the_applied_order_of_started_slices_is_known(workspace: Workspace) -> None:
    applied = provision(workspace, A, B, C)
    for id_ in ("a", "b", "c"):
        mark(workspace, id_, "done")
    assert read_underway(workspace, applied).ordered == {(SliceId("a"), SliceId("b"))}


# What it does to a plan.


def test_a_started_slice_waits_for_no_other_that_has_not_begun(workspace: Workspace) -> None:
    provision(workspace, B, C)
    mark(workspace, "b", "done")
    assert find_before(plan(workspace, request(A, B, C))) == {"a": {"b"}, "b": set(), "c": set()}


def test_without_a_start_the_same_plan_is_free(workspace: Workspace) -> None:
    provision(workspace, B, C)
    assert find_before(plan(workspace, request(A, B, C)))["b"] == {"a"}


def test_finished_slices_come_first_in_their_old_order() -> None:
    tasks = [{"id": id_, "write_set": ["x"]} for id_ in "abcd"]
    known = Underway(finished=ids("d", "b"), started=ids("c"))
    assert plan_tasks(*tasks, underway=known).waves == (ids("d"), ids("b"), ids("c"), ids("a"))


def test_a_dependency_on_a_new_task_still_holds(workspace: Workspace) -> None:
    provision(workspace, B)
    mark(workspace, "b", "done")
    after = {**B, "dependencies": ["new"]}
    made = plan(workspace, request(after, {"id": "new", "write_set": ["web/"]}))
    assert find_before(made)["b"] == {"new"}


# Two under way that meet since a change of scopes.


def test_started_slices_that_come_to_overlap_are_refused_with_both_names_and_the_path(
    workspace: Workspace,
) -> None:
    provision(workspace, A, C)
    for id_ in ("a", "c"):
        mark(workspace, id_, "done")
    wider = {**C, "write_set": ["Makefile", "src/db/schema.sql"]}
    made = plan(workspace, request(A, wider))
    assert made.started_overlaps == (
        StartedOverlap(
            slice_ids=(SliceId("a"), SliceId("c")),
            kind="write_write",
            path="src/db/schema.sql",
            exists=True,
        ),
    )
    with pytest.raises(RefusedError) as caught:
        apply(
            workspace,
            ApplyRequest(graph=make_graph(A, wider), plan=made),
            lambda progress: None,
        )
    (problem,) = caught.value.problems
    assert problem.place == "c"
    assert "'a'" in problem.message
    assert "'src/db/schema.sql'" in problem.message
    assert workspace.find_goal("default").plan.slices[1].write_scope == ("Makefile",)  # type: ignore[union-attr]


def test_started_slices_that_were_in_an_order_before_stay_so(workspace: Workspace) -> None:
    provision(workspace, A, B)
    for id_ in ("a", "b"):
        mark(workspace, id_, "done")
    made = plan(workspace, request(A, B))
    assert made.started_overlaps == ()
    assert find_before(made)["b"] == {"a"}


def test_the_warning_of_a_plain_plan_and_the_exit_code_of_an_apply(
    call: Cli, workspace: Workspace, tmp_path: Path
) -> None:
    provision(workspace, A, C)
    for id_ in ("a", "c"):
        mark(workspace, id_, "done")
    tasks = [A, {**C, "write_set": ["src/web/"]}]
    graph = write_graph(tmp_path / "graph.json", *tasks, goal_id="default")
    looked = call("plan", graph, "--new-paths", "none")
    assert looked.code == 0
    assert "warning: c is under way, and so is a: both write src/web/cart.ts" in looked.out
    applied = call("plan", graph, "--apply")
    assert applied.code == 1
    assert "c: it is under way, and so is 'a'" in applied.err


# What would change.


def test_a_diff_names_every_kind_of_change(workspace: Workspace) -> None:
    provision(workspace, A, B, C)
    narrower = {**A, "write_set": ["src/web/"]}
    waiting = {**B, "dependencies": ["new"]}
    changes = diff(workspace, request(narrower, waiting, {"id": "new", "write_set": ["ci/"]}))
    assert (changes.added, changes.gone) == (ids("new"), ids("c"))
    (rescoped,) = changes.rescoped
    assert (rescoped.write_gained, rescoped.write_lost) == (("src/web/",), ("src/",))
    assert changes.rewaiting == (
        Rewaiting(slice_id=SliceId("b"), gained=ids("new"), lost=ids("a")),
    )
    assert changes.moved == ()


def test_a_slice_that_comes_in_another_wave_has_moved(workspace: Workspace) -> None:
    provision(workspace, A, B)
    assert diff(workspace, request(B)).moved == (Move(slice_id=SliceId("b"), before=1, after=0),)


def test_a_wait_that_has_become_indirect_is_no_change(workspace: Workspace) -> None:
    provision(workspace, A, B)
    between = {"id": "aa", "write_set": ["src/api/", "tests/"]}
    assert diff(workspace, request(A, between, B)).rewaiting == (
        Rewaiting(slice_id=SliceId("b"), gained=ids("aa"), lost=()),
    )


def test_a_diff_says_when_nothing_changes(call: Cli, graph_file: Path) -> None:
    fresh = call("plan", str(graph_file), "--diff")
    assert fresh.code == 0
    assert fresh.out.startswith("auth-rework: no plan has been applied, so every slice is new\n")
    assert call("plan", str(graph_file), "--diff", "--check").code == 1
    call("plan", str(graph_file), "--apply")
    same = call("plan", str(graph_file), "--diff", "--check")
    assert (same.code, same.out) == (0, "auth-rework: nothing changes\n")


def test_a_diff_in_words(call: Cli, workspace: Workspace, tmp_path: Path) -> None:
    provision(workspace, A, B, C)
    tasks = [
        {**A, "write_set": ["src/web/"]},
        {**B, "read_set": ["x"], "checkout_set": ["y"]},
        {"id": "d"} | {"write_set": ["d"]},
    ]
    graph = write_graph(tmp_path / "graph.json", *tasks, goal_id="default")
    done = call("plan", graph, "--diff")
    assert done.out.splitlines() == [
        "default",
        "  added     d",
        "  gone      c",
        "  rescoped  a: also writes src/web/; no longer writes src/",
        "  rescoped  b: also reads x; also has y",
        "  waits     b: no longer after a",
        "  moved     b: wave 1 -> 0",
        "critical path, cost 2 -> 1",
    ]
    assert call("plan", graph, "--diff", "--json").document["gone"] == ["c"]


def test_a_slice_keeps_the_name_it_was_given(workspace: Workspace) -> None:
    with_old_name = provision(workspace, {"id": "a-1", "write_set": ["src/"]})
    (first,) = with_old_name.slices
    again = plan(workspace, request({"id": "A_1", "write_set": ["docs/"]}, dict(A, id="a-1")))
    names = {str(one.slice_id): one.worktree_name for one in again.slices}
    assert names["a-1"] == first.worktree_name == "default--a-1"
    # Its slice is gone from the graph, and still has its branch.
    (alone,) = plan(workspace, request({"id": "A_1", "write_set": ["docs/"]})).slices
    assert alone.worktree_name == names["A_1"] != "default--a-1"


def test_goals_that_come_to_one_slug_share_no_branch(workspace: Workspace) -> None:
    plans = []
    for goal_id in ("release/2.1", "release-2.1", "release-2-1"):
        graph = make_graph(A, goal_id=goal_id)
        made = plan(workspace, PlanRequest(scoped=parse_scopes(graph), order="id"))
        apply(workspace, ApplyRequest(graph=graph, plan=made), lambda progress: None)
        plans += [one.branch_name for one in made.slices]
    assert plans[0] == "slices/release-2-1/a"
    assert len(set(plans)) == 3


def test_a_comparison_tells_what_apply_would_refuse(call: Cli, repo: Path, tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "g.json", A)
    (repo / "Makefile").write_text("changed")
    git(repo, "branch", "slices/default/a")
    told = call("plan", graph, "--diff")
    assert told.code == 0
    assert "--apply would refuse it:\n" in told.out
    assert "  a: branch 'slices/default/a' exists and is not this slice's\n" in told.out
    assert "the main worktree has uncommitted changes: Makefile" in told.out
    assert not (repo / ".git" / "gitslices").exists()
    refused = call("plan", graph, "--diff", "--json").document["refused"]
    tried = call("plan", graph, "--apply", "--json").document["error"]["problems"]
    assert refused == tried
    git(repo, "branch", "-D", "slices/default/a")
    git(repo, "checkout", "Makefile")
    assert call("plan", graph, "--diff", "--json").document["refused"] == []


@pytest.mark.parametrize(
    ("name", "begins"),
    [("p.html", "<!doctype"), ("p.SVG", "<svg"), ("p.json", "{"), ("p.dot", "digraph"),
     ("p.mmd", "flowchart"), ("p.txt", "default"), ("p", "default")],
)  # fmt: skip
def test_the_ending_of_a_file_says_how_to_draw(
    call: Cli, tmp_path: Path, name: str, begins: str
) -> None:
    graph = write_graph(tmp_path / "g.json", A)
    assert call("plan", graph, "-o", str(tmp_path / name)).code == 0
    assert (tmp_path / name).read_text().lower().startswith(begins)
    call("plan", graph, "-o", str(tmp_path / name), "--format", "dot")
    assert (tmp_path / name).read_text().startswith("digraph")


def test_a_plan_shows_its_progress_and_reckons_with_what_is_left(
    workspace: Workspace, repo: Path
) -> None:
    tasks = (A, {**B, "estimate": 3}, C)
    provision(workspace, *tasks)
    assert plan(workspace, request(*tasks)).progress is UNSET
    mark(workspace, "a", "merged")
    commit_in(repo, "c")
    made = plan(workspace, replace(request(*tasks), workers=1))
    assert made.progress == PlanProgress(merged=ids("a"), under_way=ids("c"), left=ids("b"))
    assert (made.critical_path, made.critical_path_cost) == (ids("b"), 3)
    assert made.schedule is not UNSET
    assert made.schedule.makespan == 4
    assert {one.slice_id for one in made.schedule.slices} == {*ids("b", "c")}
    text = format_plan(made)
    assert "1 merged, 1 under way, 1 left" in text.splitlines()[0]
    assert "merged · writes" in unstyle(text)
    assert "merged" in format_mermaid(made)
