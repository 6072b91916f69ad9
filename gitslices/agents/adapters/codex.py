"""Codex: its hook PreToolUse."""

import shlex
from collections.abc import Mapping
from typing import Any, Final

from gitslices.agents.adapters.adapter import Adapter, Hooks, HookTable, Intent
from gitslices.agents.adapters.claude import format_denial
from gitslices.agents.adapters.patches import BEGIN, find_patched
from gitslices.agents.adapters.payload import find_text, require_table, require_text

_SHELLS: Final = frozenset({"Bash", "shell", "local_shell", "exec_command", "shell_command"})
_MATCHER: Final = "apply_patch|Edit|Write|Bash|shell|local_shell|exec_command|shell_command"


def read_intent(payload: Mapping[str, Any]) -> Intent | None:
    """What the tool is about to write; None for a tool that writes no files."""
    tool, cwd = require_text(payload, "tool_name"), find_text(payload, "cwd")
    if tool == "apply_patch":
        return Intent(cwd=cwd, paths=find_patched(_read_command(payload)))
    if tool in {"Edit", "Write"}:
        path = require_text(require_table(payload, "tool_input"), "file_path", "path")
        return Intent(cwd=cwd, paths=(path,))
    if tool in _SHELLS:
        command = _read_command(payload)
        folder = find_text(payload["tool_input"], "workdir", "cwd")
        # Some builds call `apply_patch` in a shell: its files are in the patch, not in the words.
        patched = find_patched(command) if BEGIN in command else ()
        return Intent(cwd=cwd, folder=folder, paths=patched, command=command)
    return None


def make_hooks(program: str) -> Hooks:
    """The hooks for the settings, by event; `program` is what they start."""
    hook = {"type": "command", "command": f"{program} guard --tool codex", "timeout": 30}
    return {"PreToolUse": [{"matcher": _MATCHER, "hooks": [hook]}]}


def _read_command(payload: Mapping[str, Any]) -> str:
    """A command as text; some builds hand over its words."""
    table = require_table(payload, "tool_input")
    words = table.get("command")
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        return words[1] if words[0] == "apply_patch" and len(words) == 2 else shlex.join(words)
    return require_text(table, "command", "cmd")


ADAPTER: Final = Adapter(
    name="codex",
    config=".codex",
    config_variable="CODEX_HOME",
    settings=".codex/hooks.json",
    hooks=HookTable(make_hooks=make_hooks),
    skills=".agents/skills",
    notes="AGENTS.md",
    limits=(
        "tools of MCP servers",
        "anything before its hooks are reviewed: /hooks in Codex",
        "what is typed into a shell that is open already (write_stdin)",
    ),
    read_intent=read_intent,
    format_denial=format_denial,
)
