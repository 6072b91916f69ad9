"""What the history advises about a plan: where it holds, and nothing before it was mined."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from gitslices.graph.scopes import parse_scopes
from gitslices.ops.advise import Advice, advise, order_likely
from gitslices.ops.plan import PlanRequest, plan
from tests.support.commands import run_cli
from tests.support.graphs import make_graph
from tests.support.histories import Made, make_history
from tests.support.workspaces import open_at

PAIRS = [
    Made(f"Routes {n}", {"web/routes.ts": f"{n}", "tests/routes.test.ts": f"{n}"})
    for n in range(12)
]
COMMITS = [
    Made("Start", {"CHANGELOG.md": "", "app/Cargo.lock": "", "web/nav.ts": "", "api/token.py": ""}),
    *PAIRS,
    *(
        Made(f"Token expiry {n}", {"api/token.py": f"{n}", "api/store.py": f"{n}"})
        for n in range(8)
    ),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_history(tmp_path_factory.mktemp("advice") / "shop", COMMITS)


def ask(shop: Path, *tasks: dict[str, Any], meetings: bool = False, **fields: Any) -> Advice:
    workspace, scoped = open_at(shop), parse_scopes(make_graph(*tasks, **fields))
    made = plan(workspace, PlanRequest(scoped=scoped))
    return advise(workspace, scoped, made, meetings=meetings)


def test_a_file_that_nearly_always_changes_too_is_missed(shop: Path) -> None:
    advice = ask(shop, {"id": "ui", "write_set": ["web/routes.ts"]})
    (missing,) = advice.missing
    assert (missing.slice_id, missing.path, missing.missing) == (
        "ui", "web/routes.ts", "tests/routes.test.ts",
    )  # fmt: skip
    assert (missing.together, missing.changes) == (12, 12)
    assert advice.meetings is UNSET


def test_a_changelog_misses_nothing(tmp_path: Path) -> None:
    releases = [
        Made(f"Release {n}", {"HISTORY.md": f"{n}", "web/version.ts": f"{n}"}) for n in range(12)
    ]
    repo = make_history(tmp_path / "shop", [COMMITS[0], *releases])
    assert ask(repo, {"id": "notes", "write_set": ["HISTORY.md"]}).missing == ()
    (missing,) = ask(repo, {"id": "version", "write_set": ["web/version.ts"]}).missing
    assert missing.missing == "HISTORY.md"


@pytest.mark.parametrize(
    "write_set", [["web/routes.ts", "tests/"], ["web/nav.ts"], ["api/token.py"], ["**"]]
)
def test_nothing_is_missed_where_it_may_be_written_or_is_not_sure(
    shop: Path, write_set: list[str]
) -> None:
    assert ask(shop, {"id": "ui", "write_set": write_set}).missing == ()


def test_files_that_many_append_to_or_that_a_tool_makes_are_offered(shop: Path) -> None:
    tasks = [
        {"id": id_, "write_set": [f"{id_}/", "CHANGELOG.md", "app/Cargo.lock"]} for id_ in "ab"
    ]
    found = {one.path: (one.list, one.slice_ids) for one in ask(shop, *tasks).offers}
    assert found == {
        "CHANGELOG.md": ("shared", ("a", "b")), "app/Cargo.lock": ("relaxed", ("a", "b")),
    }  # fmt: skip
    assert ask(shop, *tasks, shared=["*.md"], relaxed=["app/"]).offers == ()
    assert ask(shop, tasks[0]).offers == ()


def test_slices_in_no_order_that_may_meet_are_named(shop: Path) -> None:
    tasks = [
        {"id": "expiry", "title": "Token expiry", "write_set": ["docs/"]},
        {"id": "refresh", "title": "Token expiry refresh", "write_set": ["web/nav.ts"]},
        {"id": "routes", "title": "Routes", "write_set": ["web/routes.ts"]},
    ]
    meetings = ask(shop, *tasks, meetings=True).meetings
    assert meetings
    assert [one.slice_ids for one in meetings] == [("expiry", "refresh")]
    assert set(meetings[0].paths) >= {"api/token.py", "api/store.py"}
    graph = PlanRequest(scoped=parse_scopes(make_graph(*tasks)))
    request, told = order_likely(open_at(shop), graph, 0.2)
    (said,) = told
    assert said.startswith(
        f"refresh: it waits for expiry, for they may meet ({meetings[0].percent}"
    )
    assert plan(open_at(shop), request).waves == (("expiry", "routes"), ("refresh",))
    assert order_likely(open_at(shop), graph, 0.999) == (graph, ())
    tasks[1]["dependencies"] = ["expiry"]
    assert ask(shop, *tasks, meetings=True).meetings == ()
    del tasks[1]["dependencies"]
    assert ask(shop, *tasks, meetings=True, relaxed=["api/"]).meetings == ()


def test_a_plan_has_advice_once_the_history_was_mined(tmp_path: Path) -> None:
    repo = make_history(tmp_path / "shop", COMMITS)
    (repo / "gitslices.toml").write_text(
        'goal_id = "g"\n[[tasks]]\nid = "ui"\nwrite_set = ["web/routes.ts"]\n'
    )
    before = run_cli(repo, "plan", "--json")
    assert "advice" not in before.document
    assert not (repo / ".git" / "gitslices" / "history.db").exists()
    asked = run_cli(repo, "plan", "--advice")
    assert asked.out.splitlines()[-1] == (
        "advice: web/routes.ts: in 12 of 12 changes tests/routes.test.ts changed, too;"
        " it is not in the write scope of ui"
    )
    assert len(run_cli(repo, "plan", "--json").document["advice"]["missing"]) == 1
    assert run_cli(repo, "plan", "--json", "--no-advice").out == before.out
    met = run_cli(repo, "plan", "--collisions")
    assert met.out.endswith("no two slices in no order are likely to meet\n")
    assert run_cli(repo, "plan", "--collisions", "--apply").code == 2
