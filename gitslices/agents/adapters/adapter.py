"""What is known of a coding agent: where its settings live, what it announces, how it hears no."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from gitslices.git.environment import find_home

BELOW: Final = "a session started in a folder below the worktree"
"""What hooks in a repository do not see, and those in the user's settings do."""

OVER: Final = "its turn is over"
"""What a session waits for that says no more."""

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


class Turn(Struct, frozen=True, kw_only=True):
    """How a session stands: what it waits for a person to do, None where it goes on.

    What is `vague` says nothing new where it is known already that it waits.
    """

    waiting: str | None
    vague: bool = False


def read_no_turn(payload: Mapping[str, Any]) -> Turn | None:
    """An agent whose hooks do not tell."""
    return None


class HookTable(Struct, frozen=True, kw_only=True):
    """Hooks below the key `hooks` of a JSON file that holds other settings, too.

    `make_hooks` gives them by event; they start the given program. Those of the events
    `project_only` have no place in a user's settings. `fields` stand in a new file.
    """

    make_hooks: Callable[[str], Hooks]
    project_only: frozenset[str] = frozenset()
    fields: Mapping[str, Any] = {}


class OwnFile(Struct, frozen=True, kw_only=True):
    """A file that is gitslices' alone; its text starts the given program."""

    make_text: Callable[[str], str]


class ServerEntry(Struct, frozen=True, kw_only=True):
    """The MCP server below `key` of a file in a worktree, as `gitslices` on PATH serves it."""

    path: str
    key: str = "mcpServers"
    value: Mapping[str, Any] = field(
        default_factory=lambda: {"command": "gitslices", "args": ["mcp"]}
    )


class SettingsFile(Struct, frozen=True, kw_only=True):
    """A settings file that may hold our hooks, as an agent in `worktree` would read it.

    `config` is the folder of the user's settings, `main` the main worktree.
    """

    path: Path
    text: str
    worktree: Path
    main: Path | None
    config: Path | None


def heed_all(settings: SettingsFile) -> str | None:
    """An agent that heeds the hooks of every settings file it reads."""
    return None


class Adapter(Struct, frozen=True, kw_only=True):
    """A coding agent.

    `settings` and `skills` are paths in a worktree, `notes` the file that it reads first, if it is
    ours to write in. In `config`, beneath the user's home unless the variable `config_variable`
    says otherwise, it keeps settings and memory of its own, hooks for all projects among them in
    the file `user_settings`, None where it has none. The variable `project_variable` says where a
    session was started; with `top_only` it reads the settings of that folder alone. With
    `reads_main` it takes those of a linked worktree from the main one, if the folder is there, too.
    Of that folder, what `deciding` names says which hooks it asks, and is for the user to write.
    `limits` name what its hooks do not see.
    """

    name: str
    config: str
    config_variable: str
    project_variable: str = ""
    settings: str
    user_settings: str | None = None
    deciding: tuple[str, ...] = ()
    top_only: bool = False
    reads_main: bool = False
    hooks: HookTable | OwnFile
    server: ServerEntry
    skills: str
    notes: str | None
    limits: tuple[str, ...]
    read_intent: Callable[[Mapping[str, Any]], Intent | None]
    """What a payload announces; None for a tool that writes no file."""
    format_denial: Callable[[str], bytes]
    """The answer that says no; silence leaves the decision to whoever has it otherwise."""
    make_edit: Callable[[str], Mapping[str, Any]]
    """A payload that announces a new file at a path."""
    read_turn: Callable[[Mapping[str, Any]], Turn | None] = read_no_turn
    """How the session stands by a payload; None for one that does not tell."""
    find_unheeded: Callable[[SettingsFile], str | None] = heed_all
    """Why the agent would not start the hooks in a settings file; None where it would."""


def find_config(adapter: Adapter, environ: Mapping[str, str]) -> Path | None:
    """Where the agent keeps settings of its user; None where nobody can know."""
    named = environ.get(adapter.config_variable, "")
    home = find_home(environ)
    return Path(named) if named.startswith("/") else home and home / adapter.config
