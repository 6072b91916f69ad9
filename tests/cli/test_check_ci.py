"""`gitslices check --ci`: a branch judged in a clean clone, by the plan that its base has."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Cli
from tests.support.repositories import commit_all, git

GRAPH = {
    "goal_id": "shop",
    "tasks": [
        {"id": "api", "owner_role": "w", "write_set": ["api/"]},
        {"id": "web", "owner_role": "w", "write_set": ["web/"], "dependencies": ["api"]},
    ],
}


@pytest.fixture
def clone(repo: Path, cli: Cli, tmp_path: Path) -> Path:
    """A clone that has the branch of slice api at hand, and no state of gitslices."""
    (repo / "task_graph.json").write_text(json.dumps(GRAPH))
    assert cli("plan", "--write-lock", "gitslices.lock").code == 0
    commit_all(repo, "Plan")
    path = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repo), str(path))
    git(path, "switch", "--quiet", "--create", "slices/shop/api")
    change(path, "api/one", "1")
    return path


def change(clone: Path, path: str, text: str) -> None:
    (clone / path).parent.mkdir(parents=True, exist_ok=True)
    (clone / path).write_text(text)
    commit_all(clone, path)


def read_violations(document: Any) -> list[tuple[str, str]]:
    (one,) = document["slices"]
    return [(found["path"], found["reason"]) for found in one["violations"]]


def test_a_branch_is_judged_by_the_plan_of_its_base(cli: Cli, clone: Path) -> None:
    done = cli("check", "--ci", directory=clone)
    assert (done.code, done.out) == (0, "api: all changes are inside the write scope\n")
    change(clone, "web/one", "1")
    change(clone, "Makefile", "1")
    # What a branch says of its own scope does not count, and is outside of it.
    lock = json.loads((clone / "gitslices.lock").read_text())
    lock[0]["slices"][0]["write_scope"] = ["**"]
    change(clone, "gitslices.lock", json.dumps(lock))
    done = cli("check", "--ci", "--json", directory=clone)
    assert (done.code, done.document["ok"]) == (1, False)
    assert read_violations(done.document) == [
        ("Makefile", "in no slice"),
        ("gitslices.lock", "in no slice"),
        ("web/one", "in slice web"),
    ]
    assert not (clone / ".git" / "gitslices" / "state.sqlite3").exists()


def test_what_others_have_done_since_is_nobodys_here(cli: Cli, repo: Path, clone: Path) -> None:
    (repo / "others").write_text("1")
    commit_all(repo, "Others")
    git(clone, "fetch", "--quiet")
    assert cli("check", "--ci", "--base", "origin/main", directory=clone).code == 0
    git(clone, "merge", "--quiet", "--no-edit", "origin/main")
    assert cli("check", "--ci", "--base", "origin/main", directory=clone).code == 0


@pytest.mark.parametrize(
    "variables",
    [
        {
            "GITHUB_HEAD_REF": "slices/shop/api",
            "GITHUB_BASE_REF": "main",
            "GITHUB_REF_NAME": "1/merge",
        },
        {
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "slices/shop/api",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        },
    ],
)
def test_a_forge_says_which_branch_is_meant(
    cli: Cli, clone: Path, variables: dict[str, str]
) -> None:
    # As forges do: HEAD is detached, at a merge of the branch into its base.
    change(clone, "web/one", "1")
    git(clone, "switch", "--quiet", "--detach", "origin/main")
    git(clone, "merge", "--quiet", "--no-edit", "slices/shop/api")
    git(clone, "remote", "set-head", "origin", "--delete")
    done = cli("check", "--ci", "--json", directory=clone, env=variables)
    assert (done.code, read_violations(done.document)) == (1, [("web/one", "in slice web")])


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("--base", "origin/nothing"), 2, "there is no base to compare with"),
        (("--base=--all",), 2, "there is no base to compare with"),
        (("--base", "origin/main~1"), 2, "the base has no gitslices.lock"),
        (("--slice", "nothing"), 2, "has no slice 'nothing'"),
        (("--slice", "web"), 1, "in slice api"),
        (("--goal", "other"), 0, "the plan has no slice for this branch"),
        (("--staged",), 2, "--ci excludes"),
    ],
)
def test_other_questions(
    cli: Cli, clone: Path, args: tuple[str, ...], code: int, told: str
) -> None:
    done = cli("check", "--ci", *args, directory=clone)
    assert (done.code, told in done.out + done.err) == (code, True), done


def test_a_shallow_clone_is_told_what_it_lacks(
    cli: Cli, repo: Path, clone: Path, tmp_path: Path
) -> None:
    git(clone, "push", "--quiet", "origin", "HEAD")
    (repo / "others").write_text("1")
    commit_all(repo, "Others")
    path = tmp_path / "shallow"
    url = f"file://{repo}"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", url, str(path))
    git(path, "switch", "--quiet", "slices/shop/api")
    done = cli("check", "--ci", "--base", "origin/main", directory=path)
    assert (done.code, "fetch-depth: 0" in done.err) == (1, True)


def test_annotations_hold_whatever_a_name_has(cli: Cli, clone: Path) -> None:
    change(clone, "a,b:c%\nd", "1")
    done = cli("check", "--ci", "--format", "github", directory=clone)
    assert done.code == 1
    (line,) = done.out.splitlines()
    head, _, words = line.removeprefix("::error ").partition("::")
    assert head.startswith("file=a%2Cb%3Ac%25")
    assert "slice api may not change a,b:c%25" in words


def test_sarif_has_what_its_schema_requires(cli: Cli, clone: Path) -> None:
    change(clone, "web/ä b", "1")
    log = json.loads(cli("check", "--ci", "--format", "sarif", directory=clone).out)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "gitslices"
    (result,) = run["results"]
    assert result["message"]["text"]
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "web/%C3%A4%20b"


def test_goals_stand_side_by_side_in_one_file(cli: Cli, repo: Path, clone: Path) -> None:
    before = (repo / "gitslices.lock").read_bytes()
    assert cli("plan", "--write-lock", "gitslices.lock").code == 0
    assert (repo / "gitslices.lock").read_bytes() == before
    (repo / "other.json").write_text(json.dumps({**GRAPH, "goal_id": "other"}))
    assert cli("plan", "other.json", "--write-lock", "gitslices.lock").code == 0
    locks = json.loads((repo / "gitslices.lock").read_text())
    assert [one["goal_id"] for one in locks] == ["shop", "other"]
