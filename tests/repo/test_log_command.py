"""`gitslices log`: events in order, cut to a slice, a goal or the last few."""

from pathlib import Path

import pytest

from gitslices.core.errors import InputError, UnknownSliceError
from gitslices.ops.log import LogReport, LogRequest, read_log
from gitslices.output.text.evidence import format_log
from gitslices.state.store import Event
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.workspaces import open_at


@pytest.fixture
def workspace(cli: Cli, repo: Path, tmp_path: Path) -> Workspace:
    """Two goals applied, a slice of the first removed."""
    for goal in ("one", "two"):
        task = {"id": f"{goal}-a", "write_set": [goal]}
        cli("plan", write_graph(tmp_path / "g.json", task, goal_id=goal), "--apply")
    assert cli("remove", "one-a", "--goal", "one").code == 0
    return open_at(repo)


def names(report: LogReport) -> list[tuple[str, str | None, str]]:
    return [(event.goal_id, event.slice_id, event.event) for event in report.events]


def test_the_log_tells_everything_newest_last_and_can_be_cut(workspace: Workspace) -> None:
    assert names(read_log(workspace, LogRequest())) == [
        ("one", None, "planned"), ("one", "one-a", "provisioned"),
        ("two", None, "planned"), ("two", "two-a", "provisioned"),
        ("one", "one-a", "removed"),
    ]  # fmt: skip
    of_slice = names(read_log(workspace, LogRequest(slice_id="one-a")))
    assert [event for _, _, event in of_slice] == ["provisioned", "removed"]
    of_goal = names(read_log(workspace, LogRequest(goal_id="two")))
    assert [event for _, _, event in of_goal] == ["planned", "provisioned"]
    assert names(read_log(workspace, LogRequest(last=1))) == [("one", "one-a", "removed")]


def test_what_no_plan_has_is_refused_with_the_nearest(workspace: Workspace) -> None:
    with pytest.raises(UnknownSliceError) as caught:
        read_log(workspace, LogRequest(slice_id="oen-a"))
    assert caught.value.hint == "the nearest is 'one-a'"
    with pytest.raises(InputError, match="there is no goal 'three'"):
        read_log(workspace, LogRequest(goal_id="three"))


def test_the_document_has_the_events_and_the_text_one_line_each(
    cli: Cli, workspace: Workspace
) -> None:
    (event,) = cli("log", "-n", "1", "--json").document["events"]
    assert sorted(event) == ["at", "detail", "event", "goal_id", "slice_id"]
    assert event["detail"]["branch"] == "slices/one/one-a"
    (line,) = cli("log", "-n", "1").out.splitlines()
    assert line.split()[1:3] == ["one/one-a", "removed"]
    assert cli("log", "-n", "0").code == 2


def test_a_detail_cannot_act_on_the_terminal_and_object_ids_are_short() -> None:
    event = Event(
        at="2026-01-01T00:00:00Z", goal_id="g", slice_id=None, event="claimed",
        detail={"holder": "a\x1b[31mgent", "tip": "a1" * 20, "token": 7},
    )  # fmt: skip
    (line,) = format_log(LogReport(events=(event,), subjects=(("g", None),)))
    when, what, details = line.split("  ", 2)
    assert (when, what) == ("2026-01-01T00:00:00Z", "g")
    assert details == "claimed  holder=a\\x1b[31mgent tip=a1a1a1a1a1 token=7\n"


def test_before_any_plan_nothing_has_happened(cli: Cli) -> None:
    assert cli("log").out == "nothing has happened yet\n"
