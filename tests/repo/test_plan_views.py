"""A plan looked at from several sides: explained, for some workers, shared files, drawn."""

import json
import stat
from pathlib import Path

import click
import pytest

from gitslices.core.model import SliceId
from gitslices.graph.scopes import parse_scopes
from gitslices.output.text.plan import format_explanation
from gitslices.planning.explanation import Explanation, explain_slice
from gitslices.planning.outline import make_outline
from tests.support.commands import Cli
from tests.support.golden import compare
from tests.support.graphs import SETTINGS, make_graph, make_tree, plan_tasks, write_graph

# Why a slice waits.


def explain(slice_id: str, *tasks: dict[str, object]) -> Explanation:
    outline = make_outline(
        parse_scopes(make_graph(*tasks)), make_tree("docs/a.md", "src/x.py"), SETTINGS
    )
    return explain_slice(outline, SliceId(slice_id))


CHAIN: tuple[dict[str, object], ...] = (
    {"id": "a", "write_set": ["src/x.py", "docs/a.md"]},
    {"id": "b", "write_set": ["lib/"], "dependencies": ["a"]},
    {"id": "c", "write_set": ["lib/c.py"], "read_set": ["docs/"], "dependencies": ["b"]},
)


def test_every_reason_is_named_even_where_another_makes_it_needless() -> None:
    waits = explain("c", *CHAIN).waits_for
    assert [(one.slice_id, one.before, one.declared) for one in waits] == [
        ("b", "c", True),
        ("a", "c", False),
    ]
    assert [one.overlap.path for one in waits if one.overlap] == ["lib/c.py", "docs/a.md"]


def test_what_it_waits_for_through_others_is_named_with_the_next_on_the_way() -> None:
    waits = explain(
        "c",
        {"id": "a", "write_set": ["a.py"]},
        {"id": "b", "write_set": ["b.py"], "dependencies": ["a"]},
        {"id": "c", "write_set": ["c.py"], "dependencies": ["b"]},
    ).waits_for
    assert [(one.slice_id, one.before) for one in waits] == [("b", "c"), ("a", "b")]


def test_the_text_gives_all_reasons_of_a_wait() -> None:
    assert click.unstyle(format_explanation(explain("c", *CHAIN))).splitlines() == [
        "c · wave 2 · waits for 2 slices",
        "",
        "waits for",
        "  b  declared; both write lib/c.py (not there yet)",
        "  a  it reads docs/a.md, which a writes",
    ]


def test_open_overlaps_are_named_with_a_path_and_only_where_no_order_is_given() -> None:
    tasks: list[dict[str, object]] = [
        {"id": "all", "write_set": ["*.md"]},
        {"id": "here", "write_set": ["here/"]},
        {"id": "later", "write_set": ["later/"], "dependencies": ["all"]},
    ]
    explained = explain("all", *tasks)
    assert [(one.slice_id, one.overlap.path) for one in explained.open_overlaps] == [
        ("here", "here/.md")
    ]
    assert plan_tasks(*tasks).open_overlaps == 1
    assert click.unstyle(format_explanation(explained)).splitlines() == [
        "all · wave 0 · waits for nothing",
        "",
        "left open, closed with --new-paths all",
        "  here: both write here/.md (not there yet)",
    ]


def test_what_a_pattern_for_files_supposes_is_left_open_and_explained() -> None:
    tasks: list[dict[str, object]] = [
        {"id": "code", "write_set": ["src/**/*.ts"]},
        {"id": "style", "write_set": ["src/**/*.css"]},
    ]
    plan = plan_tasks(*tasks)
    assert (plan.waves, plan.open_overlaps) == ((("code", "style"),), 1)
    explained = explain("style", *tasks)
    assert [(one.slice_id, one.overlap.path) for one in explained.open_overlaps] == [
        ("code", "src/.css/.ts")
    ]


@pytest.mark.parametrize(
    ("wrong", "hint"), [("apis", "the nearest is 'api'"), ("nope", "see: gitslices plan")]
)
def test_explaining_a_task_that_is_not_there_says_where_to_look(
    cli: Cli, tmp_path: Path, wrong: str, hint: str
) -> None:
    graph = write_graph(tmp_path / "graph.json", {"id": "api", "write_set": ["src/"]})
    done = cli("plan", graph, "--explain", wrong)
    assert (done.code, done.out) == (2, "")
    assert f"the graph has no task '{wrong}'" in done.err
    assert hint in done.err


def test_explain_end_to_end(call: Cli, graph_file: Path) -> None:
    done = call("plan", str(graph_file), "--order", "id", "--explain", "ui")
    assert (done.code, done.err) == (0, "")
    compare("explain-webshop.txt", done.out)
    document = call("plan", str(graph_file), "--order", "id", "--explain", "ui", "--json").document
    assert document["waits_for"][0] == {
        "slice_id": "api",
        "before": "ui",
        "declared": False,
        "overlap": {"kind": "write_write", "path": "src/api/errors.py", "exists": True},
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [("aip", "the nearest is 'api'"), ("intake", "task 'intake' is no slice: empty write_set")],
)
def test_explaining_what_is_no_slice_is_refused(
    call: Cli, graph_file: Path, name: str, words: str
) -> None:
    done = call("plan", str(graph_file), "--explain", name)
    assert done.code == 2
    assert words in done.err


@pytest.mark.parametrize("other", ["--diff", "--apply", "--check"])
def test_views_that_exclude_each_other_are_refused(call: Cli, other: str) -> None:
    done = call("plan", "--explain", "api", other)
    assert done.code == 2
    assert "exclude each other" in done.err


# For a number of workers.


def test_workers_get_a_schedule_and_an_order_that_suits_them() -> None:
    costs = {"a": 1, "b": 1, "c": 2, "d": 4}
    tasks = [{"id": id_, "write_set": [id_], "estimate": costs[id_]} for id_ in costs]
    schedule = plan_tasks(*tasks, workers=2).schedule
    assert schedule
    assert (schedule.workers, schedule.makespan) == (2, 4)
    assert [(one.slice_id, one.start, one.finish) for one in schedule.slices][:1] == [("d", 0, 4)]


def test_a_schedule_obeys_order_and_workers() -> None:
    tasks = [{"id": str(n), "write_set": [f"{n % 3}.py", f"{n}.txt"]} for n in range(9)]
    plan = plan_tasks(*tasks, workers=2)
    assert plan.schedule
    times = {one.slice_id: (one.start, one.finish) for one in plan.schedule.slices}
    for slice_ in plan.slices:
        assert all(times[one][1] <= times[slice_.slice_id][0] for one in slice_.dependencies)
    for instant in range(int(plan.schedule.makespan)):
        assert sum(start <= instant < finish for start, finish in times.values()) <= 2


def test_the_schedule_end_to_end(call: Cli, graph_file: Path) -> None:
    plan = call("plan", str(graph_file), "--workers", "2", "--json").document
    assert plan["schedule"]["workers"] == 2
    assert {one["slice_id"] for one in plan["schedule"]["slices"]} == {
        one["slice_id"] for one in plan["slices"]
    }
    text = call("plan", str(graph_file), "--workers", "2").out
    assert f"schedule of 2 workers, finished at {plan['schedule']['makespan']}:" in text
    assert "schedule" not in call("plan", str(graph_file), "--json").document


def test_less_than_one_worker_is_refused(call: Cli, graph_file: Path) -> None:
    done = call("plan", str(graph_file), "--workers", "0")
    assert done.code == 2
    assert "'--workers'" in done.err


# Shared files.


def test_shared_files_do_not_order_but_what_lies_beside_them_does() -> None:
    tasks = [
        {"id": "a", "write_set": ["CHANGELOG.md", "src/x.py"]},
        {"id": "b", "write_set": ["CHANGELOG.md", "src/x.py"]},
        {"id": "c", "write_set": ["CHANGELOG.md"]},
        {"id": "d", "write_set": ["d"], "read_set": ["CHANGELOG.md"]},
    ]
    plan = plan_tasks(*tasks, shared=["CHANGELOG.md"], order="id")
    assert [(one.serializes_after, one.path) for one in plan.overlap_serializations] == [
        ("a", "src/x.py")
    ]
    assert [(one.entry, one.slice_ids) for one in plan.shared_overlaps] == [
        ("CHANGELOG.md", ("a", "b", "c"))
    ]
    assert plan.bottlenecks[0].path == "src/x.py"


def test_shared_files_end_to_end(call: Cli, tmp_path: Path) -> None:
    tasks = [{"id": id_, "write_set": ["CHANGELOG.md", "docs/*.md"]} for id_ in "ab"]
    graph = write_graph(tmp_path / "graph.json", *tasks, shared=["CHANGELOG.md", "docs/"])
    done = call("plan", graph, "--check")
    assert done.code == 0
    assert "shared CHANGELOG.md: a, b\nshared docs/: a, b\n" in done.out
    assert call("plan", graph, "--explain", "b").out == "b · wave 0 · waits for nothing\n"


def test_a_bottleneck_is_told_in_a_sentence(call: Cli, tmp_path: Path) -> None:
    tasks = [{"id": f"t{n}", "write_set": ["CHANGELOG.md", f"src/{n}"]} for n in range(4)]
    graph = write_graph(tmp_path / "graph.json", *tasks)
    done = call("plan", graph)
    assert (
        "CHANGELOG.md alone orders 3 pairs: without it the plan takes 1 instead of 4;"
        " declare it shared if tasks only append to it\n"
    ) in done.out
    assert "takes 2 instead of 4" in call("plan", graph, "--workers", "2").out
    assert "instead of" not in call("plan", graph, "--workers", "1").out


# Drawn, and written to a file.


@pytest.mark.parametrize(
    ("name", "start"),
    [("mermaid", "flowchart LR"), ("dot", "digraph plan {"), ("svg", "<svg "),
     ("html", "<!doctype html>"), ("json", "{"), ("text", "auth-rework · ")],
)  # fmt: skip
def test_every_format_can_be_printed(call: Cli, graph_file: Path, name: str, start: str) -> None:
    done = call("plan", str(graph_file), "--format", name)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(start)


def test_a_picture_is_written_whole_to_the_file_that_is_named(
    call: Cli, graph_file: Path, tmp_path: Path
) -> None:
    page = tmp_path / "plan.html"
    page.write_text("before")
    done = call("plan", str(graph_file), "--format", "html", "-o", str(page))
    assert (done.code, done.out) == (0, f"wrote {page}\n")
    assert page.read_text() == call("plan", str(graph_file), "--format", "html").out
    assert stat.S_IMODE(page.stat().st_mode) & 0o044
    assert sorted(tmp_path.glob("*plan.html*")) == [page]


def test_json_is_printed_beside_the_file(call: Cli, graph_file: Path, tmp_path: Path) -> None:
    done = call("plan", str(graph_file), "--format", "svg", "-o", str(tmp_path / "p.svg"), "--json")
    assert done.document["goal_id"] == "auth-rework"
    assert (tmp_path / "p.svg").read_text().startswith("<svg ")


def test_a_file_that_cannot_be_written_is_named(
    call: Cli, graph_file: Path, tmp_path: Path
) -> None:
    done = call("plan", str(graph_file), "-o", str(tmp_path / "none" / "plan.txt"))
    assert done.code == 3
    assert "plan.txt" in done.err


def test_owners_of_tasks_and_their_review_come_from_a_file(cli: Cli, repo: Path) -> None:
    (repo / "OWNERS").write_text("docs/ @writers\n/web/ @ann @ben\n/web/nav.ts @ben\n[x] odd\n")
    tasks: list[dict[str, object]] = [
        {"id": "docs", "write_set": ["docs/new.md"]},
        {"id": "web", "write_set": ["web/"]},
        {"id": "own", "write_set": ["web/nav.ts"], "owner_role": "cleo"},
        {"id": "free", "write_set": ["Makefile"]},
    ]

    def plan_owned() -> tuple[dict[str, tuple[str, bool]], list[str]]:
        (repo / "graph.json").write_text(json.dumps({"version": 1, "tasks": tasks}))
        made = cli("plan", "graph.json", "--owners", "OWNERS", "--json").document
        return {
            one["slice_id"]: (one["owner_role"], "owner_review" in one["review_needs"])
            for one in made["slices"]
        }, [one["task_id"] for one in made["skipped"]]

    told, skipped = plan_owned()
    assert (told["docs"], told["own"]) == (("@writers", True), ("cleo", True))
    assert told["web"][0] in {"@ann", "@ben"}
    assert skipped == ["free"]
    # Where the graph names nobody at all, what nobody owns is for the usual one.
    del tasks[2]["owner_role"]
    told, skipped = plan_owned()
    assert (told["own"], told["free"], skipped) == (("@ben", True), ("executor", False), [])
    assert cli("plan", "graph.json", "--owners", "nothing").code == 2
