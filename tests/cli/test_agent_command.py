"""What the settings of agents start: it finds the slice, and says no where nobody can be asked."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.agents.guard import BLOCK, run
from gitslices.agents.install import AgentInstallRequest, install
from gitslices.system.agent_launcher import AGENT_COMMAND, find_launcher_problem, write_launcher
from tests.support.repositories import git
from tests.support.slices import Desk

OUTSIDE = {"tool_name": "Write", "tool_input": {"file_path": "/etc/x"}}
INSIDE = {"tool_name": "Write", "tool_input": {"file_path": "src/x"}}


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]})
    install(desk.workspace, AgentInstallRequest(tool="claude", python=sys.executable))
    return desk


def start(
    folder: Path, payload: object = OUTSIDE, *, shell: str = "sh", started: Path | str = ""
) -> "subprocess.CompletedProcess[str]":
    """The installed command as a client runs it, on a PATH without gitslices."""
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "CLAUDE_PROJECT_DIR": str(started)}
    return subprocess.run(
        [shell, "-c", f"{AGENT_COMMAND} guard --tool claude"], cwd=folder, env=environment,
        input=json.dumps(payload), capture_output=True, text=True, check=False,
    )  # fmt: skip


def is_no(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether every client takes it for a no: exit code 2 without words is none for Codex."""
    denied = done.returncode == 0 and '"permissionDecision":"deny"' in done.stdout
    return denied or (done.returncode == 2 and bool(done.stderr.strip()))


def is_silent(done: "subprocess.CompletedProcess[str]") -> bool:
    return (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_slice_is_found_from_wherever_in_it_a_session_is(
    desk: Desk, tmp_path: Path, shell: str
) -> None:
    top = desk.worktree("a")
    inner = top / "src" / "inner"
    inner.mkdir(parents=True)
    git(inner, "init", "--quiet")
    link = tmp_path / "link"
    link.symlink_to(top / "src")
    for folder in (top, top / "src", inner, link):
        assert is_no(start(folder, shell=shell)), folder
    assert is_silent(start(top, INSIDE, shell=shell))


def test_a_session_that_has_gone_elsewhere_is_asked_about(desk: Desk, tmp_path: Path) -> None:
    assert is_no(start(tmp_path, started=desk.worktree("a")))
    assert is_no(start(tmp_path, started=desk.worktree("a") / "src"))


def test_outside_slices_nothing_is_said_and_nothing_is_started(desk: Desk, tmp_path: Path) -> None:
    (desk.repo / ".git" / "hooks" / "gitslices-agent").unlink()
    for folder in (desk.repo, desk.repo / "src", tmp_path, Path("/")):
        assert is_silent(start(folder)), folder
        assert is_silent(start(folder, started=folder)), folder


def forget(launcher: Path) -> None:
    launcher.unlink()


def forbid(launcher: Path) -> None:
    launcher.chmod(0o644)


def replace_by_folder(launcher: Path) -> None:
    launcher.unlink()
    launcher.mkdir()


def lose_python(launcher: Path) -> None:
    launcher.write_text(launcher.read_text().replace(sys.executable, "/gone/python"))


def crash(launcher: Path) -> None:
    write_launcher(launcher.parent.parent, shutil.which("false") or "/bin/false")


def die(launcher: Path) -> None:
    program = launcher.with_name("die")
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    write_launcher(launcher.parent.parent, str(program))


def break_off(launcher: Path) -> None:
    launcher.write_text("#!/bin/sh\nif [ -x\n")


@pytest.mark.parametrize(
    "damage", [forget, forbid, replace_by_folder, lose_python, crash, die, break_off]
)
def test_a_guard_that_cannot_run_says_no_and_doctor_says_why(
    desk: Desk, damage: Callable[[Path], None]
) -> None:
    common = desk.repo / ".git"
    assert find_launcher_problem(common) is None
    damage(common / "hooks" / "gitslices-agent")
    done = start(desk.worktree("a"), INSIDE)
    assert done.returncode == 2
    assert done.stderr.strip()
    if damage not in {crash, die}:
        assert find_launcher_problem(common)


def test_a_moved_repository_is_found_again_once_git_has_repaired_it(
    desk: Desk, tmp_path: Path
) -> None:
    worktree = desk.worktree("a")
    moved = desk.repo.rename(tmp_path / "moved")
    git(moved, "worktree", "repair", str(worktree))
    assert is_no(start(worktree))


def test_a_link_that_is_relative_is_followed(desk: Desk) -> None:
    worktree = desk.worktree("a")
    text = (worktree / ".git").read_text().removeprefix("gitdir: ").strip()
    (worktree / ".git").write_text(f"gitdir: {os.path.relpath(text, worktree)}\n")
    assert is_no(start(worktree / "src"))


def test_what_is_installed_holds_no_path_of_the_machine(desk: Desk) -> None:
    text = (desk.repo / ".claude" / "settings.json").read_text()
    assert str(desk.repo) not in text
    assert sys.executable not in text
    assert json.loads(text) == json.loads(
        (desk.worktree("a") / ".claude/settings.json").read_text()
    )


def test_an_answer_that_takes_too_long_is_a_no(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr("gitslices.agents.guard._LIMIT", 0.1)
    reader, writer = os.pipe()  # which nobody ever writes to
    code = run(["claude"], reader, lambda: desk.worktree("a"))
    os.close(reader)
    os.close(writer)
    assert code == BLOCK
    assert b"it takes longer than 0.1 seconds" in capfdbinary.readouterr().err


def test_even_a_step_that_hears_of_no_signal_ends() -> None:
    script = (
        "import hashlib, gitslices.agents.guard as guard\n"
        "guard._LIMIT = guard._GRACE = 0.1\n"
        "guard.load_adapter = lambda name: hashlib.pbkdf2_hmac('md5', b'', b'', 1 << 31 - 1)\n"
        "guard.run(['claude'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode not in {0, 2}
    assert b"Timeout" in done.stderr
