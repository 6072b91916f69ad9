"""Gates and reviews: what runs, what counts, and what `done` asks for."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from gitslices.core.errors import GateFailedError, InputError, RefusedError, UntrustedError
from gitslices.core.model import Oid, SliceId
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.evidence import (
    GatesReport,
    GatesRequest,
    PassRequest,
    ReviewRequest,
    pass_gate,
    read_gates,
    review,
)
from gitslices.ops.evidence import run_gates as run_all_gates
from gitslices.ops.log import read_evidence
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.plan import PlanRequest, plan
from gitslices.repo_commands.trust import approve
from gitslices.rules.evidence import GateRun, Proof, Review, find_missing_evidence
from gitslices.state.leases import find_open_lease
from gitslices.system.settings import load_settings
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import Desk

WALL = "local_verification_wall"


@pytest.fixture
def desk(repo: Path) -> Desk:
    """A slice a that is claimed with token 1 and has a commit, and a risky slice b."""
    desk = Desk(repo)
    desk.apply(
        {"id": "a", "write_set": ["src/"], "estimate": 2},
        {"id": "b", "write_set": ["docs/"], "risk": "high"},
    )
    path = Path(desk.claim("a").worktree_path)
    (path / "src" / "new.py").write_text("new")
    commit_all(path, "Work")
    return desk


def set_gates(desk: Desk, text: str, *, approved: bool = True) -> None:
    write_settings(desk.repo, text)
    if approved:
        approve(desk.workspace, load_settings(desk.repo).texts)


def run(desk: Desk, slice_id: str | None = "a", gate: str | None = None) -> GatesReport:
    wanted = SliceId(slice_id) if slice_id else None
    return run_all_gates(desk.workspace, GatesRequest(slice_id=wanted, gate=gate))


def states(report: GatesReport) -> dict[str, str]:
    return {one.gate: one.state for one in report.gates}


def finish(desk: Desk) -> None:
    done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=1))


def test_a_gate_runs_in_the_worktree_and_its_result_and_output_are_kept(desk: Desk) -> None:
    set_gates(desk, f'[gates]\n{WALL} = "cat src/new.py; echo $GITSLICES_SLICE; pwd >&2"\n')
    report = run(desk)
    assert states(report) == {"acceptance_criteria": "manual", WALL: "passed"}
    assert report.ok
    (result,) = (one.run for one in report.gates if one.run)
    path = desk.worktree("a")
    assert result.commit == git(path, "rev-parse", "HEAD")
    assert result.log is not None
    assert Path(result.log).read_text() == f"newa\n{path}\n"


def test_nothing_runs_before_its_text_is_approved(desk: Desk) -> None:
    set_gates(desk, f'[gates]\n{WALL} = "touch ran"\n', approved=False)
    for act in (lambda: run(desk), lambda: finish(desk)):
        with pytest.raises(UntrustedError, match="not been approved"):
            act()
    assert not (desk.worktree("a") / "ran").exists()
    assert desk.record("a").status == "claimed"


def test_a_result_counts_for_the_tree_it_was_had_on(desk: Desk) -> None:
    set_gates(desk, f'[gates]\n{WALL} = "true"\n')
    run(desk)
    path = desk.worktree("a")
    git(path, "commit", "--quiet", "--amend", "-m", "Other words")
    assert states(run_nothing(desk))[WALL] == "passed"
    (path / "src" / "more.py").write_text("more")
    commit_all(path, "More")
    assert states(run_nothing(desk))[WALL] == "missing"


def run_nothing(desk: Desk) -> GatesReport:
    return read_gates(desk.workspace, GatesRequest(slice_id=SliceId("a")))


@pytest.mark.parametrize("command", ["echo more >> src/new.py", "git commit -q --allow-empty -m x"])
def test_a_gate_that_changes_what_it_judges_does_not_count(desk: Desk, command: str) -> None:
    set_gates(desk, f'[gates]\n{WALL} = "{command}"\n')
    assert states(run(desk))[WALL] == "missing"


def test_a_gate_run_beside_uncommitted_work_does_not_count(desk: Desk) -> None:
    set_gates(desk, f'[gates]\n{WALL} = "true"\n')
    (desk.worktree("a") / "notes.txt").write_text("x")
    report = run(desk)
    assert (report.ok, states(report)[WALL]) == (False, "missing")
    assert (
        report.gates[1].reason == "ran beside changes that are not committed, so it does not count"
    )


def test_what_a_gate_leaves_untracked_does_not_spoil_it(desk: Desk) -> None:
    set_gates(desk, f'[gates]\nacceptance_criteria = "touch report.xml"\n{WALL} = "true"\n')
    assert set(states(run(desk)).values()) == {"passed"}


def test_a_changed_command_asks_for_another_run(desk: Desk) -> None:
    set_gates(desk, f'[gates]\n{WALL} = "true"\n')
    run(desk)
    set_gates(desk, f'[gates]\n{WALL} = "true # again"\n')
    assert states(run_nothing(desk))[WALL] == "missing"


def test_a_gate_that_takes_too_long_is_ended_with_its_children(desk: Desk) -> None:
    command = "sleep 1000 & echo $! > ../pid; wait"
    set_gates(desk, f'[gates]\n{WALL} = {{command = "{command}", timeout = 0.2}}\n')
    report = run(desk)
    (result,) = (one.run for one in report.gates if one.run)
    assert result.reason == "stopped after 0.2 s"
    pid = int((desk.worktree("a").parent / "pid").read_text())
    assert is_gone(pid)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def test_done_runs_what_is_missing_and_nothing_twice(desk: Desk) -> None:
    set_gates(desk, f'[gates]\n{WALL} = "echo ran >> ../runs"\n')
    run(desk)
    finish(desk)
    assert (desk.worktree("a").parent / "runs").read_text() == "ran\n"
    assert desk.record("a").status == "done"


def test_a_failed_gate_keeps_the_slice_claimed_and_says_where_to_look(desk: Desk) -> None:
    set_gates(desk, f'[gates]\n{WALL} = "echo 2 tests failed; exit 3"\n')
    with pytest.raises(GateFailedError) as caught:
        finish(desk)
    (problem,) = caught.value.problems
    assert problem.message == f"gate {WALL} failed: exit status 3: 2 tests failed"
    assert problem.hint is not None
    assert problem.hint.endswith(f"default--a/gate-{WALL}.log")
    assert desk.record("a").status == "claimed"


def test_a_lease_outlasts_the_gates_that_done_runs(desk: Desk) -> None:
    set_gates(desk, f'[gates]\n{WALL} = {{command = "false", timeout = 7200}}\n')
    with pytest.raises(GateFailedError):
        finish(desk)
    with desk.workspace.open_store() as store:
        lease = find_open_lease(store, "default", "a")
    assert lease is not None
    assert lease.expires_at == "2026-01-01T02:30:00Z"


def test_without_a_name_the_gates_of_all_slices_under_way_run(desk: Desk) -> None:
    set_gates(desk, f'[gates]\n{WALL} = "true"\nsecurity_review_gate = "true"\n')
    desk.claim("b")
    report = run(desk, None)
    assert {(one.slice_id, one.gate) for one in report.gates if one.state == "passed"} == {
        ("a", WALL), ("b", WALL), ("b", "security_review_gate"),
    }  # fmt: skip


def test_a_gate_without_a_command_is_passed_by_somebody_for_one_tree(desk: Desk) -> None:
    request = PassRequest(slice_id=SliceId("a"), gate="acceptance_criteria", passed_by="ann")
    report = pass_gate(desk.workspace, request)
    (standing,) = report.gates
    assert standing.run is not None
    assert (standing.state, standing.run.passed_by) == ("passed", "ann")
    (desk.worktree("a") / "src" / "more.py").write_text("more")
    commit_all(desk.worktree("a"), "More")
    assert states(run_nothing(desk))["acceptance_criteria"] == "manual"


@pytest.mark.parametrize(
    ("text", "gate", "words"),
    [
        ("", WALL, "has no command"),
        ("", "security_review_gate", "slice 'a' has no gate"),
    ],
)
def test_a_gate_that_is_none_is_an_input_error(
    desk: Desk, text: str, gate: str | None, words: str
) -> None:
    set_gates(desk, text)
    with pytest.raises(InputError, match=words):
        run(desk, "a", gate)


def test_gates_of_ones_own_are_asked_by_risk_and_by_path(desk: Desk) -> None:
    text = """
    [gates]
    lint = "true"
    [gates.docs]
    command = "false"
    when = { paths = ["docs/**/*.md"] }
    [gates.fuzz]
    command = "false"
    when = { risk = ["High"] }
    """
    set_gates(desk, text)
    assert states(run(desk)) == {"acceptance_criteria": "manual", WALL: "manual", "lint": "passed"}
    stand = read_gates(desk.workspace, GatesRequest(slice_id=SliceId("b")))
    missing = {one.gate for one in stand.gates if one.state == "missing"}
    assert missing == {"lint", "docs", "fuzz"}
    with pytest.raises(InputError, match="slice 'a' has no gate 'fuzz'"):
        run(desk, "a", "fuzz")
    finish(desk)
    goal = desk.workspace.find_goal("default")
    assert goal is not None
    planned = plan(desk.workspace, PlanRequest(scoped=parse_scopes(goal.graph)))
    gates = {one.slice_id: one.gates[2:] for one in planned.slices}
    assert gates == {"a": ("lint",), "b": ("security_review_gate", "lint", "docs", "fuzz")}


def test_a_gate_asked_since_the_plan_keeps_a_slice_from_being_done(desk: Desk) -> None:
    set_gates(desk, '[gates.mine]\ncommand = "false"\nwhen = { paths = ["src/api/"] }\n')
    with pytest.raises(GateFailedError):
        finish(desk)
    set_gates(desk, '[gates.mine]\ncommand = "false"\nwhen = { paths = ["docs/"] }\n')
    finish(desk)


def test_our_own_gate_may_be_asked_under_another_condition(desk: Desk) -> None:
    set_gates(desk, f'[gates.{WALL}]\ncommand = "false"\nwhen = {{ risk = ["high"] }}\n')
    finish(desk)


def test_reviews_of_ones_own_are_required_by_path(desk: Desk) -> None:
    when = "when = { paths = ['src/'] }"
    review_b = "{ review = 'dba', when = { paths = ['docs/'] } }"
    set_gates(desk, f"[merge]\nrequired_reviews = [{{ review = 'api', {when} }}, {review_b}]\n")
    finish(desk)
    refused = merge(desk.workspace, MergeRequest(slice_ids=(SliceId("a"),))).refused
    assert ["api of" in one.message for one in refused] == [True]
    request = ReviewRequest(slice_id=SliceId("a"), kind="apy", reviewer="ann", verdict="approve")
    with pytest.raises(InputError, match="no review of kind 'apy'") as caught:
        review(desk.workspace, request)
    assert caught.value.hint == "the nearest is 'api'"
    review(desk.workspace, structs.replace(request, kind="api"))
    assert merge(desk.workspace, MergeRequest(slice_ids=(SliceId("a"),))).merged


def test_a_slice_without_a_worktree_has_no_gates(repo: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["src/"]},
               ready_only=True)  # fmt: skip
    with pytest.raises(RefusedError, match="no worktree"):
        run(desk, "b")


def make_proof(runs: tuple[GateRun, ...] = (), reviews: tuple[Review, ...] = ()) -> Proof:
    return Proof(
        goal_id="g", slice_id=SliceId("a"), gates=("acceptance_criteria", WALL),
        commit=Oid("c" * 40), tree=Oid("d" * 40), runs=runs, reviews=reviews,
    )  # fmt: skip


def make_review(**changed: Any) -> Review:
    fields = {
        "goal_id": "g", "slice_id": SliceId("a"), "kind": "code_review", "reviewer": "ann",
        "verdict": "approve", "note": "", "commit": Oid("c" * 40), "at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return Review(**{**fields, **changed})


@pytest.mark.parametrize(
    ("reviews", "required", "words"),
    [
        ((), (), []),
        ((), ("code_review",), ["code_review of cccccccccc is missing"]),
        ((make_review(),), ("code_review",), []),
        ((make_review(commit=Oid("b" * 40)),), ("code_review",),
         ["code_review of cccccccccc is missing"]),
        ((make_review(), make_review(verdict="reject", note="no tests")), (),
         ["code_review was rejected by ann: no tests"]),
        ((make_review(verdict="reject"), make_review()), ("code_review",), []),
    ],
)  # fmt: skip
def test_a_merge_needs_the_required_reviews_of_this_commit_and_no_rejection(
    reviews: tuple[Review, ...], required: tuple[str, ...], words: list[str]
) -> None:
    problems = find_missing_evidence(make_proof(reviews=reviews), {}, required)
    assert [problem.message for problem in problems] == words


def test_a_merge_needs_the_gates_that_have_a_command() -> None:
    problems = find_missing_evidence(make_proof(), {WALL: "make test"}, ())
    assert [problem.message for problem in problems] == [f"gate {WALL} has not run on cccccccccc"]


def test_the_evidence_holds_what_the_scope_check_says(desk: Desk, cli: Cli) -> None:
    path = desk.worktree("a")
    assert read_evidence(desk.workspace, "a", None).violations == ()
    assert "\n  scope    kept\n" in cli("log", "a", "--evidence").out
    (path / "Makefile").write_text("all:\n")
    commit_all(path, "Too much")
    report = read_evidence(desk.workspace, "a", None)
    assert [(one.path, one.reason) for one in report.violations] == [("Makefile", "in no slice")]
    assert [one.message for one in report.missing] == [
        "1 change outside the write scope: Makefile (in no slice)"
    ]
    assert "\n  scope    1 change outside\n" in cli("log", "a", "--evidence").out
    git(path, "reset", "--quiet", "--hard", "HEAD~1")
    finish(desk)
    merge(desk.workspace, MergeRequest(slice_ids=None))
    report = read_evidence(desk.workspace, "a", None)
    assert (report.status, report.violations, report.missing) == ("merged", (), ())


def test_the_evidence_of_a_slice_is_one_document(desk: Desk) -> None:
    set_gates(desk, f'[merge]\nrequired_reviews = ["code_review"]\n[gates]\n{WALL} = "true"\n')
    finish(desk)
    asked = ReviewRequest(slice_id=SliceId("a"), kind="code_review", reviewer="ann",
                          verdict="approve")  # fmt: skip
    before = read_evidence(desk.workspace, "a", None)
    assert [problem.message for problem in before.missing] == [
        f"code_review of {before.commit[:10]} is missing"
    ]
    made = review(desk.workspace, asked)
    report = read_evidence(desk.workspace, "a", None)
    assert (report.status, report.missing, report.reviews) == ("done", (), (made,))
    assert [entry.subject for entry in report.commits] == ["Work"]
    assert [(lease.holder, lease.ending) for lease in report.leases] == [("one", "done")]
    assert [run.gate for run in report.gates] == [WALL]
    assert [event.event for event in report.events] == [
        "provisioned", "claimed", "gate", "done", "reviewed",
    ]  # fmt: skip
