"""`gitslices schema`."""

import json
from importlib.resources import files
from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options
from gitslices.schemas import NAMES

_EXAMPLES = """\b
Examples:
  gitslices schema task-graph > task-graph.schema.json
  gitslices schema claim
"""


@click.command(epilog=_EXAMPLES)
@click.argument("name", type=click.Choice(NAMES), metavar="NAME")
@common_options
def command(*, name: str, directory: Path, as_json: bool) -> Outcome:
    """Print a JSON Schema.

    NAME is task-graph for what `plan` reads; plan, status, ready, claim or check for what these
    print with --json.
    """
    text = files("gitslices.schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    return Outcome(document=json.loads(text), text=lambda: text)
