"""A repository whose agents are guarded, and what the guard answers them."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from gitslices.agents.guard import run
from gitslices.graph.load import load_graph
from tests.support.repositories import FIXTURES, commit_all, git, make_repository
from tests.support.slices import apply_graph, path_beside
from tests.support.workspaces import open_at


class Guarded(Struct, frozen=True):
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


def make_guarded(base: Path) -> Guarded:
    """The web shop with a worktree for each slice, a repository of somebody else, and a home."""
    main, other, home = base / "webshop", base / "other", base / "home"
    make_repository(main)
    git(base, "init", "--quiet", str(other))
    commit_all(other, "Start")
    apply_graph(open_at(main), load_graph(FIXTURES / "graphs" / "webshop.toml").graph)
    api, nav = (path_beside(main, id_, "auth-rework") for id_ in ("api", "nav"))
    (api / "src" / "api" / "out").symlink_to(main)
    # Not `tmp`: an absolute path appended to another must not lead into it.
    free = base / "free"
    home.mkdir()
    free.mkdir()
    places = {"main": main, "other": other, "home": home, "api": api, "nav": nav, "tmp": free}
    return Guarded({name: str(place) for name, place in places.items()})


def announce_write(tool: str, path: str) -> dict[str, Any]:
    """What the tool tells its hooks before it writes `path`, less where the session is."""
    match tool:
        case "codex":
            return {
                "tool_name": "apply_patch",
                "tool_input": {"command": f"*** Add File: {path}"},
            }
        case "copilot":
            return {"toolName": "create", "toolArgs": {"path": path}}
        case "opencode":
            return {"tool": "write", "args": {"filePath": path}}
        case "gemini" | "qwen":
            return {"tool_name": "write_file", "tool_input": {"file_path": path}}
        case _:
            return {"tool_name": "Write", "tool_input": {"file_path": path}}


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
    if tool == "opencode":
        return out.rstrip("\n")
    answer = json.loads(out)
    if tool == "gemini":
        assert answer["decision"] == "deny"
        return str(answer["reason"])
    if tool == "copilot":
        assert answer["permissionDecision"] == "deny"
        return str(answer["permissionDecisionReason"])
    if tool == "cursor":
        assert answer["permission"] == "deny"
        assert answer["user_message"] == answer["agent_message"]
        return str(answer["agent_message"])
    decision = answer["hookSpecificOutput"]
    assert decision["hookEventName"] == "PreToolUse"
    assert decision["permissionDecision"] == "deny"
    return str(decision["permissionDecisionReason"])
