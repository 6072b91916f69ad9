"""`gitslices suggest`: files for a task, with what they are suggested for."""

import json
from pathlib import Path

import pytest
from msgspec import convert

from gitslices.core.errors import InputError, RefusedError, UnknownSliceError, UntrustedError
from gitslices.core.model import TaskGraph
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.suggest import SuggestReport, SuggestRequest, keep_likely, suggest
from gitslices.output.text.suggest import format_suggestions
from gitslices.repo_commands.trust import approve
from gitslices.state.scope_record import count_refusals
from tests.support.commands import run_cli
from tests.support.histories import Made, make_history
from tests.support.repositories import copy_repository, write_settings
from tests.support.workspaces import open_at

FILES = ("src/token.py", "src/nav.py", "tests/test_token.py", "docs/nav.md", "Makefile")
START = Made("Start", dict.fromkeys(FILES, "start"))
COMMITS = [
    START,
    *(Made(f"Refresh tokens {n}", {"src/token.py": f"{n}", "tests/test_token.py": f"{n}"})
      for n in range(20)),
    *(Made(f"Menu colours {n}", {"src/nav.py": f"{n}"}) for n in range(20)),
]  # fmt: skip
GRAPH = {
    "goal_id": "g",
    "tasks": [
        {"id": "api", "title": "Tokens are refreshed"},
        {
            "id": "ui",
            "title": "Menu",
            "write_set": ["src/nav.py"],
            "description": "see docs/nav.md",
        },
        {"id": "tests", "title": "Tokens", "write_set": ["src/token.py"]},
        {"id": "whole", "title": "Tokens", "write_set": ["src/", "tests/"]},
        {"id": "old", "status": "done"},
    ],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_history(tmp_path_factory.mktemp("suggest") / "shop", COMMITS)


def ask(repo: Path, *ids: str, **more: object) -> SuggestReport:
    request = SuggestRequest(
        scoped=parse_scopes(convert(GRAPH, TaskGraph)),
        task_ids=ids or None,
        **more,  # type: ignore[arg-type]
    )
    return suggest(open_at(repo), request)


def test_the_title_finds_what_changed_under_such_titles(shop: Path) -> None:
    report = ask(shop, "api")
    first, second, *_ = report.suggestions
    assert {first.path, second.path} == {"src/token.py", "tests/test_token.py"}
    assert all((one.percent or 0) > 70 for one in (first, second))
    assert first.reasons[0] == "touched by 20 of the 20 changes with titles most alike"
    assert [one.path for one in report.directories][:2] == ["src/", "tests/"]
    assert keep_likely(report, 0.7).suggestions == (first, second)
    assert report.tasks[0].suggestions == report.suggestions


def test_files_in_the_scope_point_to_what_it_lacks_and_are_not_suggested(shop: Path) -> None:
    (first, *others) = ask(shop, "tests").suggestions
    assert first.path == "tests/test_token.py"
    assert first.reasons[0] == "changed with src/token.py in 21 of 21 changes, weighted 95%"
    assert first.reasons[1] == "tests of src/token.py"
    assert "src/token.py" not in {one.path for one in others}
    assert not {one.path for one in ask(shop, "whole").suggestions} & set(FILES[:3])


def test_a_path_in_the_text_comes_first(shop: Path) -> None:
    (first, *_) = ask(shop, "ui").suggestions
    assert (first.path, first.reasons[0]) == ("docs/nav.md", "named in the task")


def test_tasks_without_a_scope_are_asked_for_unless_some_are_named(shop: Path) -> None:
    assert [task.task_id for task in ask(shop).tasks] == ["api"]
    assert [task.task_id for task in ask(shop, "ui", "api", limit=1).tasks] == ["ui", "api"]
    assert all(len(task.suggestions) == 1 for task in ask(shop, "ui", "api", limit=1).tasks)
    with pytest.raises(UnknownSliceError, match="no task 'apo'"):
        ask(shop, "apo")


def test_paths_are_asked_for_without_a_graph(shop: Path) -> None:
    report = suggest(open_at(shop), SuggestRequest(paths=("tests/test_token.py",)))
    assert report.suggestions[0].path == "src/token.py"
    assert report.tasks == ()
    with pytest.raises(InputError, match="no tracked file"):
        suggest(open_at(shop), SuggestRequest(paths=("nowhere.py",)))


def test_without_a_history_names_are_gone_by(tmp_path: Path) -> None:
    repo = make_history(
        tmp_path / "fresh", [Made("Start", {f"{n}.txt": "" for n in range(30)}), START]
    )
    report = ask(repo, "api")
    assert {"src/token.py", "tests/test_token.py"} >= {one.path for one in report.suggestions[:1]}


def test_the_same_question_has_the_same_answer(shop: Path) -> None:
    assert ask(shop, "api", "ui", "tests") == ask(shop, "api", "ui", "tests")


def test_a_command_of_the_settings_ranks_instead_once_it_is_approved(
    shop: Path, tmp_path: Path
) -> None:
    repo = copy_repository(shop, tmp_path / "shop")
    rank = r"cat >asked.json; printf 'Makefile\nMakefile\n../x\n' #"
    write_settings(repo, f"[suggest]\ncommand = {json.dumps(rank)}\n")
    with pytest.raises(UntrustedError):
        ask(repo, "ui")
    approve(open_at(repo), [rank])
    report = ask(repo, "ui")
    asked = json.loads((repo / "asked.json").read_text())
    assert (asked["task"]["id"], asked["known"]) == ("ui", ["src/nav.py"])
    assert [(one.path, one.percent, one.reasons) for one in report.suggestions] == [
        ("Makefile", None, ("by [suggest] command",))
    ]
    assert "Makefile  (by [suggest] command)" in format_suggestions(report)
    write_settings(repo, "[suggest]\ncommand = 'echo no idea; exit 3'\n")
    approve(open_at(repo), ["echo no idea; exit 3"])
    with pytest.raises(RefusedError, match="command has failed: exit status 3"):
        ask(repo, "ui")


def test_what_a_slice_was_kept_from_and_was_allowed_later_stands_first(
    shop: Path, tmp_path: Path
) -> None:
    repo = copy_repository(shop, tmp_path / "shop")
    (repo / "graph.json").write_text(json.dumps(GRAPH))
    assert run_cli(repo, "plan", "graph.json", "--apply").code == 0
    assert run_cli(repo, "scope", "allow", "ui", "docs/new/", "--reason", "r").code == 0
    with open_at(repo).open_store() as store, store.transaction():
        count_refusals(store, ("g", "ui"), ["Makefile"], by="guard", at="2026-01-01T00:00:00Z")
        count_refusals(store, ("g", "ui"), ["Makefile"], by="hook", at="2026-01-01T00:00:00Z")
    first, second, third, *_ = ask(repo, "ui").suggestions
    assert (first.path, first.percent, first.reasons) == (
        "docs/new/", None, ("allowed since the plan",),
    )  # fmt: skip
    assert (second.path, second.reasons) == (
        "Makefile", ("it was kept from it 2 times, by the hook",),
    )  # fmt: skip
    assert third.percent is not None
    assert ask(repo, "tests").suggestions[0].percent is not None
