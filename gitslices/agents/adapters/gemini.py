"""Gemini CLI: its hook BeforeTool."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gitslices.agents.adapters.adapter import (
    BELOW,
    OVER,
    Adapter,
    Hooks,
    HookTable,
    Intent,
    ServerEntry,
    Turn,
)
from gitslices.agents.adapters.payload import find_text, require_table, require_text

_EDITS: Final = frozenset({"replace", "write_file"})
_MATCHER: Final = "^(replace|write_file|run_shell_command)$"
_TIMEOUT: Final = 30_000


def read_intent(payload: Mapping[str, Any]) -> Intent | None:
    """What the tool is about to write; None for a tool that writes no files."""
    tool, cwd = require_text(payload, "tool_name"), find_text(payload, "cwd")
    if tool in _EDITS:
        path = require_text(require_table(payload, "tool_input"), "file_path")
        return Intent(cwd=cwd, paths=(path,))
    if tool == "run_shell_command":
        table = require_table(payload, "tool_input")
        folder = find_text(table, "dir_path", "directory")
        return Intent(cwd=cwd, folder=folder, command=require_text(table, "command"))
    return None


def read_turn(payload: Mapping[str, Any]) -> Turn | None:
    """How the session stands."""
    event = payload.get("hook_event_name")
    if event == "BeforeAgent":
        return Turn(waiting=None)
    if event == "AfterAgent":
        said = find_text(payload, "prompt_response")
        return Turn(waiting=f"{OVER}: {said}" if said else OVER)
    if event == "Notification" and payload.get("notification_type") == "ToolPermission":
        return Turn(waiting=find_text(payload, "message") or "may it use a tool?", vague=True)
    return None


def format_denial(reason: str) -> bytes:
    """The answer that keeps the tool from running; silence leaves the decision to others."""
    return msgspec.json.encode({"decision": "deny", "reason": reason}) + b"\n"


def make_hooks(program: str) -> Hooks:
    """The hooks for the settings, by event; `program` is what they start."""
    hook = {
        "name": "gitslices",
        "type": "command",
        "command": f"{program} guard --tool gemini",
        "timeout": _TIMEOUT,
    }
    turn = {**hook, "command": f"{program} turn --tool gemini || true"}
    turns = {event: [{"hooks": [turn]}] for event in ("AfterAgent", "BeforeAgent", "Notification")}
    return {"BeforeTool": [{"matcher": _MATCHER, "hooks": [hook]}], **turns}


def make_edit(path: str) -> Mapping[str, Any]:
    """A payload that announces a new file."""
    return {"tool_name": "write_file", "tool_input": {"file_path": path, "content": ""}}


ADAPTER: Final = Adapter(
    name="gemini",
    config=".gemini",
    config_variable="",
    project_variable="GEMINI_PROJECT_DIR",
    settings=".gemini/settings.json",
    user_settings="settings.json",
    top_only=True,
    hooks=HookTable(make_hooks=make_hooks),
    server=ServerEntry(path=".gemini/settings.json"),
    skills=".agents/skills",
    notes="GEMINI.md",
    limits=(
        "tools of MCP servers",
        "a session in a folder that Gemini CLI was not told to trust",
        BELOW,
    ),
    read_intent=read_intent,
    read_turn=read_turn,
    format_denial=format_denial,
    make_edit=make_edit,
)
