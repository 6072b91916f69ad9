"""`gitslices agent guard` as a process: its input, its environment, what it imports."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from gitslices.agents.guard import BLOCK
from tests.support.commands import run_cli, run_cli_nowhere
from tests.support.guarded import Guarded, read_reason


def guard_process(guarded: Guarded, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", *command],
        cwd=guarded.places["api"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize(
    "command",
    [("gitslices.agents.guard", "claude"), ("gitslices", "agent", "guard", "--tool", "claude")],
    ids=["the short way", "the command"],
)
def test_a_process_answers_while_its_input_stays_open(guarded: Guarded, command: list[str]) -> None:
    edit = {"tool_name": "Write", "tool_input": {"file_path": "Makefile"}}
    with guard_process(guarded, *command) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(edit).encode() + b'\n{"second": true}\n')
        process.stdin.flush()
        out = process.stdout.read()
        assert process.wait() == 0
    assert "Makefile: in no slice" in (read_reason("claude", out.decode()) or "")


def test_a_large_payload_is_read_whole(guarded: Guarded) -> None:
    content = "}" * 200_000
    edit = {"tool_name": "Write", "tool_input": {"content": content, "file_path": "src/api/big"}}
    with guard_process(guarded, "gitslices.agents.guard", "claude") as process:
        out, err = process.communicate(json.dumps(edit).encode())
    assert (process.returncode, out, err) == (0, b"", b"")


def test_a_hooks_environment_does_not_lead_astray(guarded: Guarded) -> None:
    edit = {"tool_name": "Write", "tool_input": {"file_path": "Makefile"}}
    done = run_cli(
        Path(guarded.places["api"]), "agent", "guard", "--tool", "cursor",
        env={"GIT_DIR": guarded.places["other"] + "/.git", "GIT_INDEX_FILE": "x"},
        stdin=json.dumps(edit).encode(),
    )  # fmt: skip
    assert "Makefile: in no slice" in (read_reason("cursor", done.out) or "")


@pytest.mark.parametrize(
    ("module", "args"),
    [("gitslices.agents.guard", ["claude"]), ("gitslices", ["agent", "guard", "--tool", "claude"])],
    ids=["the short way", "the command"],
)
def test_it_blocks_where_the_current_directory_is_gone(
    tmp_path: Path, module: str, args: list[str]
) -> None:
    done = run_cli_nowhere(tmp_path / "gone", *args, module=module, stdin=b"{}")
    assert (done.code, done.out) == (BLOCK, "")
    assert "it may not run: the current directory has been deleted\nhint: change" in done.err


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize("words", ["gitslices agent guard --tool", "gitslices.agents.guard"])
def test_it_blocks_where_standard_error_takes_nothing(
    guarded: Guarded, words: str, redirection: str
) -> None:
    line = f"echo bad | {sys.executable} -m {words} claude {redirection}"
    api = guarded.places["api"]
    done = subprocess.run(["sh", "-c", line], cwd=api, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (BLOCK, b"")


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", ">&- 2>&-", "<&- 2>&-"])
def test_a_git_hook_says_no_where_standard_error_takes_nothing(
    guarded: Guarded, redirection: str
) -> None:
    line = f"{sys.executable} -m gitslices.cli.git_hook pre-commit {redirection}"
    (Path(guarded.places["api"]) / "Makefile").write_text("not mine\n")
    run = partial(subprocess.run, cwd=guarded.places["api"], capture_output=True, check=False)
    assert run(["sh", "-c", line]).returncode == 0
    run(["git", "add", "Makefile"])
    done = run(["sh", "-c", line])
    run(["git", "checkout", "--quiet", "HEAD", "--", "Makefile"])
    assert done.returncode == 1


def test_it_answers_for_another_directory_where_the_current_one_is_gone(
    guarded: Guarded, tmp_path: Path
) -> None:
    edit = json.dumps({"tool_name": "Write", "tool_input": {"file_path": "Makefile"}}).encode()
    asked = ("agent", "guard", "--tool", "claude", "-C", guarded.places["api"])
    done = run_cli_nowhere(tmp_path / "gone", *asked, stdin=edit)
    assert done.code == 0
    assert "Makefile: in no slice" in (read_reason("claude", done.out) or "")


def test_with_json_it_says_what_it_has_found_wherever_it_is_asked(guarded: Guarded) -> None:
    edit = json.dumps({"tool_name": "Write", "tool_input": {"file_path": "Makefile"}}).encode()
    asked = ("agent", "guard", "--tool", "claude", "--json", "-C")
    other, api = Path(guarded.places["other"]), guarded.places["api"]
    done = run_cli(other, *asked, api, stdin=edit)
    assert done.code == 1
    assert done.document["slice_id"] == "api"
    assert done.document["denials"] == [{"asked": f"{api}/Makefile", "reason": "in no slice"}]
    assert run_cli(other, *asked, ".", stdin=edit).document is None
    assert run_cli(other, *asked, api, stdin=b"{}").document["error"]["code"] == "payload"


def test_the_guard_imports_nothing_that_takes_long() -> None:
    slow = {"click", "filelock", "git", "json", "rich", "gitslices.ops", "sqlite3"}
    script = f"import sys, gitslices.agents.guard; print({slow!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"set()\n"
    slow -= {"gitslices.ops", "sqlite3"}
    script = f"import sys, gitslices.ops.guard; print({slow!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"set()\n"
