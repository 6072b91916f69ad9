"""`gitslices agent guard`: what agents are told before they write."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from gitslices.agents.guard import BLOCK, run
from gitslices.agents.tools import TOOLS
from gitslices.graph.load import load_graph
from tests.conftest import FIXTURES, commit_all, git, run_cli, run_cli_nowhere
from tests.support.sliced import provision

AGENTS = FIXTURES / "agents"


class Scene(Struct, frozen=True):
    """A repository with slices, and what else an agent may come across, by name."""

    places: Mapping[str, str]

    def fill(self, value: Any) -> Any:
        """`value` with each {name} in its texts replaced by the place of that name."""
        if isinstance(value, str):
            for name, place in self.places.items():
                value = value.replace(f"{{{name}}}", place)
            return value
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        return [self.fill(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    base = tmp_path_factory.mktemp("guard").resolve()
    main, other, home = base / "webshop", base / "other", base / "home"
    shutil.copytree(FIXTURES / "trees" / "webshop", main)
    home.mkdir()
    for repo in (main, other):
        git(base, "init", "--quiet", str(repo))
        commit_all(repo, "Start")
    provision(main, load_graph(FIXTURES / "graphs" / "webshop.toml").graph)
    api, nav = (base / "webshop.slices" / f"auth-rework--{id_}" for id_ in ("api", "nav"))
    (api / "src" / "api" / "out").symlink_to(main)
    # Not `tmp`: an absolute path appended to another must not lead into it.
    free = base / "free"
    free.mkdir()
    places = {"main": main, "other": other, "home": home, "api": api, "nav": nav}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("TMPDIR", str(free))
        patch.setattr("gitslices.agents.guard._TEMPORARY", ())
        yield Scene({**{key: str(one) for key, one in places.items()}, "tmp": str(free)})


def ask(tool: str, data: bytes, capfdbinary: pytest.CaptureFixture[bytes]) -> tuple[int, str, str]:
    """The guard's answer to `data`, given in this process."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.write(writer, data)
    os.close(writer)
    try:
        code = run([tool], reader)
    finally:
        os.close(reader)
    said = capfdbinary.readouterr()
    return code, said.out.decode(), said.err.decode()


def read_reason(tool: str, out: str) -> str | None:
    """What the tool makes of an answer: the reason of a denial, None for silence."""
    assert "\r" not in out
    if not out:
        return None
    answer = json.loads(out)
    if tool == "cursor":
        assert answer["permission"] == "deny"
        assert answer["user_message"] == answer["agent_message"]
        return str(answer["agent_message"])
    decision = answer["hookSpecificOutput"]
    assert decision["hookEventName"] == "PreToolUse"
    assert decision["permissionDecision"] == "deny"
    return str(decision["permissionDecisionReason"])


def list_cases() -> Iterator[Any]:
    for tool in TOOLS:
        recorded = json.loads((AGENTS / f"{tool}.json").read_text())
        for name, payload, reason in recorded["cases"]:
            yield pytest.param(
                tool, {**recorded["common"], **payload}, reason, id=f"{tool}: {name}"
            )


@pytest.mark.parametrize(("tool", "payload", "reason"), list(list_cases()))
def test_recorded_payloads_are_answered_rightly(
    scene: Scene,
    capfdbinary: pytest.CaptureFixture[bytes],
    tool: str,
    payload: dict[str, Any],
    reason: str | None,
) -> None:
    code, out, err = ask(tool, json.dumps(scene.fill(payload)).encode(), capfdbinary)
    assert (code, err) == (0, "")
    told = read_reason(tool, out)
    if reason is None:
        assert told is None
    else:
        assert scene.fill(reason) in (told or "")


@pytest.mark.parametrize("tool", TOOLS)
def test_malformed_payloads_are_blocked_with_a_reason(
    scene: Scene, capfdbinary: pytest.CaptureFixture[bytes], tool: str
) -> None:
    for text in json.loads((AGENTS / "malformed.json").read_text()):
        if tool == "codex":
            text = text.replace("Write", "apply_patch").replace("file_path", "command")
        code, out, err = ask(tool, text.encode(), capfdbinary)
        assert (code, out) == (BLOCK, ""), text
        assert err.startswith("gitslices cannot look at this, so it may not run: "), text
        assert "Traceback" not in err


def test_a_slice_that_the_store_does_not_know_is_blocked(
    scene: Scene, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    mark = Path(scene.places["main"], ".git/worktrees/auth-rework--nav/gitslices-slice")
    before = mark.read_text()
    payload = {
        "cwd": scene.places["nav"], "tool_name": "Write", "tool_input": {"file_path": "src/web/a"}
    }  # fmt: skip
    try:
        for broken, says in (('{"goal_id": "lost", "slice_id": "nav"}', "lost"), ("{", "hint: ")):
            mark.write_text(broken)
            code, out, err = ask("claude", json.dumps(payload).encode(), capfdbinary)
            assert (code, out) == (BLOCK, "")
            assert says in err
    finally:
        mark.write_text(before)


@pytest.mark.parametrize("tool", ["aider", "../claude", ""])
def test_an_unknown_tool_is_blocked(capfdbinary: pytest.CaptureFixture[bytes], tool: str) -> None:
    assert ask(tool, b"{}", capfdbinary)[0] == BLOCK


def test_a_session_that_went_elsewhere_belongs_to_the_slice_it_was_started_in(
    scene: Scene, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = {
        "cwd": scene.places["main"], "tool_name": "Bash", "tool_input": {"command": "> Makefile"}
    }  # fmt: skip
    data = json.dumps(payload).encode()
    assert ask("claude", data, capfdbinary) == (0, "", "")
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", scene.places["api"])
    out = ask("claude", data, capfdbinary)[1]
    assert "Makefile: in the main worktree" in (read_reason("claude", out) or "")


def guard_process(scene: Scene, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", *command],
        cwd=scene.places["api"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize(
    "command",
    [("gitslices.agents.guard", "claude"), ("gitslices", "agent", "guard", "--tool", "claude")],
    ids=["the short way", "the command"],
)
def test_a_process_answers_while_its_input_stays_open(scene: Scene, command: list[str]) -> None:
    edit = {"tool_name": "Write", "tool_input": {"file_path": "Makefile"}}
    with guard_process(scene, *command) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(edit).encode() + b'\n{"second": true}\n')
        process.stdin.flush()
        out = process.stdout.read()
        assert process.wait() == 0
    assert "Makefile: in no slice" in (read_reason("claude", out.decode()) or "")


def test_a_large_payload_is_read_whole(scene: Scene) -> None:
    content = "}" * 200_000
    edit = {"tool_name": "Write", "tool_input": {"content": content, "file_path": "src/api/big"}}
    with guard_process(scene, "gitslices.agents.guard", "claude") as process:
        out, err = process.communicate(json.dumps(edit).encode())
    assert (process.returncode, out, err) == (0, b"", b"")


def test_a_hooks_environment_does_not_lead_astray(scene: Scene) -> None:
    edit = {"tool_name": "Write", "tool_input": {"file_path": "Makefile"}}
    done = run_cli(
        Path(scene.places["api"]), "agent", "guard", "--tool", "cursor",
        env={"GIT_DIR": scene.places["other"] + "/.git", "GIT_INDEX_FILE": "x"},
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


def test_it_blocks_where_standard_error_takes_nothing(tmp_path: Path) -> None:
    line = f"echo bad | {sys.executable} -m gitslices agent guard --tool claude 2>/dev/full"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (BLOCK, b"")


def test_it_answers_for_another_directory_where_the_current_one_is_gone(
    scene: Scene, tmp_path: Path
) -> None:
    edit = json.dumps({"tool_name": "Write", "tool_input": {"file_path": "Makefile"}}).encode()
    asked = ("agent", "guard", "--tool", "claude", "-C", scene.places["api"])
    done = run_cli_nowhere(tmp_path / "gone", *asked, stdin=edit)
    assert done.code == 0
    assert "Makefile: in no slice" in (read_reason("claude", done.out) or "")


def test_with_json_it_says_what_it_has_found_wherever_it_is_asked(scene: Scene) -> None:
    edit = json.dumps({"tool_name": "Write", "tool_input": {"file_path": "Makefile"}}).encode()
    asked = ("agent", "guard", "--tool", "claude", "--json", "-C")
    other, api = Path(scene.places["other"]), scene.places["api"]
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


PIECES = st.sampled_from(
    ["..", ".", "", "src", "api", "web", "nav.ts", "out", ".git", "~", "{main}", "{nav}", "{other}",
     "/", "a b", "\x1b[31m", "*", "$HOME", "é", "-rf", "'", '"', "{api}", "home"]
)  # fmt: skip
PATHS = st.lists(PIECES, min_size=1, max_size=7).map("/".join)


@settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(path=PATHS, tool=st.sampled_from(TOOLS))
@example(path="src/api/out/../api/x", tool="claude")
def test_no_path_outside_is_ever_allowed(
    scene: Scene, capfdbinary: pytest.CaptureFixture[bytes], path: str, tool: str
) -> None:
    path = scene.fill(path)
    if tool == "codex":
        named = {"tool_name": "apply_patch", "tool_input": {"command": f"*** Add File: {path}"}}
        path = path.strip()
    else:
        named = {"tool_name": "Write", "tool_input": {"file_path": path}}
    payload = {"cwd": scene.places["api"], **named}
    code, out, err = ask(tool, json.dumps(payload).encode(), capfdbinary)
    allowed = code == 0 and read_reason(tool, out) is None
    real = os.path.realpath(Path(scene.places["api"]) / path)
    scope = scene.places["api"] + "/src/api"
    inside = real == scope or (real.startswith(scope + "/") and "/.git" not in real)
    assert code in {0, BLOCK}
    assert "Traceback" not in err
    assert not allowed or inside, real


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    data=st.binary(max_size=60)
    | st.text(max_size=60).map(
        lambda text: json.dumps(
            {"tool_name": "Bash", "tool_input": {"command": text + ">README.md\n" + text}}
        ).encode()
    )
)
def test_no_input_makes_it_crash(
    scene: Scene, capfdbinary: pytest.CaptureFixture[bytes], data: bytes
) -> None:
    code, out, err = ask("claude", data, capfdbinary)
    assert code in {0, BLOCK}
    assert "Traceback" not in err
    assert out == "" or read_reason("claude", out)
