"""Command lines that messages suggest do what they say when they are followed literally."""

import json
import re
import shlex
from pathlib import Path

from gitslices.core.errors import suggest
from tests.support.commands import Cli
from tests.support.repositories import commit_all

ODD = "Weird Id/Ü.x"


def test_words_are_quoted_for_a_shell() -> None:
    assert suggest("done", ODD, goal_id="a b") == f"gitslices done '{ODD}' --goal 'a b'"


def provision(cli: Cli, folder: Path) -> None:
    for goal in ("first goal", "second"):
        path = folder / f"{goal}.json"
        task = {"id": ODD, "owner_role": "w", "write_set": [f"{goal[0]}.txt"]}
        path.write_text(json.dumps({"goal_id": goal, "tasks": [task]}))
        assert cli("plan", str(path), "--apply").code == 0


def follow(cli: Cli, text: str, start: str) -> int:
    found = re.search(f"{start}(gitslices .*)", text)
    assert found is not None, text
    return cli(*shlex.split(found[1])[1:]).code


def test_an_odd_id_of_one_of_two_goals_is_finished_as_its_claim_says(
    cli: Cli, tmp_path: Path
) -> None:
    provision(cli, tmp_path)
    done = cli("claim", ODD, "--goal", "first goal")
    assert follow(cli, done.out.replace(")", ""), "elsewhere: ") == 0


def test_a_claimed_slice_that_is_to_be_removed_is_let_go_as_the_hint_says(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    cli("plan", str(graph_file), "--apply")
    cli("claim", "ui")
    done = cli("remove", "ui")
    assert done.code == 1
    assert follow(cli, done.err, "let it go first: ") == 0
    assert cli("remove", "ui").code == 0


def test_a_merge_of_a_claimed_slice_names_the_token_that_done_takes(
    cli: Cli, graph_file: Path
) -> None:
    cli("plan", str(graph_file), "--apply")
    cli("claim", "ui")
    done = cli("merge", "ui")
    assert "gitslices done ui --token N --goal auth-rework, or if the holder is gone: " in done.out
    assert follow(cli, done.out.replace(")", ""), "the holder is gone: ") == 0


def try_stale(cli: Cli) -> str:
    """The hint of a heartbeat with a token that nobody was given."""
    done = cli("heartbeat", "ui", "--token", "99")
    assert done.code == 1
    (hint,) = (line for line in done.err.splitlines() if line.startswith("hint: "))
    assert hint.startswith("hint: nothing was changed; ")
    return hint


def test_a_stale_token_is_told_what_helps_while_somebody_has_the_slice(
    cli: Cli, graph_file: Path
) -> None:
    cli("plan", str(graph_file), "--apply")
    assert follow(cli, try_stale(cli), "to go on, claim it: ") == 0
    held = try_stale(cli)
    assert re.search("; .*@.* has it until .* left.*: take it over once it lapses, or free", held)
    assert follow(cli, held, "free it with: ") == 0
    assert follow(cli, try_stale(cli), "to go on, claim it: ") == 0


def test_a_stale_token_is_told_what_helps_once_the_slice_is_done_and_merged(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    cli("plan", str(graph_file), "--apply")
    claimed = cli("claim", "ui", "--json").document
    commit_all(Path(claimed["worktree_path"]), "Work")
    assert cli("done", "ui", "--token", "1").code == 0
    done = try_stale(cli)
    assert follow(cli, done, "it is done, .* to work on it again, open it first: ") == 0
    assert follow(cli, try_stale(cli), "to go on, claim it: ") == 0
    assert cli("done", "ui", "--token", "2").code == 0
    assert cli("merge", "ui").code == 0
    assert follow(cli, try_stale(cli), "it is merged already, see: ") == 0


def test_a_stale_token_is_told_that_the_plan_no_longer_has_the_slice(
    cli: Cli, graph_file: Path
) -> None:
    cli("plan", str(graph_file), "--apply")
    before, _, rest = graph_file.read_text().partition('[[tasks]]\nid = "ui"')
    graph_file.write_text(before + rest[rest.index("[[tasks]]") :])
    assert cli("plan", str(graph_file), "--apply").code == 0
    assert follow(cli, try_stale(cli), "the plan no longer has it, see: ") == 0


def test_an_unknown_slice_of_one_of_two_goals_leads_to_the_status_of_that_goal(
    cli: Cli, tmp_path: Path
) -> None:
    provision(cli, tmp_path)
    done = cli("claim", "nosuch", "--goal", "second")
    assert done.code == 2
    assert follow(cli, done.err, "see: ") == 0
