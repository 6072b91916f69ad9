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
  gitslices schema plan
"""


@click.command(epilog=_EXAMPLES)
@click.argument("name", type=click.Choice(NAMES))
@common_options
def command(*, name: str, directory: Path, as_json: bool) -> Outcome:
    """Print the JSON Schema of a task graph, or of a document that --json prints."""
    text = files("gitslices.schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    return Outcome(document=json.loads(text), text=lambda: text)
