"""opencode: a plugin that asks before a tool runs."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gitslices.agents.adapters.adapter import OVER, Adapter, Intent, OwnFile, ServerEntry, Turn
from gitslices.agents.adapters.patches import find_patched
from gitslices.agents.adapters.payload import find_text, require_table, require_text
from gitslices.agents.adapters.tool_calls import ToolCalls

_CALLS: Final = ToolCalls(
    tool="tool",
    arguments="args",
    edits=frozenset({"edit", "multiedit", "write"}),
    shells=frozenset({"bash"}),
    paths=("filePath",),
    folders=("workdir",),
)
_PATCHES: Final = frozenset({"apply_patch", "patch"})


def read_intent(payload: Mapping[str, Any]) -> Intent | None:
    """What the tool is about to write; None for a tool that writes no files."""
    if payload.get("tool") in _PATCHES:
        text = require_text(require_table(payload, "args"), "patchText")
        return Intent(cwd=find_text(payload, "cwd"), paths=find_patched(text))
    return _CALLS.read(payload)


def read_turn(payload: Mapping[str, Any]) -> Turn | None:
    """How the session stands, by an event that the plugin hands on."""
    event = payload.get("event")
    if event == "session.idle":
        return Turn(waiting=OVER)
    if event == "permission.asked":
        return Turn(waiting=f"may it use {find_text(payload, 'permission') or 'a tool'}?")
    return Turn(waiting=None) if event == "chat.message" else None


def format_denial(reason: str) -> bytes:
    """The answer, whose text the plugin throws; silence leaves the decision to others."""
    return f"{reason}\n".encode()


def make_text(program: str) -> str:
    """The plugin, which starts `program`."""
    # Imported here: the guard, which an edit waits for, does without.
    from importlib.resources import files

    text = files("gitslices.skills").joinpath("opencode.js").read_text("utf-8")
    for subcommand in ("guard", "turn"):
        command = msgspec.json.encode(f"{program} {subcommand} --tool opencode").decode()
        text = text.replace(f"{subcommand.upper()}_COMMAND", command)
    return text


def make_edit(path: str) -> Mapping[str, Any]:
    """A payload that announces a new file."""
    return {"tool": "write", "args": {"filePath": path, "content": ""}}


ADAPTER: Final = Adapter(
    name="opencode",
    config=".config/opencode",
    config_variable="OPENCODE_CONFIG_DIR",
    settings=".opencode/plugins/gitslices.js",
    user_settings="plugins/gitslices.js",
    deciding=("plugins", "plugin", "opencode.json", "opencode.jsonc", "config.json"),
    hooks=OwnFile(make_text=make_text),
    server=ServerEntry(
        path="opencode.json",
        key="mcp",
        value={"type": "local", "command": ["gitslices", "mcp"], "enabled": True},
    ),
    skills=".agents/skills",
    notes="AGENTS.md",
    limits=(
        "tools of MCP servers and of other plugins",
        "a session without plugins: --pure, OPENCODE_PURE, OPENCODE_DISABLE_PROJECT_CONFIG",
    ),
    read_intent=read_intent,
    read_turn=read_turn,
    format_denial=format_denial,
    make_edit=make_edit,
)
