"""Gemini CLI: its hook BeforeTool."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gitslices.agents.adapters.adapter import (
    BELOW,
    OVER,
    Adapter,
    HookTable,
    ServerEntry,
    Turn,
)
from gitslices.agents.adapters.payload import find_text
from gitslices.agents.adapters.tool_calls import GuardHooks, ToolCalls

_CALLS: Final = ToolCalls(
    edits=frozenset({"replace", "write_file"}),
    shells=frozenset({"run_shell_command"}),
    paths=("file_path",),
    folders=("dir_path", "directory"),
)
_HOOKS: Final = GuardHooks(
    agent="gemini",
    event="BeforeTool",
    matcher="^(replace|write_file|run_shell_command)$",
    timeout=30_000,
    told=("AfterAgent", "BeforeAgent", "Notification"),
    name="gitslices",
)


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
    deciding=("settings.json", "trustedFolders.json", "extensions", "policies"),
    top_only=True,
    hooks=HookTable(make_hooks=_HOOKS.make),
    server=ServerEntry(path=".gemini/settings.json"),
    skills=".agents/skills",
    notes="GEMINI.md",
    limits=(
        "tools of MCP servers",
        "a session in a folder that Gemini CLI was not told to trust",
        BELOW,
    ),
    read_intent=_CALLS.read,
    read_turn=read_turn,
    format_denial=format_denial,
    make_edit=make_edit,
)
