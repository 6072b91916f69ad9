"""What is known of a coding agent: where its settings live, what it announces, how it hears no."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Hooks = Mapping[str, list[dict[str, Any]]]


class Intent(Struct, frozen=True, kw_only=True):
    """What an agent is about to do: write `paths`, run the shell command `command`.

    `cwd` is where the session is, `folder` where the command runs if that is elsewhere; either is
    empty where the tool does not name it.
    """

    cwd: str
    folder: str = ""
    paths: tuple[str, ...] = ()
    command: str = ""


class HookTable(Struct, frozen=True, kw_only=True):
    """Hooks below the key `hooks` of a JSON file that holds other settings, too.

    `make_hooks` gives them by event; they start the given program. `fields` stand in a new file.
    """

    make_hooks: Callable[[str], Hooks]
    fields: Mapping[str, Any] = {}


class OwnFile(Struct, frozen=True, kw_only=True):
    """A file that is gitslices' alone; its text starts the given program."""

    make_text: Callable[[str], str]


class Adapter(Struct, frozen=True, kw_only=True):
    """A coding agent.

    `settings` and `skills` are paths in a worktree, `notes` the file that it reads first, if it is
    ours to write in. In `config`, beneath the user's home unless the variable `config_variable`
    says otherwise, it keeps settings and memory of its own. The variable `project_variable` says
    where a session was started. `limits` name what its hooks do not see.
    """

    name: str
    config: str
    config_variable: str
    project_variable: str = ""
    settings: str
    hooks: HookTable | OwnFile
    skills: str
    notes: str | None
    limits: tuple[str, ...]
    read_intent: Callable[[Mapping[str, Any]], Intent | None]
    """What a payload announces; None for a tool that writes no file."""
    format_denial: Callable[[str], bytes]
    """The answer that says no; silence leaves the decision to whoever has it otherwise."""
