"""The command list. A command is `command` in the module of its name, or stands among its kin."""

from importlib import import_module
from types import TracebackType
from typing import Final

import click

_SECTIONS: Final = {
    "Plan": {
        "init": "Write a task graph to begin with.",
        "import": "Put the tasks of another tool into the graph file.",
        "task": "Add, change and take out tasks in the graph file.",
        "suggest": "Suggest the files that a task will write.",
        "plan": "Plan a task graph and, with --apply, make its worktrees.",
        "validate": "Check a task graph without a repository.",
        "export": "Tell the tool that tasks came from how far they are.",
        "trust": "Approve the commands that a repository wants run.",
    },
    "Work on a slice": {
        "ready": "Show what could be claimed, and what the rest waits for.",
        "claim": "Take a slice to work on, until a deadline.",
        "hold": "Keep a slice from workers for now.",
        "unhold": "Leave it to workers again.",
        "heartbeat": "Move the deadline of a lease.",
        "note": "Note something of a slice, or that it waits for a person.",
        "check": "Compare changes with the write scope of their slice.",
        "scope": "Show or widen what a slice may write.",
        "fetch": "Fetch the target, and see what has landed there.",
        "sync": "Bring slices onto the current target.",
        "gate": "Run the gates of slices, or show how they stand.",
        "review": "Record a review of a slice.",
        "done": "Run the gates of a slice, and end its lease as finished.",
        "release": "Give a slice back, its work kept.",
    },
    "Take it in": {
        "conflicts": "Show which slices under way would conflict.",
        "merge": "Merge finished slices into their target.",
        "publish": "Push branches, and open their pull requests.",
        "landed": "Say that a slice has landed in another way.",
        "prune": "Remove slices that are merged or no longer planned.",
        "remove": "Remove one slice's worktree and branch.",
        "undo": "Bring back what was removed.",
        "reopen": "Open a slice again that is done, merged or dropped.",
    },
    "See all of it": {
        "status": "Show where every slice stands.",
        "board": "Show all of it in a browser, and act there.",
        "show": "Show everything about one slice.",
        "join": "Take part in goals that other clones share.",
        "leave": "Take no part in shared goals any more.",
        "goal": "List goals, and end, reopen or rename one.",
        "path": "Print where a slice's worktree is.",
        "open": "Open a slice's worktree in an editor.",
        "run": "Work a whole goal with a command for each slice.",
        "scopes": "Show how well declared scopes have held.",
        "log": "Show who did what.",
        "logs": "Show what the command of a run has printed.",
        "doctor": "Find what is wrong, and repair it.",
    },
    "Around it": {
        "hook": "Hold the write scopes in git hooks.",
        "agent": "Keep coding agents inside their slices.",
        "mcp": "Serve the commands to agents by the Model Context Protocol.",
        "shell-init": "Make a shell know gitslices: gs cd SLICE, and completion.",
        "schema": "Print a JSON Schema.",
        "demo": "Show all of it on a small repository, in a minute.",
        "help": "Show what a command does.",
    },
}
"""The commands as `--help` lists them."""

COMMANDS: Final = {name: text for part in _SECTIONS.values() for name, text in part.items()}

_AMONG_KIN: Final = {
    name: module
    for module, names in {
        "checks": ("check", "scope", "scopes"),
        "evidence": ("gate", "review"),
        "graphs": ("validate", "schema"),
        "leases": ("claim", "ready", "heartbeat", "note", "release", "done"),
        "merging": ("fetch", "sync", "merge", "landed", "conflicts"),
        "removal": ("remove", "prune", "undo", "reopen"),
        "hold": ("hold", "unhold"),
        "places": ("path", "open", "shell-init"),
        "status": ("status", "show", "log", "logs"),
        "exchange": ("import", "export"),
        "task": ("init",),
        "share": ("join", "leave"),
    }.items()
    for name in names
}
"""Where a command is, as `NAME_command`, that has no module to itself."""


class _NamingContext(click.Context):
    """Tells a usage error which command it is about; click leaves that out of some."""

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> bool | None:
        """Leave the context of the command, with its name on an error that has none."""
        if isinstance(exc_value, click.UsageError) and exc_value.ctx is None:
            exc_value.ctx = self
        return super().__exit__(exc_type, exc_value, tb)


class LazyGroup(click.Group):
    """A group that imports a command only to run it, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of `_SECTIONS`, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"gitslices.cli.{_AMONG_KIN.get(cmd_name, cmd_name)}")
        attribute = f"{cmd_name.replace('-', '_')}_command"
        command = getattr(module, attribute if cmd_name in _AMONG_KIN else "command")
        assert isinstance(command, click.Command)  # noqa: S101
        parts = command.commands.values() if isinstance(command, click.Group) else ()
        for part in (command, *parts):
            part.context_class = _NamingContext
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begin with, else an error that offers the nearest one."""
        if args[0].startswith("-") or args[0] in COMMANDS:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        near = get_close_matches(args[0].casefold(), COMMANDS, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise click.UsageError(f"No such command {args[0]!r}.{meant}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The lists for `--help`, from the one-line texts above."""
        width = max(map(len, COMMANDS))
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in commands.items()])
