"""`gitslices agent guard`: what agents are told before they write."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitslices.agents.adapters.table import ADAPTERS
from gitslices.agents.guard import BLOCK
from tests.support.guarded import Guarded, ask, read_reason
from tests.support.repositories import FIXTURES

AGENTS = FIXTURES / "agents"
_OF_GEMINI = {"Write": "write_file", "Bash": "run_shell_command"}
WORDS = {
    "codex": {"Write": "apply_patch", "file_path": "command"},
    "copilot": {
        "tool_name": "toolName",
        "tool_input": "toolArgs",
        "Write": "create",
        "file_path": "path",
        "Bash": "bash",
    },
    "gemini": _OF_GEMINI,
    "opencode": {
        "tool_name": "tool",
        "tool_input": "args",
        "Write": "write",
        "file_path": "filePath",
        "Bash": "bash",
    },
    "qwen": _OF_GEMINI,
}


def list_cases() -> Iterator[Any]:
    for tool in ADAPTERS:
        recorded = json.loads((AGENTS / f"{tool}.json").read_text())
        for name, payload, reason in recorded["cases"]:
            yield pytest.param(
                tool, {**recorded["common"], **payload}, reason, id=f"{tool}: {name}"
            )


@pytest.mark.parametrize(("tool", "payload", "reason"), list(list_cases()))
def test_recorded_payloads_are_answered_rightly(
    guarded: Guarded,
    capfdbinary: pytest.CaptureFixture[bytes],
    tool: str,
    payload: dict[str, Any],
    reason: str | None,
) -> None:
    code, out, err = ask(tool, json.dumps(guarded.fill(payload)).encode(), capfdbinary)
    assert (code, err) == (0, "")
    told = read_reason(tool, out)
    if reason is None:
        assert told is None
    else:
        assert guarded.fill(reason) in (told or "")


@pytest.mark.parametrize("tool", ADAPTERS)
def test_malformed_payloads_are_blocked_with_a_reason_in_slices_and_nowhere_else(
    guarded: Guarded,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    tool: str,
) -> None:
    texts = [spell_for(tool, text) for text in json.loads((AGENTS / "malformed.json").read_text())]
    monkeypatch.chdir(guarded.places["api"])
    for text in texts:
        code, out, err = ask(tool, text.encode(), capfdbinary)
        assert (code, out) == (BLOCK, ""), text
        assert err.startswith("gitslices cannot look at this, so it may not run: "), text
        assert "Traceback" not in err
    for place in ("main", "other"):
        monkeypatch.chdir(guarded.places[place])
        for text in texts:
            assert ask(tool, text.encode(), capfdbinary) == (0, "", ""), text


def test_a_malformed_payload_that_names_a_slice_is_blocked_wherever_the_hook_runs(
    guarded: Guarded, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for place in ({"cwd": guarded.places["api"]}, {"workspace_roots": [guarded.places["api"]]}):
        payload = json.dumps({**place, "tool_name": "Write"}).encode()
        assert ask("cursor", payload, capfdbinary)[0] == BLOCK


def spell_for(tool: str, text: str) -> str:
    """A payload of Claude Code in the words of another tool."""
    for word, other in WORDS.get(tool, {}).items():
        text = text.replace(word, other)
    return text


def test_a_slice_that_the_store_does_not_know_is_blocked(
    guarded: Guarded, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    mark = Path(guarded.places["main"], ".git/worktrees/auth-rework--nav/gitslices-slice")
    before = mark.read_text()
    payload = {
        "cwd": guarded.places["nav"], "tool_name": "Write", "tool_input": {"file_path": "src/web/a"}
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
    guarded: Guarded, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = {
        "cwd": guarded.places["main"], "tool_name": "Bash", "tool_input": {"command": "> Makefile"}
    }  # fmt: skip
    data = json.dumps(payload).encode()
    assert ask("claude", data, capfdbinary) == (0, "", "")
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", guarded.places["api"])
    out = ask("claude", data, capfdbinary)[1]
    assert "Makefile: in the main worktree" in (read_reason("claude", out) or "")


def test_a_folder_in_the_own_worktree_is_no_change_and_one_elsewhere_is(
    guarded: Guarded, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def make(folder: str) -> str | None:
        payload = {"cwd": guarded.places["api"], "tool_name": "Bash",
                   "tool_input": {"command": guarded.fill(f"mkdir -p {folder}")}}  # fmt: skip
        _, out, _ = ask("claude", json.dumps(payload).encode(), capfdbinary)
        return read_reason("claude", out)

    assert make("tests/new/deep") is None
    for folder in ("{main}/new", "{nav}/src/web/new", "{other}/new", ".git/new"):
        assert make(folder), folder
