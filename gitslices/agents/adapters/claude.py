"""Claude Code: its hooks before tools, for worktrees, and for sessions."""

from collections.abc import Mapping
from contextlib import suppress
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
    SettingsFile,
    Turn,
)
from gitslices.agents.adapters.patches import find_patch, find_patched
from gitslices.agents.adapters.payload import find_text
from gitslices.agents.adapters.tool_calls import GuardHooks, ToolCalls
from gitslices.core.files import read_regular

_CALLS: Final = ToolCalls(
    edits=frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"}),
    shells=frozenset({"Bash"}),
    paths=("file_path", "notebook_path", "path"),
)
_FILES: Final = ("settings.json", "settings.local.json")
_LARGEST: Final = 16 * 1024 * 1024
_TOLD: Final = ("command", "file_path", "notebook_path", "path", "url")
_ASKING: Final = ("permission_prompt", "idle_prompt", "elicitation_dialog")
TURNS: Final = ("Notification", "PermissionRequest", "Stop", "UserPromptSubmit")
"""The events that tell whether a session waits."""
_HOOKS: Final = GuardHooks(
    agent="claude",
    matcher="Write|Edit|MultiEdit|NotebookEdit|Bash",
    timeout=30,
    told=TURNS,
)


def read_intent(payload: Mapping[str, Any]) -> Intent | None:
    """What the tool is about to write; None for a tool that writes no files.

    GitHub Copilot CLI runs these hooks, too, with arguments of its own under Claude's names.
    """
    patch = find_patch(payload.get("tool_input"))
    if patch is not None and payload.get("tool_name") in _CALLS.edits:
        return Intent(cwd=find_text(payload, "cwd"), paths=find_patched(patch))
    return _CALLS.read(payload)


def read_turn(payload: Mapping[str, Any]) -> Turn | None:
    """How the session stands, by an event of Claude's kind."""
    event = payload.get("hook_event_name")
    if event == "UserPromptSubmit":
        return Turn(waiting=None)
    if event == "Stop":
        said = find_text(payload, "last_assistant_message")
        return Turn(waiting=f"{OVER}: {said}" if said else OVER)
    if event == "PermissionRequest":
        given = payload.get("tool_input")
        named = (given.get(name) for name in _TOLD) if isinstance(given, dict) else ()
        what = next((one for one in named if isinstance(one, str)), "")
        return Turn(waiting=f"may it use {find_text(payload, 'tool_name')}? {what}".rstrip())
    if event == "Notification" and payload.get("notification_type", _ASKING[0]) in _ASKING:
        return Turn(waiting=find_text(payload, "message") or OVER, vague=True)
    return None


def format_denial(reason: str) -> bytes:
    """The answer that keeps the tool from running; silence leaves the decision to others."""
    decision = {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": reason,
    }
    return msgspec.json.encode({"hookSpecificOutput": decision}) + b"\n"


def format_context(event: str, text: str) -> bytes:
    """What a session is told when it begins."""
    said = {"hookEventName": event, "additionalContext": text}
    return msgspec.json.encode({"hookSpecificOutput": said}) + b"\n"


def make_hooks(program: str) -> Hooks:
    """The hooks for the settings, by event; `program` is what they start."""
    # A session or a subagent that cannot be noted as ended ends all the same: exit code 2 would
    # have a subagent go on.
    ends = f"{program} session-end || true"
    return {
        **_HOOKS.make(program),
        "WorktreeCreate": [{"hooks": [_make_hook(f"{program} worktree-create", 600)]}],
        "WorktreeRemove": [{"hooks": [_make_hook(f"{program} worktree-remove", 60)]}],
        "SessionStart": [{"hooks": [_make_hook(f"{program} session-start", 60)]}],
        "SubagentStart": [{"hooks": [_make_hook(f"{program} session-start", 60)]}],
        "SubagentStop": [{"hooks": [_make_hook(ends, 60)]}],
        "SessionEnd": [{"hooks": [_make_hook(ends, 60)]}],
    }


def _make_hook(command: str, timeout: int) -> dict[str, Any]:
    return {"type": "command", "command": command, "timeout": timeout}


def make_edit(path: str) -> Mapping[str, Any]:
    """A payload that announces a new file."""
    return {
        "hook_event_name": "PreToolUse",
        "tool_name": "Write",
        "tool_input": {"file_path": path, "content": ""},
    }


def find_unheeded(settings: SettingsFile) -> str | None:
    """Whether all hooks are switched off, by whichever settings file of the user or the project."""
    places = [settings.worktree / ".claude" / name for name in _FILES]
    if settings.config is not None:
        places.append(settings.config / "settings.json")
    for place in places:
        with suppress(OSError, msgspec.MsgspecError):
            table = msgspec.json.decode(read_regular(place, limit=_LARGEST))
            if isinstance(table, dict) and table.get("disableAllHooks") is True:
                return f"{str(place)!r} switches all hooks off (disableAllHooks)"
    return None


ADAPTER: Final = Adapter(
    name="claude",
    config=".claude",
    config_variable="CLAUDE_CONFIG_DIR",
    project_variable="CLAUDE_PROJECT_DIR",
    settings=".claude/settings.json",
    user_settings="settings.json",
    deciding=("settings.json", "settings.local.json", "plugins", "hooks"),
    top_only=True,
    hooks=HookTable(
        make_hooks=make_hooks, project_only=frozenset({"WorktreeCreate", "WorktreeRemove"})
    ),
    server=ServerEntry(path=".mcp.json"),
    skills=".claude/skills",
    notes=None,
    limits=("tools of MCP servers", BELOW),
    read_intent=read_intent,
    read_turn=read_turn,
    format_denial=format_denial,
    make_edit=make_edit,
    find_unheeded=find_unheeded,
)
