"""Limits of `run`: what takes too long, is silent, fails too often or asks for another time."""

from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.crew import RunRequest, RunStep
from gitslices.ops.run import RunReport, run
from gitslices.ops.show import show
from gitslices.ops.watch import CommandLimits
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.kills import is_alive
from tests.support.repositories import write_settings
from tests.support.slices import apply_tasks, read_status
from tests.support.workspaces import open_at

COMMIT = 'mkdir -p "$1" && echo "$1" >>"$1/file" && git add . && git commit -qm "Work on $1"'


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(workspace, *({"id": id_, "write_set": [f"{id_}/"]} for id_ in "abc"))
    return workspace


def go(workspace: Workspace, script: str, **more: object) -> tuple[RunReport, list[RunStep]]:
    steps: list[RunStep] = []
    command = ("sh", "-c", script, "sh", "{slice}")
    request = RunRequest(command=command, holder="crew", **more)  # type: ignore[arg-type]
    return run(workspace, request, steps.append), steps


def test_what_takes_too_long_is_ended_with_all_that_it_started(
    workspace: Workspace, tmp_path: Path
) -> None:
    children = tmp_path / "children"
    children.mkdir()
    script = f"test $1 = b || {{ {COMMIT}; exit; }}; sleep 60 & echo $! >{children}/one; wait"
    report, _ = go(workspace, script, limits=CommandLimits(timeout=0.5))
    assert set(report.merged) == {"a", "c"}
    (failed,) = report.failed
    assert (failed.place, failed.message) == ("b", "it took longer than 0.5 seconds")
    assert not is_alive(int((children / "one").read_text()))
    previous = show(workspace, SliceId("b"), None).previous
    assert previous is not None
    assert previous.reason == "timeout"


@pytest.mark.parametrize("ends", [False, True])
def test_silence_is_told_and_ends_the_command_where_a_setting_says_so(
    workspace: Workspace, repo: Path, tmp_path: Path, ends: bool
) -> None:
    if ends:
        write_settings(repo, '[run]\nstall = "end"\n')
        workspace = open_at(repo)
    # Files that change are no silence, nor is output.
    busy = f"for i in 1 2 3 4 5 6; do echo $i >>loud; echo $i; sleep 0.1; done; rm loud; {COMMIT}"
    script = f"test $1 = a && sleep 1; {busy}"
    report, steps = go(workspace, script, limits=CommandLimits(stall=0.4), jobs=3)
    stalled = [one.slice_id for one in steps if one.stage == "stalled"]
    if ends:
        assert [one.message for one in report.failed] == [
            "no output and no changed file for 0.4 seconds"
        ]
        assert (sorted(report.merged), stalled) == (["b", "c"], [])
    else:
        assert (sorted(report.merged), stalled) == (["a", "b", "c"], ["a"])
        assert "going on" in [one.stage for one in steps if one.slice_id == "a"]


def test_a_slice_is_tried_again_later_and_later(workspace: Workspace, tmp_path: Path) -> None:
    times = tmp_path / "times"
    script = f"test $1 = a || {{ {COMMIT}; exit; }}; date +%s.%N >>{times}; exit 3"
    report, _ = go(workspace, script, retries=2, backoff=0.4, jobs=1)
    first, second, third = map(float, times.read_text().split())
    assert second - first >= 0.4
    assert third - second >= 0.8
    assert sorted(report.merged) == ["b", "c"]


def test_after_too_many_failures_nothing_more_is_begun(workspace: Workspace) -> None:
    report, steps = go(workspace, "exit 1", max_failures=2, jobs=1)
    assert len(report.failed) == 2
    (left,) = report.left
    assert left.message == "ready, but not begun: 2 slices have failed (--max-failures)"
    assert {one.slice_id for one in steps} == {one.place for one in report.failed}


def test_not_now_is_no_failure_and_pauses_the_command(workspace: Workspace, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    pause = (
        f"test -e {seen} || {{ touch {seen}; echo retry_after=0.5 >$GITSLICES_REPORT; exit 75; }}"
    )
    report, steps = go(workspace, f"{pause}; {COMMIT}", jobs=1)
    assert sorted(report.merged) == ["a", "b", "c"]
    (paused,) = [one for one in steps if one.stage == "paused"]
    assert paused.reason == "not now, again in 0.5 seconds"
    assert [one.attempt for one in steps if one.stage == "merged"] == [1, 1, 1]


def test_what_commands_report_is_summed_up_noted_and_limited(workspace: Workspace) -> None:
    lines = r"cost=0.4\ntokens=100\nnote=half done\nodd\ncost=none\ncost=0.2"
    script = f"printf '{lines}' >$GITSLICES_REPORT; {COMMIT}"
    report, _ = go(workspace, script, budget=1, jobs=1)
    assert (len(report.merged), report.tokens) == (2, 200)
    assert report.cost == pytest.approx(1.2)
    assert report.left[0].message == "ready, but not begun: 1.2 of 1 are spent (--budget)"
    with workspace.open_store() as store:
        events = store.read_events(slice_id=report.merged[0])
    kept = {one.event: one.detail for one in events}
    assert kept["reported"] == {"attempt": 1, "cost": pytest.approx(0.6), "tokens": 100}
    assert kept["note"] == {"message": "half done"}
    assert read_status(workspace, report.left[0].place) == "provisioned"


def test_a_status_of_waiting_is_told(workspace: Workspace) -> None:
    script = (
        f"test $1 = a || {{ {COMMIT}; exit; }}; echo 'status=waiting for a key' >$GITSLICES_REPORT;"
        f" sleep 1.5; echo status=working >>$GITSLICES_REPORT; sleep 1.5; {COMMIT}"
    )
    report, steps = go(workspace, script, jobs=3, limits=CommandLimits(timeout=600, stall=2))
    told = [(one.stage, one.reason) for one in steps if one.slice_id == "a"]
    assert ("waiting", "waiting for a key") in told
    assert ("going on", "") in told
    assert sorted(report.merged) == ["a", "b", "c"]


def test_limits_come_from_the_command_line(cli: Cli, workspace: Workspace) -> None:
    done = cli(
        "run", "--jobs", "1", "--timeout", "1s", "--stall", "30s", "--backoff", "1s",
        "--max-failures", "1", "--budget", "2.5", "--", "sleep", "30",
    )  # fmt: skip
    assert done.code == 1
    assert "it took longer than 1 seconds" in done.out
    assert done.out.count("ready, but not begun: 1 slice has failed") == 2
    assert cli("run", "--budget", "nan", "--", "true").code == 2
    assert cli("run", "--timeout", "soon", "--", "true").code == 2
