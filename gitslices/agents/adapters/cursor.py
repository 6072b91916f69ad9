"""Cursor: its hooks preToolUse and beforeShellExecution."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gitslices.agents.adapters.adapter import Adapter, Hooks, HookTable, Intent, ServerEntry
from gitslices.agents.adapters.payload import find_text, list_texts, require_table, require_text

_EDITS: Final = frozenset({
    "Delete", "Edit", "EditNotebook", "MultiEdit", "NotebookEdit", "StrReplace", "Write",
    "delete_file", "edit_file", "search_replace", "write",
})  # fmt: skip
_SHELLS: Final = frozenset({"Bash", "Shell", "run_terminal_cmd"})
_PATHS: Final = ("file_path", "path", "target_file", "notebook_path", "target_notebook")


def read_intent(payload: Mapping[str, Any]) -> Intent | None:
    """What the tool is about to write; None for a tool that writes no files."""
    # A shell's `cwd` is where the command runs, which need not be where the session belongs.
    here = find_text(payload, "cwd")
    cwd = _find_root(payload) or here
    if payload.get("hook_event_name") == "beforeShellExecution":
        return Intent(cwd=cwd, folder=here, command=require_text(payload, "command"))
    tool = require_text(payload, "tool_name")
    if tool not in _EDITS | _SHELLS:
        return None
    table = require_table(payload, "tool_input")
    if tool in _EDITS:
        return Intent(cwd=cwd, folder=here, paths=list_texts(table, *_PATHS))
    folder = find_text(table, "working_directory", "cwd") or here
    return Intent(cwd=cwd, folder=folder, command=require_text(table, "command"))


def format_denial(reason: str) -> bytes:
    """The answer that keeps the tool from running; silence leaves the decision to others."""
    answer = {"permission": "deny", "user_message": reason, "agent_message": reason}
    return msgspec.json.encode(answer) + b"\n"


def make_hooks(program: str) -> Hooks:
    """The hooks for the settings, by event; `program` is what they start."""
    hook = {"command": f"{program} guard --tool cursor"}
    return {"preToolUse": [hook], "beforeShellExecution": [dict(hook)]}


def _find_root(payload: Mapping[str, Any]) -> str:
    roots = payload.get("workspace_roots")
    first = roots[0] if isinstance(roots, list) and roots else None
    return first if isinstance(first, str) else ""


def make_edit(path: str) -> Mapping[str, Any]:
    """A payload that announces a new file."""
    tool = {"tool_name": "Write", "tool_input": {"file_path": path}}
    return {"hook_event_name": "preToolUse", **tool}


ADAPTER: Final = Adapter(
    name="cursor",
    config=".cursor",
    config_variable="CURSOR_CONFIG_DIR",
    settings=".cursor/hooks.json",
    user_settings="hooks.json",
    deciding=("hooks.json", "cli-config.json"),
    hooks=HookTable(make_hooks=make_hooks, fields={"version": 1}),
    server=ServerEntry(path=".cursor/mcp.json"),
    skills=".agents/skills",
    notes="AGENTS.md",
    limits=("tools of MCP servers",),
    read_intent=read_intent,
    format_denial=format_denial,
    make_edit=make_edit,
)
