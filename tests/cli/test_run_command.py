"""`gitslices run` and `status --watch`: a whole goal worked by a command, and followed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gitslices.ops.crew import RunRequest, RunStep
from gitslices.ops.run import RunReport, run
from gitslices.repo_commands.trust import approve
from gitslices.system.settings import load_settings
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import apply_tasks, read_status, slice_path, take
from tests.support.workspaces import open_at

COMMIT = 'mkdir -p "$1" && echo "$1" > "$1/file" && git add . && git commit -qm "Work on $1"'


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["a/"]},
        {"id": "b", "write_set": ["b/"], "dependencies": ["a"]},
        {"id": "c", "write_set": ["c/"]},
    )
    return workspace


def sh(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script, "sh", "{slice}")


def go(workspace: Workspace, script: str, **more: int) -> tuple[RunReport, list[RunStep]]:
    steps: list[RunStep] = []
    request = RunRequest(command=sh(script), holder="crew", **more)  # type: ignore[arg-type]
    return run(workspace, request, steps.append), steps


def test_everything_is_worked_in_order_and_merged(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    done = cli("run", "--jobs", "2", "--", *sh(f"test $1 != b || test -e a/file && {COMMIT}"))
    assert done.code == 0, done.out + done.err
    lines = done.out.splitlines()
    assert sorted(lines[:3]) == ["merged a", "merged b", "merged c"]
    assert lines[3:] == ["all slices are merged"]
    assert sorted(done.err.splitlines()) == sorted(
        f"{id_}: {stage}" for id_ in "abc" for stage in ("started", "merged")
    )
    assert [(repo / id_ / "file").read_text() for id_ in "abc"] == ["a\n", "b\n", "c\n"]
    assert git(repo, "status", "--porcelain") == ""
    assert cli("run", "--", "true").out == "all slices are merged\n"


def test_a_command_that_waits_for_a_person_is_told(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitslices.ops.watch._LOOK", 0.05)
    note = f"{sys.executable} -m gitslices note $1"
    script = (
        f"if test $1 = a; then {note} --waiting go?; "
        f"until test -e {tmp_path}/asked; do :; done; {note} --going-on; "
        f"until test -e {tmp_path}/gone; do :; done; fi; {COMMIT}"
    )
    steps: list[tuple[str, str]] = []

    def on_step(step: RunStep) -> None:
        if step.slice_id == "a":
            steps.append((step.stage, step.reason))
            marks = {"waiting": "asked", "going on": "gone"}
            (tmp_path / marks.get(step.stage, "other")).touch()

    report = run(workspace, RunRequest(command=sh(script), holder="crew"), on_step)
    assert report.failed == ()
    assert steps == [("started", ""), ("waiting", "go?"), ("going on", ""), ("merged", "")]


def test_what_fails_is_given_back_and_what_waits_for_it_is_left(
    cli: Cli, workspace: Workspace
) -> None:
    done = cli("run", "--json", "--", *sh(f"test $1 != a || {{ echo sorry; exit 3; }}; {COMMIT}"))
    assert done.code == 1
    assert done.document["merged"] == ["c"]
    (failed,) = done.document["failed"]
    assert (failed["place"], failed["message"]) == ("a", "exit status 3: sorry")
    assert [one["place"] for one in done.document["left"]] == ["b"]
    assert read_status(workspace, "a") == "provisioned"


def test_a_failed_slice_is_tried_again_with_its_work(workspace: Workspace) -> None:
    script = (
        f"test -e a/file || test $1 != a || {{ {COMMIT}; exit 1; }}; test -e $1 || {{ {COMMIT}; }}"
    )
    report, steps = go(workspace, script, retries=1)
    assert sorted(report.merged) == ["a", "b", "c"]
    assert [(one.stage, one.attempt) for one in steps if one.slice_id == "a"] == [
        ("started", 1), ("failed", 1), ("started", 2), ("merged", 2),
    ]  # fmt: skip


def test_a_change_outside_the_scope_is_a_failure(repo: Path, workspace: Workspace) -> None:
    report, _ = go(workspace, f"echo x > Makefile; {COMMIT}")
    assert report.merged == ()
    assert all("outside the write scope: Makefile" in one.message for one in report.failed)
    assert read_status(workspace, "a") == "provisioned"
    assert git(repo, "status", "--porcelain") == ""


def test_a_program_that_no_worktree_has_is_refused_before_any_claim(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    (repo / "agent.sh").write_text("#!/bin/sh\ngit commit -q --allow-empty -m Work\n")
    (repo / "agent.sh").chmod(0o755)
    refused = cli("run", "--", "./agent.sh")
    assert refused.code == 2
    assert refused.err == (
        "error: there is no program './agent.sh' in the worktrees of the slices, "
        "where it is looked up\n"
        "hint: commit it to main, or name it by an absolute path\n"
    )
    events = cli("log", "--json").document["events"]
    assert "claimed" not in {event["event"] for event in events}
    commit_all(repo)
    assert cli("run", "--", "./agent.sh", directory=repo / "src").code == 0


def test_a_program_that_one_worktree_lacks_is_told_with_what_helps(
    cli: Cli, workspace: Workspace
) -> None:
    top = slice_path(workspace, "a")
    (slice_path(workspace, "b") / "agent.sh").write_text("")
    done = cli("run", "--jobs", "1", "--", "./agent.sh")
    assert done.code == 3
    assert done.err.endswith(
        f"error: cannot run './agent.sh' in '{top}': No such file or directory\n"
        "hint: commit it there, or name it by an absolute path\n"
    )


def test_uncommitted_work_is_told_with_its_place(cli: Cli, workspace: Workspace) -> None:
    done = cli("run", "--jobs", "1", "--", *sh("mkdir -p $1; echo x > $1/file"))
    assert (
        "failed a: slice 'a' has uncommitted work: a/ "
        f"(commit it in {slice_path(workspace, 'a')}, or remove what is not wanted)\n"
    ) in done.out


def test_the_scope_is_checked_before_any_gate_runs(
    repo: Path, workspace: Workspace, tmp_path: Path
) -> None:
    gate = f"echo $GITSLICES_SLICE >> {tmp_path}/ran"
    write_settings(repo, f"[gates]\nlocal_verification_wall = '{gate}'\n")
    approve(workspace, load_settings(repo).texts)
    report, _ = go(workspace, f"{COMMIT}; test $1 != a || echo x > Makefile", jobs=1)
    (failed,) = report.failed
    assert failed.message == "1 change outside the write scope: Makefile (in no slice)"
    assert (tmp_path / "ran").read_text() == "c\n"


def test_the_command_learns_what_it_works_on(workspace: Workspace) -> None:
    script = (
        'test "$GITSLICES_SLICE $GITSLICES_GOAL" = "$1 default" && test "$GITSLICES_HOLDER" = crew '
        '&& test "$PWD" = "$GITSLICES_WORKTREE" && grep -q \'"write_set":\' '
        '"$GITSLICES_TASK_FILE" && test "$GITSLICES_BRANCH" = "slices/default/$1" && '
        f'"{sys.executable}" -m gitslices heartbeat "$1" --token "$GITSLICES_TOKEN" && '
    )
    report, _ = go(workspace, script + COMMIT)
    assert sorted(report.merged) == ["a", "b", "c"]


def test_a_slice_that_somebody_else_holds_is_waited_for(workspace: Workspace) -> None:
    take(workspace, "c", "somebody")
    free = f'test $1 != b || "{sys.executable}" -m gitslices release c --force && '
    report, _ = go(workspace, free + COMMIT)
    assert report.merged == ("a", "b", "c")


def test_interrupted_it_ends_its_commands_and_the_next_run_goes_on(
    cli: Cli, repo: Path, workspace: Workspace, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = f"{COMMIT} && echo $$ > {fifo}; exec sleep 1000"
    argv = [sys.executable, "-m", "gitslices", "run", "--jobs", "1", "--", *sh(script)]
    process = subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    worker = int(fifo.read_text())
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert read_status(workspace, "a") == "provisioned"
    assert (slice_path(workspace, "a") / "a/file").exists()
    done = cli("run", "--", *sh(f"test -e $1 || {{ {COMMIT}; }}"))
    assert done.code == 0, done.err


def test_wrong_usage_exits_2(cli: Cli, workspace: Workspace) -> None:
    for args in (("run",), ("run", "--", "no-such-program"), ("run", "--jobs", "0", "--", "true")):
        assert cli(*args).code == 2
    assert cli("status", "--watch", "--json").code == 2


def test_watch_tells_every_change_until_all_has_landed(repo: Path, workspace: Workspace) -> None:
    argv = [sys.executable, "-u", "-m", "gitslices", "status", "--watch"]
    with subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        seen = [process.stdout.readline()]
        report, _ = go(workspace, COMMIT, jobs=2)
        seen += process.stdout.readlines()
    assert len(report.merged) == 3
    assert process.returncode == 0
    rows = [line.split()[:2] for line in seen if line[:1] in "abc"]
    assert rows[:3] == [["a", "provisioned"], ["b", "provisioned"], ["c", "provisioned"]]
    assert rows[-3:] == [["a", "merged"], ["b", "merged"], ["c", "merged"]]


def test_a_command_that_commits_nothing_has_failed(cli: Cli, workspace: Workspace) -> None:
    report, steps = go(workspace, f"test $1 != a || exit 0; {COMMIT}", retries=1)
    assert report.merged == ("c",)
    assert [one.message for one in report.failed] == [
        "no change: the command ended well and committed nothing"
    ]
    assert [one.stage for one in steps if one.slice_id == "a"] == ["started", "failed"] * 2
    assert read_status(workspace, "a") == "provisioned"
    left = cli("run", "--", *sh("touch $1.txt"))
    assert "slice 'a' has uncommitted work: a.txt" not in left.out
    assert "outside the write scope: a.txt" in left.out


def test_where_a_setting_allows_it_nothing_is_a_result(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    write_settings(repo, '[run]\nempty = "ok"\n')
    done = cli("run", "--", *sh(f"test $1 != a || exit 0; {COMMIT}"))
    assert done.code == 0
    assert "merged a, no change\n" in done.out
    assert "a: merged: no change\n" in done.err
    assert "merged b\n" in done.out
