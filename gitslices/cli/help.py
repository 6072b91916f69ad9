"""`gitslices help`."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options

_EXAMPLES = """\b
Examples:
  gitslices help
  gitslices help claim
  gitslices help hook install
"""


@click.command(epilog=_EXAMPLES)
@click.argument("names", metavar="[COMMAND]...", nargs=-1)
@common_options
@click.pass_context
def command(
    context: click.Context, *, names: tuple[str, ...], directory: Path, as_json: bool
) -> Outcome:
    """Show what a command does; without COMMAND, which commands there are."""
    shown = context.find_root()
    for name in names:
        group = shown.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{shown.command_path!r} has no commands below it", shown)
        _, found, _ = group.resolve_command(shown, [name])
        assert found is not None  # noqa: S101 - else `resolve_command` has raised
        shown = click.Context(found, info_name=name, parent=shown)
    text = shown.command.get_help(shown) + "\n"
    return Outcome(
        document={"ok": True, "command": shown.command_path, "help": text}, text=lambda: text
    )
