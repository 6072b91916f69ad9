"""`gitslices init` and `task`: a graph begun and written on without an editor."""

import threading
from pathlib import Path

from tests.support.commands import Cli, run_cli
from tests.support.repositories import make_repository


def test_a_graph_is_begun_from_what_the_repository_looks_like(cli: Cli, repo: Path) -> None:
    made = cli("init", "--json").document
    assert (made["path"], made["goal_id"]) == (str(repo / "gitslices.toml"), repo.name)
    assert made["write_set"] == ["src/api/", "tests/"]
    assert cli("validate", "--strict").code == cli("plan", "--strict").code == 0
    text = (repo / "gitslices.toml").read_text()
    again = cli("init")
    assert (again.code, again.out) == (1, "")
    assert again.err.startswith(f"error: there is a task graph already: {repo}/gitslices.toml\n")
    assert (repo / "gitslices.toml").read_text() == text


def test_a_graph_is_begun_where_there_is_no_commit_yet(tmp_path: Path) -> None:
    repo = make_repository(tmp_path / 'odd "name"')
    made = run_cli(repo, "init", "--json").document
    assert made["goal_id"] == 'odd "name"'
    assert run_cli(repo, "validate").code == 0
    assert run_cli(tmp_path, "init").code == 3


def test_tasks_are_added_changed_and_taken_out(cli: Cli, repo: Path) -> None:
    assert cli("init", "--goal", "g").code == 0
    added = cli(
        "task", "add", "api", "--write", "src/api/", "!src/api/vendor/", "--title", "Tokens",
        "--after", "first-task", "--write", "Mkefile", "--checkout", "docs/", "dcs/", "--json",
    )  # fmt: skip
    assert added.document["task"]["write_set"] == ["src/api/", "!src/api/vendor/", "Mkefile"]
    assert added.document["unmatched"][1]["message"].endswith("is 'Makefile' meant?")
    assert added.document["task"]["checkout_set"] == ["docs/", "dcs/"]
    assert added.document["unmatched"][2]["place"] == "tasks[1].checkout_set[1]"
    changed = cli(
        "task", "set", "api", "--write", "docs/", "--estimate", "3",
        "--unset", "after", "checkout",
    )  # fmt: skip
    assert (changed.code, changed.out) == (0, "api changed in gitslices.toml\n")
    assert cli("task", "rm", "first-task").out == "first-task taken out of gitslices.toml\n"
    assert (
        (repo / "gitslices.toml")
        .read_text()
        .endswith(
            '\n[[tasks]]\nid = "api"\ntitle = "Tokens"\nwrite_set = ["docs/"]\nestimate = 3\n'
        )
    )
    assert [one["slice_id"] for one in cli("plan", "--json").document["slices"]] == ["api"]


def test_a_file_that_would_be_wrong_stays_as_it_was(cli: Cli, repo: Path) -> None:
    assert cli("task", "add", "api").err.splitlines()[1].startswith("hint: begin with one")
    cli("init")
    text = (repo / "gitslices.toml").read_text()
    refused = cli("task", "add", "api", "--write", "/etc", "--after", "frist-task")
    assert (refused.code, refused.out) == (2, "")
    assert "is 'first-task' meant?" in refused.err
    assert "it is an absolute path" in refused.err
    assert cli("task", "set", "first-task").code == 2
    assert cli("task", "set", "first-task", "--unset", "colour").code == 2
    assert cli("task", "set", "first-task", "--estimate", "nan").code == 2
    assert (repo / "gitslices.toml").read_text() == text


def test_a_link_to_the_graph_stays_a_link(cli: Cli, repo: Path) -> None:
    cli("init")
    elsewhere = repo.parent / "graph.toml"
    (repo / "gitslices.toml").rename(elsewhere)
    (repo / "gitslices.toml").symlink_to(elsewhere)
    elsewhere.chmod(0o640)
    assert cli("task", "add", "api").code == 0
    assert (repo / "gitslices.toml").is_symlink()
    assert 'id = "api"' in elsewhere.read_text()
    assert elsewhere.stat().st_mode & 0o777 == 0o640


def test_tasks_added_at_once_are_all_there(cli: Cli, repo: Path) -> None:
    cli("init")
    ids = [f"t{number}" for number in range(6)]
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda id_=id_: codes.append(cli("task", "add", id_).code))
        for id_ in ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 6
    text = (repo / "gitslices.toml").read_text()
    assert all(f'id = "{id_}"' in text for id_ in ids)
