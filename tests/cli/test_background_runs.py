"""`run --detach`, `--status` and `--stop`: a run that works on alone, seen and ended by others."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitslices.state.leases import read_open_leases
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.kills import is_alive
from tests.support.slices import apply_tasks, read_status
from tests.support.workspaces import open_at

COMMIT = 'mkdir -p "$1" && echo "$1" >>"$1/file" && git add . && git commit -qm "Work on $1"'


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(workspace, *({"id": id_, "write_set": [f"{id_}/"]} for id_ in "abc"))
    return workspace


@pytest.fixture
def start(cli: Cli, workspace: Workspace) -> Callable[..., Any]:
    def start(script: str, *options: str) -> Any:
        command = ("sh", "-c", script, "sh", "{slice}")
        done = cli("run", "--detach", "--json", *options, "--", *command)
        assert done.code == 0, done.err
        return done.document

    return start


def wait_for(cli: Cli, is_so: Callable[[Any], bool]) -> Any:
    """The newest run, once something is so of it."""
    give_up = time.monotonic() + 120
    while not is_so(newest := cli("run", "--status", "--json").document["runs"][0]):
        assert time.monotonic() < give_up, newest
    return newest


def read_log(run: Any) -> str:
    return Path(run["log"]).read_text()


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < give_up


def test_it_works_alone_and_a_second_run_takes_part(
    cli: Cli, repo: Path, workspace: Workspace, start: Callable[..., Any], tmp_path: Path
) -> None:
    hold = f"touch {tmp_path}/$1; until test -e {tmp_path}/go; do sleep 0.05; done; {COMMIT}"
    begun = start(hold, "--jobs", "1", "--holder", "one")
    first = wait_for(cli, lambda one: one["slices"])
    assert (first["run_id"], first["process"]) == (begun["run_id"], begun["process"])
    assert (first["state"], first["holder"], first["jobs"]) == ("running", "one", 1)
    (at_work,) = first["slices"]
    assert at_work["stage"] == "started"
    wait_until((tmp_path / at_work["slice_id"]).exists)
    shown = cli("run", "--status").out
    assert f"\n  default/{at_work['slice_id']}: started\n" in shown
    script = f"touch {tmp_path}/go; {COMMIT}"
    second = cli("run", "--jobs", "1", "--json", "--", "sh", "-c", script, "sh", "{slice}")
    assert second.code == 0
    assert at_work["slice_id"] not in second.document["merged"]
    over = wait_for(cli, lambda one: one["run_id"] != first["run_id"] and one["state"] == "ended")
    assert over["ended_at"] is not None
    assert [(repo / id_ / "file").read_text() for id_ in "abc"] == ["a\n", "b\n", "c\n"]


def test_a_run_that_is_stopped_lets_its_commands_end_and_begins_no_more(
    cli: Cli, workspace: Workspace, start: Callable[..., Any], tmp_path: Path
) -> None:
    start(f"until test -e {tmp_path}/go; do sleep 0.05; done; {COMMIT}", "--jobs", "1")
    wait_for(cli, lambda one: one["slices"])
    done = cli("run", "--stop", "--json")
    assert [one["state"] for one in done.document["runs"]] == ["stopping"]
    (tmp_path / "go").touch()
    ended = wait_for(cli, lambda one: one["state"] == "ended")
    assert [one["stage"] for one in ended["slices"]] == ["merged"]
    wait_until(lambda: read_log(ended).count("not begun: the run was stopped (--stop)\n") == 2)
    refused = cli("run", "--stop")
    assert (refused.code, refused.err) == (
        1, "error: no run is at work here\nhint: see: gitslices run --status\n",
    )  # fmt: skip


def test_now_ends_its_commands_and_gives_the_slices_back(
    cli: Cli, workspace: Workspace, start: Callable[..., Any], tmp_path: Path
) -> None:
    start(f"echo $$ >{tmp_path}/new && mv {tmp_path}/new {tmp_path}/$1; exec sleep 1000")
    wait_until((tmp_path / "a").exists)
    worker = int((tmp_path / "a").read_text())
    done = cli("run", "--stop", "--now", "--json")
    assert [one["state"] for one in done.document["runs"]] == ["ended"]
    assert not is_alive(worker)
    with workspace.open_store() as store:
        assert read_open_leases(store) == ()
    assert read_status(workspace, "a") == "provisioned"


def test_a_run_that_was_killed_is_told(
    cli: Cli, workspace: Workspace, start: Callable[..., Any], tmp_path: Path
) -> None:
    begun = start(f"touch {tmp_path}/$1; exec sleep 5", "--jobs", "1")
    wait_for(cli, lambda one: one["slices"])
    os.kill(begun["process"], signal.SIGKILL)
    wait_for(cli, lambda one: one["state"] == "killed")
    assert f"{begun['run_id']}: killed, " in cli("run", "--status").out


def test_a_run_that_cannot_begin_says_why(cli: Cli, workspace: Workspace) -> None:
    done = cli("run", "--detach", "--", "./none.sh")
    assert done.code == 1
    assert "the run has not begun: there is no program './none.sh'" in done.err
    for args in (("--stop", "--", "true"), ("--now", "--", "true"), ("--status", "--stop"), ()):
        assert cli("run", *args).code == 2
