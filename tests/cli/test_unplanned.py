"""Slices that stand though the plan no longer has them, or not where it has them."""

import shutil
from pathlib import Path

import pytest

from tests.support.commands import Cli, Finished
from tests.support.repositories import commit_all, git, write_settings

GRAPH = "goal_id = 'g'\n[defaults]\nowner_role = 'w'\n"


def write_task(id_: str, entry: str) -> str:
    return f"[[tasks]]\nid = '{id_}'\nwrite_set = ['{entry}']\n"


@pytest.fixture
def plan(cli: Cli, tmp_path: Path) -> Cli:
    """Apply a graph of tasks, each an id and a scope entry."""

    def apply(*tasks: tuple[str, str]) -> Finished:
        graph = tmp_path / "graph.toml"
        graph.write_text(GRAPH + "".join(write_task(*task) for task in tasks))
        return cli("plan", str(graph), "--apply")

    return apply


@pytest.fixture
def tops(repo: Path, plan: Cli) -> dict[str, Path]:
    """The worktrees of slices a and b."""
    assert plan(("a", "src/"), ("b", "docs/")).code == 0
    return {id_: repo.parent / "webshop.slices" / f"g--{id_}" for id_ in "ab"}


def test_the_holder_of_a_slice_that_left_the_plan_can_renew_and_release_it(
    cli: Cli, plan: Cli, tops: dict[str, Path]
) -> None:
    mine = cli("claim", "a", "--holder", "one", "--json").document
    token = str(mine["token"])
    assert plan(("b", "docs/"), ("c", "src/")).code == 0
    last = cli("status").out.splitlines()[-1]
    assert last.startswith("no longer planned: a, held by one, ")
    assert last.endswith(" left, at ../webshop.slices/g--a")
    assert cli("heartbeat", "a", "--token", token).code == 0
    assert cli("claim", "c").code == 1
    assert cli("release", "a", "--token", token).code == 0
    assert cli("claim", "c").code == 0
    (gone,) = cli("status", "--json").document["gone"]
    assert (gone["slice_id"], gone["status"], gone["holder"]) == ("a", "provisioned", None)


def test_anybody_can_be_made_to_let_go_of_a_slice_that_left_the_plan(
    cli: Cli, plan: Cli, tops: dict[str, Path]
) -> None:
    cli("claim", "a", "--holder", "one")
    plan(("b", "docs/"))
    assert cli("prune").code == 1
    assert cli("release", "a", "--force").code == 0
    assert cli("prune").code == 0
    assert not tops["a"].exists()
    assert cli("status", "--json").document["gone"] == []
    assert cli("release", "nobody", "--force").code == 2


def test_a_merged_slice_that_git_has_cleaned_up_stays_merged(
    cli: Cli, repo: Path, plan: Cli, tops: dict[str, Path]
) -> None:
    (tops["a"] / "src/new.py").write_text("new")
    commit_all(tops["a"])
    assert cli("merge", "a").code == 0
    git(repo, "worktree", "remove", str(tops["a"]))
    git(repo, "branch", "--quiet", "-d", "slices/g/a")
    assert (cli("doctor").code, cli("doctor", "--fix").code) == (0, 0)
    assert plan(("a", "src/"), ("b", "docs/")).code == 0
    states = cli("status", "--json").document["slices"]
    assert {one["slice_id"]: one["status"] for one in states} == {"a": "merged", "b": "provisioned"}
    assert not tops["a"].exists()


def test_a_slice_that_was_merged_without_a_commit_is_pruned(
    cli: Cli, repo: Path, tops: dict[str, Path]
) -> None:
    write_settings(repo, '[run]\nempty = "ok"\n')
    assert cli("run", "--", "true").code == 0
    removed = cli("prune", "--json").document["removed"]
    assert {one["reason"] for one in removed} == {"merged into main"}
    assert not tops["a"].exists()
    assert not tops["b"].exists()


def test_status_tells_where_a_moved_worktree_is(cli: Cli, tops: dict[str, Path]) -> None:
    moved = tops["a"].with_name("elsewhere")
    tops["a"].rename(moved)
    assert cli("doctor", "--fix").code == 0
    (state, _) = cli("status", "--json").document["slices"]
    assert state["worktree_path"] == str(moved)


@pytest.mark.parametrize("switch", [("--detach",), ("-c", "mine")])
def test_the_doctor_sees_a_worktree_that_is_not_on_its_branch(
    cli: Cli, tops: dict[str, Path], switch: tuple[str, ...]
) -> None:
    git(tops["a"], "switch", "--quiet", *switch)
    (finding,) = cli("doctor", "--json").document["findings"]
    assert (finding["check"], finding["thing"]) == ("off-branch", "a")
    assert finding["hint"] == f"git -C {tops['a']} switch slices/g/a"
    git(tops["a"], "switch", "--quiet", "slices/g/a")
    assert cli("doctor").code == 0


def test_a_run_goes_on_beside_a_worktree_that_cannot_be_had(
    cli: Cli, tops: dict[str, Path]
) -> None:
    shutil.rmtree(tops["a"])
    tops["a"].mkdir()
    (tops["a"] / "mine").write_text("mine")
    commit = ("git", "commit", "-q", "--allow-empty", "-m", "Work")
    done = cli("run", "--jobs", "1000", "--json", "--", *commit)
    assert done.code == 1
    assert done.document["merged"] == ["b"]
    assert done.document["left"], done.out
    (left,) = done.document["left"]
    assert left["place"] == "a"
    assert left["message"] == "the folder at its path is not its worktree"


def test_what_is_left_of_a_slice_that_left_the_plan_is_told(
    call: Cli, plan: Cli, tops: dict[str, Path]
) -> None:
    (tops["a"] / "src" / "work.py").write_text("work")
    commit_all(tops["a"])
    plan(("b", "docs/"))
    shown = call("show", "a", "--json").document
    assert (shown["unplanned"], shown["write_scope"], shown["gates"]) == (True, ["src/"], [])
    assert (shown["state"]["ahead"], shown["waits_for"], shown["work"] is None) == (1, [], False)
    assert "plan        no longer has it" in call("show", "a").out
    assert call("path", "a").out == f"{tops['a']}\n"
    assert call("log", "a", "--attempts").code == 0
    assert call("show", "b", "--json").document["unplanned"] is False
    for words in (
        "claim a", "landed a", "gate status a", "merge a", "sync a", "reopen a", "check --slice c",
        "review a --kind code_review --by ann --verdict approve", "log a --evidence",
    ):  # fmt: skip
        refused = call(*words.split())
        if "a" in words.split():
            assert refused.err.startswith("error: the plan of goal 'g' no longer has slice 'a'\n")
            assert "gitslices show a --goal g" in refused.err
        assert (refused.code, refused.out) == (2, "")
