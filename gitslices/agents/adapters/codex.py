"""Codex: its hook PreToolUse."""

import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any, Final

import msgspec

from gitslices.agents.adapters.adapter import (
    Adapter,
    HookTable,
    Intent,
    ServerEntry,
    SettingsFile,
)
from gitslices.agents.adapters.claude import TURNS, format_denial, read_turn
from gitslices.agents.adapters.patches import BEGIN, find_patched
from gitslices.agents.adapters.payload import find_text, list_texts, require_table, require_text
from gitslices.agents.adapters.tool_calls import GuardHooks
from gitslices.core.files import read_regular

_LARGEST: Final = 16 * 1024 * 1024

_SHELLS: Final = frozenset({"Bash", "shell", "local_shell", "exec_command", "shell_command"})
_HOOKS: Final = GuardHooks(
    agent="codex",
    matcher="apply_patch|Edit|Write|Bash|shell|local_shell|exec_command|shell_command",
    timeout=30,
    told=tuple(event for event in TURNS if event != "Notification"),
)


def read_intent(payload: Mapping[str, Any]) -> Intent | None:
    """What the tool is about to write; None for a tool that writes no files."""
    # Of a command it is the command's folder: the session is where the hook was started.
    tool, folder = require_text(payload, "tool_name"), find_text(payload, "cwd")
    if tool == "apply_patch":
        return Intent(cwd="", folder=folder, paths=find_patched(_read_command(payload)))
    if tool in {"Edit", "Write"}:
        paths = list_texts(require_table(payload, "tool_input"), "file_path", "path")
        return Intent(cwd="", folder=folder, paths=paths)
    if tool in _SHELLS:
        command = _read_command(payload)
        folder = str(PurePath(folder, find_text(payload["tool_input"], "workdir", "cwd")))
        if command.lstrip().startswith(BEGIN):
            return Intent(cwd="", folder=folder, paths=find_patched(command))
        return Intent(cwd="", folder=folder, command=command)
    return None


def _read_command(payload: Mapping[str, Any]) -> str:
    """A command as text; some builds hand over its words."""
    table = require_table(payload, "tool_input")
    words = table.get("command")
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        return words[1] if words[0] == "apply_patch" and len(words) == 2 else shlex.join(words)
    return require_text(table, "command", "cmd")


def make_edit(path: str) -> Mapping[str, Any]:
    """A payload that announces a new file."""
    patch = f"{BEGIN}\n*** Add File: {path}\n+\n*** End Patch\n"
    return {
        "hook_event_name": "PreToolUse",
        "tool_name": "apply_patch",
        "tool_input": {"command": patch},
    }


def find_unheeded(settings: SettingsFile) -> str | None:
    """Why Codex skips our hooks in silence: a project it does not trust, hooks not reviewed."""
    config = _read_config(settings.config)
    if _look(config, "features", "hooks") is False:
        return "its config.toml switches hooks off (features.hooks)"
    is_user = settings.config is not None and settings.path.parent == settings.config
    places = [str(place) for place in (settings.worktree, settings.main) if place]
    if not is_user and not any(
        _look(config, "projects", place, "trust_level") == "trusted" for place in places
    ):
        return "Codex does not trust this project: start it here once, and say so"
    groups = _look(msgspec.json.decode(settings.text), "hooks", "PreToolUse")
    for at, group in enumerate(groups if isinstance(groups, list) else []):
        hooks = _look(group, "hooks")
        for number, hook in enumerate(hooks if isinstance(hooks, list) else []):
            if not str(_look(hook, "command")).endswith("guard --tool codex"):
                continue
            key = f"{settings.path}:pre_tool_use:{at}:{number}"
            if _look(config, "hooks", "state", key, "enabled") is False:
                return "the hook is switched off in Codex: see /hooks there"
            reviewed = _look(config, "hooks", "state", key, "trusted_hash")
            if reviewed != hash_hook("pre_tool_use", group.get("matcher"), hook):
                return "nobody has reviewed the hook in Codex: start it, and trust it under /hooks"
    return None


def hash_hook(event: str, matcher: str | None, hook: Mapping[str, Any]) -> str:
    """What Codex (0.171) remembers of a hook that was reviewed; another one it skips."""
    from hashlib import sha256

    inner = {
        "async": bool(hook.get("async", False)),
        "command": hook["command"],
        "timeout": max(hook.get("timeout", 600), 1),
        "type": "command",
    }
    table = {"event_name": event, "hooks": [inner]} | ({"matcher": matcher} if matcher else {})
    return f"sha256:{sha256(msgspec.json.encode(table, order='deterministic')).hexdigest()}"


def _read_config(folder: Path | None) -> dict[str, Any]:
    import tomllib

    if folder is None:
        return {}
    with suppress(OSError, ValueError):
        return tomllib.loads(read_regular(folder / "config.toml", limit=_LARGEST).decode())
    return {}


def _look(table: object, *names: str) -> Any:
    """What is at `names`, one table in the other; None where that leads nowhere."""
    for name in names:
        table = table.get(name) if isinstance(table, dict) else None
    return table


ADAPTER: Final = Adapter(
    name="codex",
    config=".codex",
    config_variable="CODEX_HOME",
    settings=".codex/hooks.json",
    user_settings="hooks.json",
    deciding=("hooks.json", "config.toml"),
    reads_main=True,
    hooks=HookTable(make_hooks=_HOOKS.make),
    server=ServerEntry(path=".codex/config.toml", key="mcp_servers"),
    skills=".agents/skills",
    notes="AGENTS.md",
    limits=(
        "tools of MCP servers",
        "anything before its hooks are reviewed: /hooks in Codex",
        "what is typed into a shell that is open already (write_stdin)",
    ),
    read_intent=read_intent,
    read_turn=read_turn,
    format_denial=format_denial,
    make_edit=make_edit,
    find_unheeded=find_unheeded,
)
