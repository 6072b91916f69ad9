"""What agents of one kind share: calls of tools in their payloads, hooks in their settings."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gitslices.agents.adapters.adapter import Hooks, Intent
from gitslices.agents.adapters.payload import (
    find_text,
    list_texts,
    require_table,
    require_text,
)


class ToolCalls(Struct, frozen=True, kw_only=True):
    """How an agent's payload names a tool and its arguments.

    `edits` write the files that the arguments `paths` name, `shells` run the argument `command`, in
    the folder that one of `folders` names, if any.
    """

    edits: frozenset[str]
    shells: frozenset[str]
    paths: tuple[str, ...]
    folders: tuple[str, ...] = ()
    tool: str = "tool_name"
    arguments: str = "tool_input"

    def read(self, payload: Mapping[str, Any]) -> Intent | None:
        """What the tool is about to do; None for a tool that writes no files."""
        tool, cwd = require_text(payload, self.tool), find_text(payload, "cwd")
        if tool not in self.edits | self.shells:
            return None
        given = require_table(payload, self.arguments)
        if tool in self.edits:
            return Intent(cwd=cwd, paths=list_texts(given, *self.paths))
        folder = find_text(given, *self.folders)
        return Intent(cwd=cwd, folder=folder, command=require_text(given, "command"))


class GuardHooks(Struct, frozen=True, kw_only=True):
    """The hooks that all agents of this kind have in their settings.

    At `event`, before the tools that `matcher` names, the guard is asked; the events `told` tell
    how the session stands. `name` is what each hook is called, where the agent wants to know.
    """

    agent: str
    event: str = "PreToolUse"
    matcher: str
    timeout: int
    told: tuple[str, ...]
    name: str = ""

    def make(self, program: str) -> Hooks:
        """The hooks by event; `program` is what they start."""
        fields = {**({"name": self.name} if self.name else {}), "type": "command",
                  "timeout": self.timeout}  # fmt: skip
        guard = {**fields, "command": f"{program} guard --tool {self.agent}"}
        # Whatever becomes of the word on a turn, the session goes on.
        turn = {**fields, "command": f"{program} turn --tool {self.agent} || true"}
        hooks = {self.event: [{"matcher": self.matcher, "hooks": [guard]}]}
        return {**hooks, **{one: [{"hooks": [dict(turn)]}] for one in self.told}}
