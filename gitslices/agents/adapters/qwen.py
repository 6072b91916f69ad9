"""Qwen Code: its hook PreToolUse."""

from collections.abc import Mapping
from typing import Any, Final

from gitslices.agents.adapters.adapter import BELOW, Adapter, Hooks, HookTable, Intent, ServerEntry
from gitslices.agents.adapters.claude import format_denial, make_turn_hooks, read_turn
from gitslices.agents.adapters.payload import find_text, require_table, require_text

_EDITS: Final = frozenset({"edit", "notebook_edit", "write_file"})
_MATCHER: Final = "^(edit|notebook_edit|write_file|run_shell_command)$"
_TIMEOUT: Final = 30_000


def read_intent(payload: Mapping[str, Any]) -> Intent | None:
    """What the tool is about to write; None for a tool that writes no files."""
    tool, cwd = require_text(payload, "tool_name"), find_text(payload, "cwd")
    if tool in _EDITS:
        path = require_text(require_table(payload, "tool_input"), "file_path", "notebook_path")
        return Intent(cwd=cwd, paths=(path,))
    if tool == "run_shell_command":
        table = require_table(payload, "tool_input")
        folder = find_text(table, "directory")
        return Intent(cwd=cwd, folder=folder, command=require_text(table, "command"))
    return None


def make_hooks(program: str) -> Hooks:
    """The hooks for the settings, by event; `program` is what they start."""
    hook = {
        "name": "gitslices",
        "type": "command",
        "command": f"{program} guard --tool qwen",
        "timeout": _TIMEOUT,
    }
    turns = make_turn_hooks(f"{program} turn --tool qwen", _TIMEOUT)
    return {"PreToolUse": [{"matcher": _MATCHER, "hooks": [hook]}], **turns}


def make_edit(path: str) -> Mapping[str, Any]:
    """A payload that announces a new file."""
    return {"tool_name": "write_file", "tool_input": {"file_path": path, "content": ""}}


ADAPTER: Final = Adapter(
    name="qwen",
    config=".qwen",
    config_variable="",
    project_variable="QWEN_PROJECT_DIR",
    settings=".qwen/settings.json",
    user_settings="settings.json",
    top_only=True,
    hooks=HookTable(make_hooks=make_hooks),
    server=ServerEntry(path=".qwen/settings.json"),
    skills=".agents/skills",
    notes="AGENTS.md",
    limits=(
        "tools of MCP servers",
        BELOW,
    ),
    read_intent=read_intent,
    read_turn=read_turn,
    format_denial=format_denial,
    make_edit=make_edit,
)
