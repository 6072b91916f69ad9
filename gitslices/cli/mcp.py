"""`gitslices mcp`."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options, make_absolute
from gitslices.core.errors import InputError

_EXAMPLES = """\b
Examples:
  gitslices mcp                              for the repository at hand
  gitslices mcp ~/code --allow merge         for all below that folder
  claude mcp add gitslices -- gitslices mcp
"""


@click.command(epilog=_EXAMPLES)
@click.argument(
    "roots", metavar="[ROOT]...", nargs=-1,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)  # fmt: skip
@click.option(
    "--allow", "allowed", type=click.Choice(["merge"]), multiple=True,
    help="Offer merge and sync, too, which move branches.",
)  # fmt: skip
@common_options
def command(
    *, roots: tuple[Path, ...], allowed: tuple[str, ...], directory: Path, as_json: bool
) -> int | Outcome:
    """Serve the commands to agents by the Model Context Protocol, on standard input and output.

    The tools status, ready, show, claim, heartbeat, check, done, release, scope_show, scope_allow,
    plan, validate and task_add take what the commands take and answer what these print with --json.
    Each can name a repository below ROOT, by default the first ROOT. There are the resources
    gitslices://status and gitslices://slice/ID, and a prompt that plans a goal. With --json it only
    shows what it would offer.
    """
    places = [make_absolute(root).resolve() for root in roots or (directory,)]
    moves_branches = "merge" in allowed
    if as_json:
        from gitslices.mcp.tools import offer_tools

        report = offer_tools(places, moves_branches=moves_branches)
        return Outcome(document=report, text=str)
    try:
        from gitslices.mcp.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "gitslices":
            raise
        raise InputError(
            "the MCP server needs the official SDK, which is not installed",
            hint="install it: pip install 'gitslices[mcp]'",
        ) from error

    serve(places, moves_branches=moves_branches)
    return 0
