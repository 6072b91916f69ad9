"""Which goal is meant where none is named: in a slice's worktree, that of the slice."""

import json
from pathlib import Path

import pytest

from gitslices.git.links import find_admin_folder
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks
from tests.support.workspaces import open_at

LINES = (
    "claim a", "heartbeat a --token 1", "gate status a",
    "gate pass a acceptance_criteria --by ann",
    "review a --kind code_review --by ann --verdict approve", "scope show a", "log a --evidence",
    "check --slice a", "sync a --token 1", "done a --token 1", "merge a", "remove a",
)  # fmt: skip


@pytest.fixture
def tops(cli: Cli, tmp_path: Path) -> dict[str, Path]:
    """The worktrees of a slice `a` in each of two goals."""
    for goal in ("one", "two"):
        task = {"id": "a", "write_set": [goal]}
        cli("plan", write_graph(tmp_path / "g.json", task, goal_id=goal), "--apply")
    return {goal: tmp_path / "webshop.slices" / f"{goal}--a" for goal in ("one", "two")}


def test_in_a_slices_worktree_every_command_means_its_goal(cli: Cli, tops: dict[str, Path]) -> None:
    for line in LINES:
        done = cli(*line.split(), "--json", directory=tops["two"])
        assert done.code == 0, (line, done.out)
        assert '"one"' not in done.out, line


def test_what_is_about_the_whole_means_all_goals(cli: Cli, tops: dict[str, Path]) -> None:
    for place in tops.values():
        (place / "loose").write_text("")
        goals = cli("ready", "--json", directory=place).document["goals"]
        assert [goal["goal_id"] for goal in goals] == ["one", "two"]
    claimed = [cli("claim", "--json", "--holder", f"h{n}").document for n in range(2)]
    assert [one["goal_id"] for one in claimed] == ["one", "two"]


def test_what_is_taken_in_is_taken_in_of_all_goals(
    cli: Cli, repo: Path, tops: dict[str, Path]
) -> None:
    for goal, top in tops.items():
        (top / goal).write_text(goal)
        commit_all(top, goal)
    found = cli("conflicts", "--json").document
    assert (found["goal_id"], found["target"], found["goals"]) == (None, "main", ["one", "two"])
    assert found["slices"] == ["a", "a"]
    for top in tops.values():
        cli("claim", "a", directory=top)
        cli("done", directory=top)
    assert cli("sync", "--all").out.startswith("one\n")
    done = cli("merge", "--all", "--json")
    assert [one["goal_id"] for one in done.document["merged"]] == ["one", "two"]
    assert (repo / "one").exists()
    assert (repo / "two").exists()
    schema = json.loads(cli("schema", "merge").out)
    assert "null" in str(schema["$defs"]["MergeReport"]["properties"]["goal_id"])
    last = cli("merge", "--all", "--json").document
    assert last["goals"] == ["two"], "none is under way: the last one answers"


def test_a_run_works_all_goals_that_are_under_way(
    cli: Cli, repo: Path, tops: dict[str, Path]
) -> None:
    script = 'echo x > "$GITSLICES_GOAL" && git add -A && git commit -qm work'
    done = cli("run", "--jobs", "1", "--json", "--", "sh", "-c", script)
    assert done.code == 0
    assert done.document["goals"] == ["one", "two"]
    assert done.document["merged"] == ["a", "a"]
    assert {path.name for path in repo.iterdir()} >= {"one", "two"}


def test_a_run_takes_the_most_urgent_slice_of_all_goals(
    cli: Cli, repo: Path, tmp_path: Path
) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *({"id": id_, "write_set": [id_]} for id_ in "ab"), goal_id="one")
    first = {"id": "c", "write_set": ["c"], "estimate": 5}
    then = {"id": "d", "write_set": ["d"], "dependencies": ["c"]}
    apply_tasks(workspace, first, then, goal_id="two")
    taken = tmp_path / "taken"
    script = (
        f"echo $GITSLICES_SLICE | tee -a {taken} >$GITSLICES_SLICE; git add -A; git commit -qm x"
    )
    done = cli("run", "--jobs", "1", "--json", "--", "sh", "-c", script)
    assert done.code == 0
    assert taken.read_text().split() == ["c", "a", "b", "d"]


def test_what_is_wrong_with_one_goal_keeps_a_run_from_no_other(
    cli: Cli, repo: Path, tops: dict[str, Path]
) -> None:
    git(repo, "branch", "short-lived")
    workspace = open_at(repo)
    lost = {"id": "x", "write_set": ["x"]}
    apply_tasks(workspace, lost, goal_id="three", target="short-lived", base="short-lived")
    script = 'echo x >"$GITSLICES_GOAL" && git add -A && git commit -qm w'
    losing = f"git branch -D short-lived; {script}"
    # It loses its target while it is worked on.
    done = cli("run", "--jobs", "1", "--json", "--", "sh", "-c", losing)
    assert (done.code, done.document["goals"]) == (2, ["one", "two"])
    assert [one["goal_id"] for one in done.document["errors"]] == ["three"]
    # It has none to begin with.
    apply_tasks(workspace, {"id": "y", "write_set": ["four"]}, goal_id="four")
    done = cli("run", "--json", "--", "sh", "-c", script)
    assert (done.code, done.document["goals"], done.document["merged"]) == (2, ["four"], ["y"])
    assert {path.name for path in repo.iterdir()} >= {"one", "two", "four"}


def test_the_worktree_named_with_c_counts(cli: Cli, tops: dict[str, Path]) -> None:
    inside = tops["two"] / "src"
    assert cli("scope", "show", "a", "-C", str(inside)).out.endswith("\n  two\n")
    assert cli("scope", "show", "a", "-C", str(inside), "--goal", "one").out.endswith("\n  one\n")


def test_elsewhere_one_has_to_be_named(cli: Cli, repo: Path, tops: dict[str, Path]) -> None:
    other = repo.parent / "other"
    git(repo, "worktree", "add", "--quiet", "--detach", str(other))
    for place in (repo, other):
        done = cli("scope", "show", "a", directory=place)
        assert done.code == 2
        assert done.err == (
            "error: 2 goals have a slice 'a': one, two\n"
            "hint: name one with --goal ID, or choose one for good: git config gitslices.goal ID\n"
        )


def test_the_mark_is_not_read_where_it_decides_nothing(
    cli: Cli, repo: Path, tops: dict[str, Path]
) -> None:
    admin = find_admin_folder(tops["two"])
    assert admin is not None
    (admin / "gitslices-slice").write_text("{")
    assert cli("heartbeat", "a", "--token", "1", directory=tops["two"]).code == 3
    assert cli("status", "--goal", "one", directory=tops["two"]).code == 0


def test_what_is_about_all_goals_stays_so(cli: Cli, tops: dict[str, Path]) -> None:
    events = cli("log", "--all", "--json", directory=tops["two"]).document["events"]
    assert {event["goal_id"] for event in events} == {"one", "two"}
