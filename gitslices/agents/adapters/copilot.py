"""GitHub Copilot CLI: its hook preToolUse."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gitslices.agents.adapters.adapter import (
    BELOW,
    OVER,
    Adapter,
    Intent,
    OwnFile,
    ServerEntry,
    Turn,
)
from gitslices.agents.adapters.patches import find_patched
from gitslices.agents.adapters.payload import (
    PayloadError,
    find_text,
    list_texts,
    require_table,
    require_text,
)

_EDITS: Final = frozenset({"create", "edit", "str_replace_editor"})
_SHELLS: Final = frozenset({"bash", "write_bash"})


def read_intent(payload: Mapping[str, Any]) -> Intent | None:
    """What the tool is about to write; None for a tool that writes no files."""
    tool, cwd = require_text(payload, "toolName"), find_text(payload, "cwd")
    if tool == "apply_patch":
        return Intent(cwd=cwd, paths=find_patched(require_text(payload, "toolArgs")))
    if tool in _EDITS:
        return Intent(cwd=cwd, paths=list_texts(_read_arguments(payload), "path", "file_path"))
    if tool in _SHELLS:
        return Intent(cwd=cwd, command=require_text(_read_arguments(payload), "command", "input"))
    return None


def read_turn(payload: Mapping[str, Any]) -> Turn | None:
    """How the session stands; most payloads do not name their event."""
    if "stopReason" in payload:
        return Turn(waiting=OVER)
    if payload.get("notification_type") == "permission_prompt":
        return Turn(waiting=find_text(payload, "message") or "may it use a tool?", vague=True)
    return Turn(waiting=None) if "prompt" in payload else None


def format_denial(reason: str) -> bytes:
    """The answer that keeps the tool from running; silence leaves the decision to others."""
    decision = {"permissionDecision": "deny", "permissionDecisionReason": reason}
    return msgspec.json.encode(decision) + b"\n"


def make_text(program: str) -> str:
    """The file with our hook, which starts `program`."""
    hook = {"type": "command", "bash": f"{program} guard --tool copilot", "timeoutSec": 30}
    turn = {**hook, "bash": f"{program} turn --tool copilot || true"}
    events = ("agentStop", "notification", "userPromptSubmitted")
    table = {
        "version": 1,
        "hooks": {"preToolUse": [hook], **{event: [turn] for event in events}},
    }
    return msgspec.json.format(msgspec.json.encode(table), indent=2).decode() + "\n"


def _read_arguments(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, which some builds hand over as the text of an object."""
    given = payload.get("toolArgs")
    if not isinstance(given, str):
        return require_table(payload, "toolArgs")
    try:
        return msgspec.json.decode(given, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise PayloadError("the payload's field 'toolArgs' is no object") from error


def make_edit(path: str) -> Mapping[str, Any]:
    """A payload that announces a new file."""
    return {"toolName": "create", "toolArgs": {"path": path, "file_text": ""}}


ADAPTER: Final = Adapter(
    name="copilot",
    config=".copilot",
    config_variable="COPILOT_HOME",
    project_variable="COPILOT_PROJECT_DIR",
    settings=".github/hooks/gitslices.json",
    user_settings="hooks/gitslices.json",
    deciding=("hooks", "settings.json", "config.json"),
    top_only=True,
    hooks=OwnFile(make_text=make_text),
    server=ServerEntry(path=".mcp.json"),
    skills=".agents/skills",
    notes="AGENTS.md",
    limits=(
        "tools of MCP servers",
        "a session in a folder that Copilot was not told to trust",
        "why a guard that cannot run says no: Copilot shows the exit code alone",
        BELOW,
    ),
    read_intent=read_intent,
    read_turn=read_turn,
    format_denial=format_denial,
    make_edit=make_edit,
)
