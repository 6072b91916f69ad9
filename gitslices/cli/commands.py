"""The command list. Each command lives in the module of its name, as `command`."""

from importlib import import_module
from types import TracebackType
from typing import Final

import click

COMMANDS: Final = {
    "plan": "Plan a task graph and, with --apply, make its worktrees.",
    "validate": "Check a task graph without a repository.",
    "status": "Show where every slice stands.",
    "ready": "Show what could be claimed, and what the rest waits for.",
    "claim": "Take a slice to work on, until a deadline.",
    "heartbeat": "Move the deadline of a lease.",
    "release": "Give a slice back, its work kept.",
    "done": "Run the gates of a slice, and end its lease as finished.",
    "gate": "Run the gates of slices, or show how they stand.",
    "review": "Record a review of a slice.",
    "sync": "Bring slices onto the current target.",
    "merge": "Merge finished slices into their target.",
    "run": "Work a whole goal with a command for each slice.",
    "conflicts": "Show which slices under way would conflict.",
    "check": "Compare changes with the write scope of their slice.",
    "scope": "Show or widen what a slice may write.",
    "hook": "Hold the write scopes in git hooks.",
    "agent": "Keep coding agents inside their slices.",
    "remove": "Remove one slice's worktree and branch.",
    "prune": "Remove slices that are merged or no longer planned.",
    "trust": "Approve the commands that a repository wants run.",
    "undo": "Bring back what was removed.",
    "doctor": "Find what is wrong, and repair it.",
    "log": "Show who did what.",
    "schema": "Print a JSON Schema.",
}


class NamingContext(click.Context):
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
        """The commands in the order of use, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"gitslices.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101
        parts = command.commands.values() if isinstance(command, click.Group) else ()
        for part in (command, *parts):
            part.context_class = NamingContext
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for `--help`, from the one-line texts above."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
