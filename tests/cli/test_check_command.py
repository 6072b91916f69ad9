"""`gitslices check`: who is asked for, what is printed, and the exit code."""

from pathlib import Path

import pytest
from msgspec import convert

from gitslices.core.model import TaskGraph
from gitslices.graph.load import load_graph
from tests.support.commands import Cli
from tests.support.repositories import commit_all, commit_quietly, git
from tests.support.slices import apply_graph, check_at, find_owners, path_beside
from tests.support.workspaces import open_at


@pytest.fixture
def api(repo: Path, graph_file: Path) -> Path:
    apply_graph(open_at(repo), load_graph(graph_file).graph)
    return path_beside(repo, "api", "auth-rework")


def test_each_violation_is_named_with_its_owner(cli: Cli, api: Path) -> None:
    (api / "Makefile").write_text("changed")
    (api / "src/web/nav.ts").unlink()
    (api / "src/api/new.py").write_text("new")
    done = cli("check", directory=api)
    assert (done.code, done.err) == (1, "")
    assert done.out == (
        "api: 2 changes outside the write scope\n"
        "  Makefile         in no slice\n"
        "  src/web/nav.ts   in slice nav\n"
    )


def test_the_document_holds_the_same(cli: Cli, api: Path) -> None:
    (api / "Makefile").write_text("changed")
    done = cli("check", "--json", directory=api)
    assert done.code == 1
    violation = {"path": "Makefile", "owner": None, "reason": "in no slice"}
    assert done.document == {
        "schema_version": 1,
        "ok": False,
        "slices": [{"slice_id": "api", "goal_id": "auth-rework", "violations": [violation]}],
    }


def test_a_clean_slice_is_said_to_be(cli: Cli, api: Path) -> None:
    done = cli("check", directory=api / "src" / "api")
    assert (done.code, done.out) == (0, "api: all changes are inside the write scope\n")


def test_a_worktree_of_no_slice_has_nothing_to_check(cli: Cli, api: Path) -> None:
    done = cli("check")
    assert (done.code, done.out) == (0, "this worktree is no slice: nothing to check\n")
    expected = {"schema_version": 1, "ok": True, "slices": []}
    assert cli("check", "--json").document == expected


def test_a_repository_without_plans_has_nothing_to_check(cli: Cli, repo: Path) -> None:
    assert cli("check", "--staged").code == 0
    assert not (repo / ".git" / "gitslices").exists()


def test_a_slice_is_checked_from_anywhere(cli: Cli, api: Path) -> None:
    (api / "loose.txt").write_text("untracked")
    done = cli("check", "--slice", "api")
    assert done.code == 1
    assert "loose.txt   in no slice" in done.out
    assert cli("check", "--slice", "api", "--staged").code == 0
    assert cli("check", "--slice", "nav").code == 0


def test_a_slice_whose_worktree_is_gone_is_checked_by_its_branch(
    cli: Cli, repo: Path, api: Path
) -> None:
    (api / "Makefile").write_text("changed")
    commit_quietly(api)
    git(repo, "worktree", "remove", "--force", str(api))
    assert "Makefile   in no slice" in cli("check", "--slice", "api").out


def test_all_slices_under_way_are_checked(cli: Cli, repo: Path, api: Path) -> None:
    (api / "Makefile").write_text("changed")
    done = cli("check", "--all", "--json")
    assert done.code == 1
    found = {one["slice_id"]: len(one["violations"]) for one in done.document["slices"]}
    assert found == {"api": 1, "docs": 0, "nav": 0, "schema": 0, "ui": 0}


def test_a_range_of_commits_is_checked(api: Path) -> None:
    (api / "Makefile").write_text("changed")
    first = commit_quietly(api)
    (api / "README.md").write_text("changed")
    commit_quietly(api)
    assert find_owners(check_at(api, commits="HEAD")) == {"Makefile": None, "README.md": None}
    assert find_owners(check_at(api, commits=f"{first}..HEAD")) == {"README.md": None}
    assert find_owners(check_at(api, commits=f"{first}..")) == {"README.md": None}
    assert find_owners(check_at(api, commits=first)) == {"Makefile": None}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--slice", "apj"], "the nearest is 'api'"),
        (["--slice", "api", "--goal", "other"], "there is no goal 'other'"),
        (["--commits", "nowhere..HEAD"], "'nowhere' names no commit"),
        (["--commits", "--help"], "'--help' names no commit"),
        (["--staged", "--commits", "HEAD"], "--staged and --commits exclude each other"),
        (["--all", "--slice", "api"], "--all excludes --slice and --commits"),
    ],
)
def test_wrong_input_is_refused(cli: Cli, api: Path, arguments: list[str], says: str) -> None:
    done = cli("check", *arguments, directory=api)
    assert done.code == 2
    assert says in done.err


def test_a_slice_without_any_plan_is_unknown(cli: Cli) -> None:
    done = cli("check", "--slice", "api")
    assert done.code == 2
    assert "no plan has been applied" in done.err


def test_a_moved_worktree_is_still_its_slice(repo: Path, api: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "move", str(api), str(tmp_path / "moved"))
    git(tmp_path / "moved", "switch", "--quiet", "-c", "other")
    (tmp_path / "moved" / "Makefile").write_text("changed")
    assert find_owners(check_at(tmp_path / "moved")) == {"Makefile": None}


def test_a_slice_that_the_store_does_not_know_is_not_let_through(
    cli: Cli, repo: Path, api: Path
) -> None:
    mark = repo / ".git" / "worktrees" / "auth-rework--api" / "gitslices-slice"
    mark.write_text('{"goal_id": "lost", "slice_id": "api"}')
    done = cli("check", directory=api)
    assert done.code == 3
    assert "slice 'api' of goal 'lost', which is not in the store" in done.err
    mark.write_text("{")
    assert cli("check", directory=api).code == 3


def test_paths_reach_the_terminal_escaped(cli: Cli, api: Path) -> None:
    (api / "a\x1b[31m\nb").write_text("x")
    assert "  a\\x1b[31m\\nb   in no slice" in cli("check", directory=api).out
    assert cli("check", "--json", directory=api).code == 1


def test_a_slice_of_another_goal_is_named_with_its_goal(repo: Path) -> None:
    for goal, scope in (("one", "src/"), ("two", "docs/")):
        task = {"id": "a", "owner_role": "w", "write_set": [scope]}
        apply_graph(open_at(repo), convert({"goal_id": goal, "tasks": [task]}, TaskGraph))
    top = repo.parent / "webshop.slices" / "two--a"
    (top / "src" / "new").write_text("x")
    (one,) = check_at(top).slices
    assert [violation.reason for violation in one.violations] == ["in slice a of goal one"]


def test_a_new_path_in_two_scopes_is_refused_in_the_later_slice_until_the_first_has_landed(
    repo: Path,
) -> None:
    tasks = [
        {"id": "api", "owner_role": "w", "write_set": ["src/api/"]},
        {"id": "text", "owner_role": "w", "write_set": ["*.md"]},
    ]
    graph = convert({"goal_id": "g", "shared": ["src/api/LOG.md"], "tasks": tasks}, TaskGraph)
    apply_graph(open_at(repo), graph)
    api, text = (repo.parent / "webshop.slices" / f"g--{id_}" for id_ in ("api", "text"))
    for top in (api, text):
        (top / "src/api/NEW.md").write_text("x")
        (top / "src/api/LOG.md").write_text("x")
    assert check_at(api).ok
    (one,) = check_at(text).slices
    assert [violation.reason for violation in one.violations] == ["new, and slice api comes first"]
    (api / "src/api/NEW.md").unlink()
    commit_all(api)
    git(repo, "merge", "--quiet", "--no-edit", "slices/g/api")
    assert check_at(text).ok


def test_a_branch_without_a_commit_is_judged_by_what_it_would_commit(api: Path) -> None:
    git(api, "switch", "--quiet", "--orphan", "lost")
    git(api, "checkout", "--quiet", "slices/auth-rework/api", "--", ".")
    assert check_at(api).ok
    (api / "Makefile").write_text("changed")
    assert find_owners(check_at(api)) == {"Makefile": None}
    git(api, "rm", "--quiet", "--cached", "README.md")
    assert find_owners(check_at(api, staged=True)) == {"README.md": None}
