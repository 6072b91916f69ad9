"""Set-up commands: run in new worktrees, once each, and only when they are approved."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from msgspec import structs

from gitslices.core.errors import DiskError
from gitslices.core.model import SliceId
from gitslices.provisioning.wanted import FIRST_PORT, PORTS, choose_ports
from gitslices.repo_commands.setup import SetupReport, SetupRequest, set_up
from gitslices.repo_commands.trust import approve, require_trust
from gitslices.slices.environment import make_plain_name, make_slice_environment
from gitslices.system.settings import SettingsError
from gitslices.system.shell import Ended, open_shell
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import git, write_settings
from tests.support.slices import apply_tasks, path_beside, read_record
from tests.support.workspaces import open_at

TASKS = [{"id": id_, "write_set": [id_]} for id_ in "ab"]
REQUEST = SetupRequest(goal_id="default", jobs=2)


@pytest.fixture
def workspace(repo: Path, tmp_path: Path) -> Workspace:
    return open_at(repo, environ={"XDG_STATE_HOME": str(tmp_path / "state")})


def want(repo: Path, *commands: str, timeout: float = 60) -> None:
    listed = ", ".join(f"'''{command}'''" for command in commands)
    write_settings(repo, f"[setup]\ncommands = [{listed}]\ntimeout = {timeout}\n")


def provision(workspace: Workspace, folder: Path, *commands: str, timeout: float = 60) -> None:
    assert workspace.main_worktree is not None
    want(workspace.main_worktree, *commands, timeout=timeout)
    approve(workspace, commands)
    apply_tasks(workspace, *TASKS)


def test_approved_commands_run_in_order_in_each_new_worktree_once(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    provision(workspace, tmp_path, "echo one >> ran", 'echo "two $(pwd)" >> ran')
    assert set_up(workspace, REQUEST).ready == ("a", "b")
    for id_ in "ab":
        assert (
            path_beside(repo, id_) / "ran"
        ).read_text() == f"one\ntwo {path_beside(repo, id_)}\n"
    assert set_up(workspace, REQUEST) == SetupReport()


def test_a_worktree_made_before_there_was_a_set_up_does_not_need_it(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    apply_tasks(workspace, TASKS[0])
    provision(workspace, tmp_path, "echo >> ran")
    assert set_up(workspace, REQUEST).ready == ("b",)


def test_unapproved_commands_do_not_run_and_can_be_made_up_for(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    want(repo, "echo >> ran")
    apply_tasks(workspace, *TASKS)
    report = set_up(workspace, REQUEST)
    assert (report.unready, report.unapproved) == (("a", "b"), ("echo >> ran",))
    (warning,) = report.warnings
    assert warning == (
        "set-up was not run in a, b: 1 command is not approved; see and approve with: "
        "gitslices trust, then run gitslices plan --apply again"
    )
    assert not (path_beside(repo, "a") / "ran").exists()
    assert set_up(workspace, REQUEST, lambda texts: texts == ("echo >> ran",)).ready == ("a", "b")
    assert require_trust(workspace, ["echo >> ran"]) == ()


def test_a_failing_command_stops_its_own_worktree_and_is_tried_again(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    failing = "echo no such file; test $GITSLICES_SLICE = b || test -e fixed"
    provision(workspace, tmp_path, failing, "echo >> ran")
    report = set_up(workspace, REQUEST)
    log = repo / ".git/gitslices/logs/default--a/setup.log"
    assert (report.ready, report.unready) == (("b",), ("a",))
    assert report.warnings[0] == (
        f"a: set-up command {failing!r} failed (1): no such file (see {log})"
    )
    assert not (path_beside(repo, "a") / "ran").exists()
    (path_beside(repo, "a") / "fixed").write_text("")
    assert set_up(workspace, REQUEST).ready == ("a",)
    assert log.read_text() == "no such file\n" * 2


def test_a_command_that_takes_too_long_is_ended_with_its_children(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    provision(workspace, tmp_path, "sleep 600 & echo $! > child; wait", timeout=1)
    report = set_up(workspace, REQUEST)
    assert report.unready == ("a", "b")
    assert "took over 1 s" in report.warnings[0]
    child = int((path_beside(repo, "a") / "child").read_text())
    assert not is_alive(child)


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_interruption_ends_what_is_running_and_starts_no_more(tmp_path: Path) -> None:
    ended: list[Ended] = []

    def run() -> None:
        ended.append(shell.run("echo $$ > started; exec sleep 600", cwd=tmp_path,
                               environ=os.environ, timeout=600, log=tmp_path / "log"))  # fmt: skip

    os.mkfifo(tmp_path / "started")
    thread = threading.Thread(target=run)
    with pytest.raises(KeyboardInterrupt), open_shell() as shell:  # noqa: PT012
        thread.start()
        process = int((tmp_path / "started").read_text())
        raise KeyboardInterrupt
    thread.join()
    assert not is_alive(process)
    assert ended[0].status == -signal.SIGTERM
    later = shell.run("true", cwd=tmp_path, environ=os.environ, timeout=1, log=tmp_path / "log")
    assert later.status is None


def test_a_worktree_that_is_gone_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with open_shell() as shell, pytest.raises(DiskError, match="cannot run 'true'"):
        shell.run("true", cwd=tmp_path / "gone", environ={}, timeout=1, log=tmp_path / "log")


def test_wrong_settings_stop_an_apply_before_it_changes_anything(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    write_settings(repo, "[setup]\ncommand = 'x'\n")
    with pytest.raises(SettingsError):
        apply_tasks(workspace, *TASKS)
    assert git(repo, "for-each-ref", "--format=%(refname:short)") == "main"


def test_every_slice_has_values_of_its_own(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    apply_tasks(workspace, *TASKS)
    one, two = read_record(workspace, "a"), read_record(workspace, "b")
    assert one.port != two.port
    given = make_slice_environment(workspace, one)
    assert {name: value for name, value in given.items() if name not in workspace.environ} == {
        "GITSLICES_SLICE": "a",
        "GITSLICES_GOAL": "default",
        "GITSLICES_BRANCH": "slices/default/a",
        "GITSLICES_WORKTREE": str(path_beside(repo, "a")),
        "GITSLICES_PORT": str(one.port),
        "GITSLICES_PORT_0": str(one.port),
        "GITSLICES_NAME": make_plain_name(workspace.repo.common_dir, one),
    }
    apply_tasks(workspace, *TASKS)
    assert read_record(workspace, "a").port == one.port


def test_a_name_is_plain_stable_and_nobody_elses(workspace: Workspace, tmp_path: Path) -> None:
    apply_tasks(workspace, *TASKS)
    one, two = read_record(workspace, "a"), read_record(workspace, "b")
    here, there = workspace.repo.common_dir, tmp_path / "other" / ".git"
    odd = structs.replace(one, goal_id="Größe/9", slice_id=SliceId("--" + "x-1" * 40))
    moved = structs.replace(one, worktree_path="/elsewhere")
    names = [make_plain_name(here, each) for each in (one, two, odd)]
    names.append(make_plain_name(there, one))
    assert all(re.fullmatch("[a-z][a-z0-9]{1,29}", name) for name in names), names
    assert len(set(names)) == 4
    assert names[0].startswith("sdefaulta")
    assert make_plain_name(here, moved) == names[0]


def test_a_port_is_stable_free_and_nobody_elses() -> None:
    import socket

    (port,) = choose_ports(["a"], [])
    assert choose_ports(["a"], []) == (port,)
    assert FIRST_PORT <= port < FIRST_PORT + PORTS
    first, second = choose_ports(["a", "a"], [])
    assert (first, second) == (port, *choose_ports(["a"], [port]))
    with socket.create_server(("", port)):
        assert choose_ports(["a"], []) == (second,)
    assert choose_ports(["a"], range(FIRST_PORT, FIRST_PORT + PORTS)) == (0,)


def test_apply_sets_up_and_says_so(cli: Cli, repo: Path, tmp_path: Path) -> None:
    want(repo, "true")
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    graph = write_graph(tmp_path / "g.json", *TASKS)
    refused = cli("plan", graph, "--apply", "--json", env=env)
    assert refused.code == 0
    assert refused.document["setup"]["unapproved"] == ["true"]
    assert cli("trust", "--yes", env=env).code == 0
    assert "\nset up: a, b\n" in cli("plan", graph, "--apply", env=env).out


def test_a_claim_warns_of_a_set_up_that_was_not_run_or_has_failed(
    cli: Cli, repo: Path, tmp_path: Path
) -> None:
    want(repo, "test -e /nowhere || test -e fixed")
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    apply = ("plan", write_graph(tmp_path / "g.json", *TASKS), "--apply")
    cli(*apply, env=env)
    remedy = "; make up for it with: gitslices plan --apply"
    skipped = cli("claim", "a", "--json", env=env).document["warnings"]
    assert skipped == [f"its set-up has not been run{remedy}"]
    cli("release", "a", "--force")
    cli("trust", "--yes", env=env)
    cli(*apply, env=env)
    log = repo / ".git/gitslices/logs/default--a/setup.log"
    failed = cli("claim", "a", env=env).out
    assert f"  warning     its set-up has failed, or is not over (see {log}){remedy}\n" in failed
    cli("release", "a", "--force")
    (path_beside(repo, "a") / "fixed").write_text("")
    cli(*apply, env=env)
    assert "warnings" not in cli("claim", "a", "--json", env=env).document


@pytest.mark.parametrize(("answer", "set_up"), [("y\n", True), ("n\n", False)])
def test_on_a_terminal_apply_asks(repo: Path, tmp_path: Path, answer: str, set_up: bool) -> None:
    want(repo, "echo >> ran")
    graph = write_graph(tmp_path / "g.json", *TASKS)
    person, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gitslices", "plan", graph, "--apply"],
        cwd=repo, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
    )  # fmt: skip
    os.close(terminal)
    seen = ""
    while "Approve?" not in seen:
        seen += os.read(person, 1024).decode()
    os.write(person, answer.encode())
    out, _ = process.communicate()
    os.close(person)
    assert process.returncode == 0
    assert "1 command of this repository would run with full rights:\r\n  echo >> ran\r\n" in seen
    assert (b"set up: a, b" in out) is set_up
    assert (path_beside(repo, "a") / "ran").exists() is set_up
