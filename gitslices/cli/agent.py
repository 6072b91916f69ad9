"""`gitslices agent`: guard."""

import click

from gitslices.agents.tools import TOOLS

_EXAMPLES = """\b
Examples:
  gitslices agent guard --tool claude < payload.json
"""


@click.group(epilog=_EXAMPLES, no_args_is_help=False)
def command() -> None:
    """Keep coding agents inside their slices."""


@command.command("guard")
@click.option("--tool", required=True, type=click.Choice(TOOLS), help="Whose hook it is.")
def guard_command(*, tool: str) -> int:
    """Say no to an edit outside the write scope of the slice that the session is in.

    Reads what the tool tells its hooks before an edit or a command from standard input. Silence
    leaves the decision to whoever has it otherwise; so it is in every place that is no slice. Exits
    2, a no for all tools, where it fails.
    """
    from gitslices.agents.guard import run

    return run([tool])
