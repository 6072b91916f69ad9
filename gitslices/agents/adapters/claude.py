"""Claude Code: its hooks PreToolUse, WorktreeCreate and WorktreeRemove."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gitslices.agents.adapters.adapter import Adapter, Hooks, HookTable, Intent
from gitslices.agents.adapters.patches import find_patch, find_patched
from gitslices.agents.adapters.payload import find_text, require_table, require_text

_EDITS: Final = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
_MATCHER: Final = "Write|Edit|MultiEdit|NotebookEdit|Bash"


def read_intent(payload: Mapping[str, Any]) -> Intent | None:
    """What the tool is about to write; None for a tool that writes no files.

    GitHub Copilot CLI runs these hooks, too, with arguments of its own under Claude's names.
    """
    tool, cwd = require_text(payload, "tool_name"), find_text(payload, "cwd")
    if tool in _EDITS:
        patch = find_patch(payload.get("tool_input"))
        if patch is not None:
            return Intent(cwd=cwd, paths=find_patched(patch))
        path = require_text(
            require_table(payload, "tool_input"), "file_path", "notebook_path", "path"
        )
        return Intent(cwd=cwd, paths=(path,))
    if tool == "Bash":
        return Intent(
            cwd=cwd, command=require_text(require_table(payload, "tool_input"), "command")
        )
    return None


def format_denial(reason: str) -> bytes:
    """The answer that keeps the tool from running; silence leaves the decision to others."""
    decision = {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": reason,
    }
    return msgspec.json.encode({"hookSpecificOutput": decision}) + b"\n"


def make_hooks(program: str) -> Hooks:
    """The hooks for the settings, by event; `program` is what they start."""
    return {
        "PreToolUse": [
            {"matcher": _MATCHER, "hooks": [_make_hook(f"{program} guard --tool claude", 30)]}
        ],
        "WorktreeCreate": [{"hooks": [_make_hook(f"{program} worktree-create", 600)]}],
        "WorktreeRemove": [{"hooks": [_make_hook(f"{program} worktree-remove", 60)]}],
    }


def _make_hook(command: str, timeout: int) -> dict[str, Any]:
    return {"type": "command", "command": command, "timeout": timeout}


ADAPTER: Final = Adapter(
    name="claude",
    config=".claude",
    config_variable="CLAUDE_CONFIG_DIR",
    project_variable="CLAUDE_PROJECT_DIR",
    settings=".claude/settings.json",
    hooks=HookTable(make_hooks=make_hooks),
    skills=".claude/skills",
    notes=None,
    limits=("tools of MCP servers", "a session started in a folder below the worktree"),
    read_intent=read_intent,
    format_denial=format_denial,
)
