"""What a killed `gitslices run` has left at work is ended before anything else works there."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.errors import BusyError
from gitslices.system.left_workers import VARIABLE, mark_worker
from tests.support.commands import Cli
from tests.support.kills import is_alive
from tests.support.slices import apply_tasks
from tests.support.workspaces import open_at

SLEEP = "echo $$ > $PIDS/$$; exec sleep 1000"
CLOSE = (
    "import os, time; os.closerange(3, 99); "
    'os.mkdir(os.environ["PIDS"] + f"/{os.getpid()}"); time.sleep(1000)'
)
LEFT = {
    "plain": SLEEP,
    "deaf": 'trap "" TERM; echo $$ > $PIDS/$$; while :; do sleep 1; done',
    "closes-files": f"exec {sys.executable} -c '{CLOSE}'",
    "own-session": f"setsid sh -c '{SLEEP}' & {SLEEP}",
    "no-variables": f"env -u {VARIABLE} sh -c '{SLEEP}' & {SLEEP}",
    "child": f"sh -c '{SLEEP}' & wait",
}


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.fixture
def pids(tmp_path: Path) -> Path:
    folder = tmp_path / "pids"
    folder.mkdir()
    return folder


def kill_run(repo: Path, pids: Path, script: str, count: int) -> list[int]:
    """Start a run, kill it alone once its command is at work, and return what it has left."""
    argv = [sys.executable, "-m", "gitslices", "run", "--", "sh", "-c", script]
    environ = {**os.environ, "PIDS": str(pids)}
    with subprocess.Popen(argv, cwd=repo, env=environ, stderr=subprocess.DEVNULL) as running:
        wait_for(lambda: len(list(pids.iterdir())) >= count)
        running.kill()
    left = [int(path.name) for path in pids.iterdir()]
    assert all(is_alive(one) for one in left)
    return left


def end(processes: list[int]) -> None:
    for one in processes:
        if is_alive(one):
            os.kill(one, signal.SIGKILL)


@pytest.mark.parametrize("script", LEFT.values(), ids=LEFT)
def test_the_next_run_ends_it_first(repo: Path, cli: Cli, pids: Path, script: str) -> None:
    apply_tasks(open_at(repo), {"id": "a", "write_set": ["a"]})
    left = kill_run(repo, pids, script, max(1, script.count("$PIDS")))
    try:
        assert cli("release", "a", "--force").code == 0
        # What has ended stays a zombie where nobody asks how: it has no command line.
        commands = " ".join(f"/proc/{one}/cmdline" for one in left)
        alive = f"cat {commands} 2> /dev/null | grep -q ."
        work = f"{alive} && exit 3; echo x > a; git add a; git commit -qm a"
        done = cli("run", "--", "sh", "-c", work)
        assert (done.out, done.code) == ("merged a\nall slices are merged\n", 0), done
        assert not any(is_alive(one) for one in left)
    finally:
        end(left)


def test_what_a_command_leaves_in_the_background_by_itself_stays(
    repo: Path, cli: Cli, pids: Path
) -> None:
    apply_tasks(open_at(repo), {"id": "a", "write_set": ["a"]})
    serve = f"setsid sh -c 'echo $$ > {pids}/$$; exec sleep 1000' > /dev/null 2>&1 &"
    wait = f"while ! ls {pids}/* > /dev/null 2>&1; do sleep 0.02; done"
    assert cli("run", "--", "sh", "-c", f"{serve} {wait}; exit 3").code == 1
    (server,) = [int(path.name) for path in pids.iterdir()]
    try:
        done = cli("run", "--", "sh", "-c", "echo x > a; git add a; git commit -qm a")
        assert done.code == 0
        assert is_alive(server)
    finally:
        end([server])


def test_nothing_is_left_of_the_marks(repo: Path, cli: Cli) -> None:
    apply_tasks(open_at(repo), {"id": "a", "write_set": ["a"]})
    cli("run", "--", "sh", "-c", "exit 3")
    assert list((repo / ".git" / "gitslices" / "logs").rglob("worker-*")) == []


def test_what_cannot_be_ended_stops_the_next_command(tmp_path: Path) -> None:
    with mark_worker(tmp_path), pytest.raises(BusyError), mark_worker(tmp_path, grace=0.05):
        raise AssertionError("another works there already")


def test_a_mark_without_a_process_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / "worker-0123.lock").touch()
    with mark_worker(tmp_path) as worker:
        assert [path.name for path in tmp_path.iterdir()] == [f"worker-{worker.name}.lock"]
