"""The log is kept within bounds, and a long one is read page by page."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gitslices.core.errors import InputError
from gitslices.core.model import SliceId
from gitslices.ops.log import LogRequest, open_log, read_log
from gitslices.ops.removal import RemoveRequest, remove
from gitslices.ops.upkeep import empty_trash, is_log_long, read_log_bounds
from gitslices.state.event_log import compact_store, trim_events
from gitslices.state.store import STORE_NAME, Event, write_event_condition
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import git
from tests.support.slices import Desk

START = datetime(2025, 1, 1)


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    return desk


def fill(workspace: Workspace, number: int, *, kind: str = "claimed", first: int = 0) -> None:
    events = [
        Event(
            at=f"{START + timedelta(minutes=first + one):%Y-%m-%dT%H:%M:%SZ}",
            goal_id="default",
            slice_id=SliceId(f"t{one % 7}"),
            event=kind,
            detail={"number": first + one},
        )
        for one in range(number)
    ]
    with workspace.open_store() as store, store.transaction():
        store.write_events(events)


def read_numbers(workspace: Workspace, **asked: object) -> list[int]:
    report = read_log(workspace, LogRequest(**asked))  # type: ignore[arg-type]
    return [one.detail["number"] for one in report.events if "number" in one.detail]


@pytest.mark.parametrize("number", [0, 1, 999, 1_000, 1_001, 2_500])
def test_pages_leave_nothing_out_and_repeat_nothing(desk: Desk, number: int) -> None:
    fill(desk.workspace, number)
    assert read_numbers(desk.workspace) == list(range(number))
    of_one = [one for one in range(number) if one % 7 == 3]
    assert (
        read_numbers(desk.workspace, slice_id="t3" if of_one else None)[-5:]
        == (of_one or list(range(number)))[-5:]
    )
    assert read_numbers(desk.workspace, last=7) == list(range(number))[-7:]
    assert len(read_log(desk.workspace, LogRequest(last=1_500)).events) <= 1_500  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("goal_id", "slice_id"), [("default", "t3"), (None, "t3"), ("default", None), (None, None)]
)
def test_whoever_asks_about_a_slice_reads_its_events_alone(
    desk: Desk, goal_id: str | None, slice_id: str | None
) -> None:
    fill(desk.workspace, 50)
    condition = write_event_condition(goal_id, slice_id)
    with desk.workspace.open_store() as store:
        found = [one.detail["number"] for one in store.read_events(goal_id, slice_id, last=5)]
        (step, *_) = store.query(
            f"EXPLAIN QUERY PLAN SELECT * FROM events "  # noqa: S608
            f"WHERE event_id > ?3 AND {condition} "
            "ORDER BY event_id LIMIT 5",
            (goal_id, slice_id, 0),
        )
    assert found == ([17, 24, 31, 38, 45] if slice_id else [45, 46, 47, 48, 49])
    assert ("events_by_slice" in step[-1]) == (slice_id is not None)


def test_what_comes_while_one_reads_does_no_harm(desk: Desk) -> None:
    fill(desk.workspace, 1_500)
    seen = []
    for event in open_log(desk.workspace, LogRequest()).events:
        seen.append(event.detail.get("number"))
        if event.detail.get("number") == 10:
            fill(desk.workspace, 1, first=1_500)
    assert [one for one in seen if one is not None] == list(range(1_501))


def test_the_document_is_the_same_as_if_it_was_made_at_once(desk: Desk, cli: Cli) -> None:
    fill(desk.workspace, 3)
    said = cli("log", "--json").out
    assert said == f"{json.dumps(json.loads(said), indent=2)}\n"
    assert len(json.loads(said)["events"]) == len(cli("log").out.splitlines()) > 3
    none = cli("log", "--goal", "default", "a", "--json")
    assert json.loads(none.out)["events"]


def test_before_anything_has_happened_the_document_is_whole(repo: Path, cli: Cli) -> None:
    assert cli("log", "--json").document["events"] == []
    assert repo.is_dir()


def test_a_long_log_needs_little_memory(desk: Desk) -> None:
    fill(desk.workspace, 150_000)
    for argv in (["log"], ["log", "--json"]):
        code = (
            "import pathlib, runpy, sys; sys.argv = ['gitslices', *sys.argv[1:]]\n"
            "try: runpy.run_module('gitslices', run_name='__main__')\n"
            "finally: print(pathlib.Path('/proc/self/status').read_text(), file=sys.stderr)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code, *argv], cwd=desk.repo, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, check=True,
        )  # fmt: skip
        words = ended.stderr.split()
        assert int(words[words.index(b"VmHWM:") + 1]) < 60_000  # KiB


def test_the_oldest_go_by_number(desk: Desk) -> None:
    fill(desk.workspace, 3_300)
    git(desk.repo, "config", "gitslices.logEvents", "2500")
    workspace = Desk(desk.repo).workspace
    empty_trash(workspace)
    assert read_numbers(workspace) == list(range(800, 3_300))


def test_what_is_looked_up_later_stays(desk: Desk) -> None:
    fill(desk.workspace, 2, kind="merged")
    fill(desk.workspace, 2, kind="scope-allowed", first=2)
    fill(desk.workspace, 500, first=4)
    with desk.workspace.open_store() as store:
        trim_events(store, keep=100, before="2020-01-01T00:00:00Z", least=10)
    assert read_numbers(desk.workspace) == [0, 1, 2, 3, *range(404, 504)]


def test_a_clock_that_is_years_ahead_takes_none_of_the_newest(desk: Desk) -> None:
    fill(desk.workspace, 12_000)
    desk.clock.advance(3650 * 86_400)
    empty_trash(desk.workspace)
    assert read_numbers(desk.workspace) == list(range(2_000, 12_000))


def test_a_removal_has_a_long_log_trimmed_without_waiting(desk: Desk) -> None:
    git(desk.repo, "config", "gitslices.logEvents", "1000")
    workspace = Desk(desk.repo).workspace
    with workspace.open_store() as store:
        assert not is_log_long(workspace, store)
        fill(workspace, 1_200)
        assert is_log_long(workspace, store)


def test_the_file_shrinks_when_most_of_it_is_free(desk: Desk) -> None:
    path = desk.workspace.state_folder / STORE_NAME
    fill(desk.workspace, 150_000)
    with desk.workspace.open_store() as store:
        trim_events(store, keep=100, before="2020-01-01T00:00:00Z", least=10)
        store.query("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.stat().st_size
        assert compact_store(store)
        store.query("PRAGMA wal_checkpoint(TRUNCATE)")
        assert path.stat().st_size < before / 10
        assert not compact_store(store)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1e3", "9" * 30, ""])
def test_a_bound_that_is_no_number_stops_no_removal_and_is_told(
    desk: Desk, cli: Cli, value: str
) -> None:
    git(desk.repo, "config", "gitslices.logEvents", value)
    workspace = Desk(desk.repo).workspace
    with pytest.raises(InputError, match=r"gitslices\.logEvents is"):
        read_log_bounds(workspace)
    assert remove(workspace, RemoveRequest(slice_id=SliceId("a"))).slice_id == "a"
    assert "gitslices.logEvents is" in cli("doctor").out
