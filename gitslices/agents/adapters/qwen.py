"""Qwen Code: its hook PreToolUse."""

from collections.abc import Mapping
from typing import Any, Final

from gitslices.agents.adapters.adapter import BELOW, Adapter, HookTable, ServerEntry
from gitslices.agents.adapters.claude import TURNS, format_denial, read_turn
from gitslices.agents.adapters.tool_calls import GuardHooks, ToolCalls

_CALLS: Final = ToolCalls(
    edits=frozenset({"edit", "notebook_edit", "write_file"}),
    shells=frozenset({"monitor", "run_shell_command"}),
    paths=("file_path", "notebook_path"),
    folders=("directory",),
)
_HOOKS: Final = GuardHooks(
    agent="qwen",
    matcher="^(edit|notebook_edit|write_file|run_shell_command|monitor)$",
    timeout=30_000,
    told=TURNS,
    name="gitslices",
)


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
    deciding=("settings.json", "trustedFolders.json", "extensions"),
    top_only=True,
    hooks=HookTable(make_hooks=_HOOKS.make),
    server=ServerEntry(path=".qwen/settings.json"),
    skills=".agents/skills",
    notes="AGENTS.md",
    limits=(
        "tools of MCP servers",
        BELOW,
    ),
    read_intent=_CALLS.read,
    read_turn=read_turn,
    format_denial=format_denial,
    make_edit=make_edit,
)
