"""In a slice's worktree SLICE, goal and token are those of that worktree."""

import stat
from pathlib import Path

import pytest

from gitslices.git.links import find_admin_folder
from tests.support.commands import Cli, Finished
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all

ANN = {"GITSLICES_HOLDER": "ann"}
BOB = {"GITSLICES_HOLDER": "bob"}


@pytest.fixture
def tops(cli: Cli, tmp_path: Path) -> dict[str, Path]:
    """The worktrees of a slice `a` and, in another goal, of `b`."""
    for goal, id_ in (("one", "a"), ("two", "b")):
        task = {"id": id_, "write_set": [f"{id_}/"]}
        cli("plan", write_graph(tmp_path / "g.json", task, goal_id=goal), "--apply")
    root = tmp_path / "webshop.slices"
    return {"a": root / "one--a", "b": root / "two--b"}


def read_token_file(top: Path) -> Path:
    admin = find_admin_folder(top)
    assert admin is not None
    return admin / "gitslices-token"


def test_nobody_who_works_in_a_worktree_names_slice_goal_or_token(
    cli: Cli, tops: dict[str, Path]
) -> None:
    def type_there(line: str) -> Finished:
        return cli(*line.split(), directory=tops["b"] / "src")

    assert cli("claim", "b", "--goal", "two").code == 0
    assert stat.S_IMODE(read_token_file(tops["b"]).stat().st_mode) == 0o600
    assert type_there("heartbeat").out.startswith("b: held by ")
    assert type_there("scope show").out.startswith("b")
    allowed = type_there("scope allow Makefile --reason needed")
    assert "Makefile" in allowed.out
    (tops["b"] / "b").mkdir()
    (tops["b"] / "b" / "x.py").write_text("x")
    commit = commit_all(tops["b"], "Work")[:10]
    assert type_there("gate pass acceptance_criteria --by ann").out == (
        f"b  acceptance_criteria: passed by ann on {commit}\n"
    )
    assert type_there("gate status acceptance_criteria").out.count("\n") == 1
    assert type_there("gate status").out.count("\n") == 2
    reviewed = type_there("review --kind code_review --by ann --verdict approve")
    assert reviewed.out == f"b: code_review of {commit} by ann: approve\n"
    assert {line.split()[1] for line in type_there("log").out.splitlines()} == {"two/b"}
    assert type_there("log --evidence").out.startswith(f"b: claimed at {commit}")
    assert type_there("sync").out == "up to date: b\n"
    assert type_there("release").out.startswith("b: open, was held by ")
    assert type_there("claim b").out.startswith("b: held by ")
    assert type_there("done").out == f"b: done at {commit}\n"
    assert type_there("merge").out.startswith("merged b into main as ")


def test_elsewhere_a_slice_and_its_token_are_to_be_given(
    cli: Cli, repo: Path, tops: dict[str, Path]
) -> None:
    cli("claim", "a", "--goal", "one")
    for command in ("done", "heartbeat", "release", "scope show", "log --evidence"):
        unnamed = cli(*command.split())
        assert unnamed.code == 2
        assert unnamed.err == (
            "error: no slice is named, and this is no slice's worktree\n"
            "hint: name one (see: gitslices status), or go to its worktree\n"
        )
    for command in ("done", "heartbeat", "release"):
        # Not in the worktree of another slice, either: that one's token is not meant.
        for place in (repo, tops["b"]):
            without = cli(command, "a", "--goal", "one", directory=place)
            assert without.code == 2
            assert "this is not where slice 'a' was claimed to be worked on" in without.err
    wrong = cli("done", "--goal", "two", directory=tops["a"])
    assert wrong.err.startswith("error: this is the worktree of slice 'a' of goal 'one', not of ")
    assert "name slices, or --all for every one that is done" in cli("merge").err


def test_a_token_in_a_worktree_that_was_taken_over_is_stale(
    cli: Cli, tops: dict[str, Path]
) -> None:
    cli("claim", "a", "--goal", "one", env=ANN)
    assert cli("release", "a", "--goal", "one", "--force").code == 0
    cli("claim", "a", "--goal", "one", env=BOB)
    for command in ("done", "heartbeat", "release", "sync"):
        by_name = cli(command, env=ANN, directory=tops["a"])
        assert by_name.code == 1
        assert by_name.err == (
            "error: slice 'a' is bob's now, not ann's\n"
            "hint: nothing was changed; leave it to its holder\n"
        )
        # Who does not say its name may be either of them.
        unnamed = cli(command, directory=tops["a"])
        assert (unnamed.code, unnamed.err.splitlines()[0]) == (
            1,
            "error: slice 'a' was ann's and is bob's now, and nothing says which of them this is",
        )
        told = cli(command, "--json", directory=tops["a"]).document
        assert told["error"]["code"] == "stale-token"
    assert cli("heartbeat", directory=tops["a"], env=BOB).code == 0
    assert cli("done", "--holder", "bob", directory=tops["a"]).code == 0


def test_a_slice_that_was_given_back_is_taken_up_without_a_name(
    cli: Cli, tops: dict[str, Path]
) -> None:
    cli("claim", "a", "--goal", "one", env=ANN)
    cli("release", env=ANN, directory=tops["a"])
    cli("claim", "a", "--goal", "one")
    assert cli("done", directory=tops["a"]).code == 0


def test_a_slice_that_nobody_has_is_brought_up_to_date_without_a_token(
    cli: Cli, repo: Path, tops: dict[str, Path]
) -> None:
    cli("claim", "a", "--goal", "one", env=ANN)
    (tops["a"] / "a").mkdir()
    for top, text in ((tops["a"], "mine"), (repo, "theirs")):
        (top / "a").mkdir(exist_ok=True)
        (top / "a" / "f").write_text(text)
        commit_all(top, "Work")
    cli("done", env=ANN, directory=tops["a"])
    assert cli("merge", directory=tops["a"]).code == 1
    begun = cli("sync", "--resolve", env=BOB, directory=tops["a"])
    assert "the merge of main is under way, 1 file to resolve" in begun.out
    # The token that lies there still is that of a lease that has ended.
    ended = cli("done", env=ANN, directory=tops["a"])
    assert (ended.code, "token 1 of slice 'a' is stale: its lease ended" in ended.err) == (1, True)


def test_what_a_run_has_started_knows_its_own_token_whatever_lies_in_the_worktree(
    cli: Cli, tops: dict[str, Path]
) -> None:
    cli("claim", "a", "--goal", "one")
    cli("release", "a", "--goal", "one", "--force")
    assert cli("claim", "a", "--goal", "one").out.split("token ")[1].startswith("2\n")
    old = {"GITSLICES_SLICE": "a", "GITSLICES_GOAL": "one", "GITSLICES_TOKEN": "1"}
    stale = cli("done", directory=tops["a"], env=old)
    assert (stale.code, "token 1 of slice 'a' is stale" in stale.err) == (1, True)


def test_who_has_a_slice_gets_it_back_with_the_same_token(cli: Cli, tops: dict[str, Path]) -> None:
    claim_a = ("claim", "a", "--goal", "one", "--json")
    first = cli(*claim_a, env=ANN).document
    again = cli(*claim_a, "--ttl", "2h", env=ANN).document
    assert (again["token"], again["resumed"], "resumed" in first) == (first["token"], True, False)
    assert again["expires_at"] > first["expires_at"]
    # Whoever has a name of its own has it without naming the slice, too: after a crash.
    unnamed = cli("claim", "--goal", "one", env=ANN)
    assert unnamed.out.startswith("a: still held by ann until ")
    assert cli(*claim_a, env=BOB).document["error"]["code"] == "lease-held"
    none = cli("claim", "--goal", "one", "--another", env=ANN)
    assert (none.code, "a: held by ann until " in none.err) == (1, True)


def test_workers_that_share_an_account_do_not_get_each_others_slice(
    cli: Cli, tmp_path: Path
) -> None:
    tasks = [{"id": id_, "write_set": [f"{id_}/"]} for id_ in ("a", "b")]
    cli("plan", write_graph(tmp_path / "g.json", *tasks), "--apply")
    assert [cli("claim", "--json").document["slice_id"] for _ in range(2)] == ["a", "b"]
    top = tmp_path / "webshop.slices" / "default--b"
    assert cli("claim", "--json", directory=top).document["slice_id"] == "b"


def test_work_in_a_slice_that_nobody_has_claimed_is_told(cli: Cli, tops: dict[str, Path]) -> None:
    done = cli("done", directory=tops["a"])
    assert done.code == 2
    assert done.err == (
        "error: slice 'a' has not been claimed\n"
        "hint: claim it, with the work that is in it: gitslices claim a\n"
    )
