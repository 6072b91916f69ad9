"""`gitslices validate` and `schema`; the task graph that a command line means."""

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.options import Outcome, common_options, get_named_by_hook, make_absolute
from gitslices.core.errors import InputError
from gitslices.core.naming import GRAPH_FILE
from gitslices.git.environment import get_cwd
from gitslices.schemas import NAMES

if TYPE_CHECKING:
    from gitslices.core.model import RepoTree
    from gitslices.graph.scopes import ScopedGraph


def load_source(file: str | None, root: Path) -> "ScopedGraph":
    """The graph with its scopes: in `file`, on standard input for `-`, else the one at `root`.

    A relative `file` starts from the current directory, whatever `-C` says.
    """
    from gitslices.graph.load import find_graph_file, load_graph, load_graph_stream

    if file == "-":
        return load_graph_stream(sys.stdin.buffer, "standard input")
    if file is not None:
        path = Path(file)
        return load_graph(path if path.is_absolute() else get_cwd() / path, file)
    found = find_graph_file(root)
    if found is None:
        raise InputError(
            f"no task graph at {str(root)!r}",
            hint="begin with one: gitslices init; or name a FILE",
        )
    return load_graph(found)


_VALIDATE_EXAMPLES = """\b
Examples:
  gitslices validate tasks.yaml
  gitslices validate --strict
  make-graph | gitslices validate - --json
"""


@click.command("validate", epilog=_VALIDATE_EXAMPLES)
@click.argument("file", required=False)
@click.option("--strict", is_flag=True, help="Refuse entries that match no file.")
@common_options
def validate_command(*, file: str | None, strict: bool, directory: Path, as_json: bool) -> Outcome:
    """Check the task graph in FILE, and report every error with its place.

    Tasks that would get no slice are named with the reason; they are no errors. Entries that match
    no file of HEAD are named with the one that was perhaps meant; with --strict they are errors.

    FILE is JSON, YAML or TOML, `-` standard input; a relative path starts from the current
    directory, also with -C. Without it, the first of gitslices.toml, gitslices.yaml, gitslices.json
    and task_graph.json at the repository's root, or in DIR where there is none.
    """
    from gitslices.git.discovery import find_top
    from gitslices.output.text.plan import (
        format_assumed_owner,
        format_unmatched,
        summarize_skipped,
    )
    from gitslices.output.words import count, escape
    from gitslices.planning.policy import find_assumed_owner, find_skipped
    from gitslices.planning.unmatched import find_unmatched, refuse_unmatched

    here = make_absolute(directory)
    scoped = load_source(file, find_top(here) or here)
    goal_id, tasks = scoped.graph.goal_id, len(scoped.graph.tasks)
    skipped, owner = find_skipped(scoped), find_assumed_owner(scoped.graph)
    tree = read_tree_at(here)
    if tree and strict:
        refuse_unmatched(scoped, tree)
    unmatched = find_unmatched(scoped, tree) if tree else ()

    def text() -> str:
        head = f"{escape(goal_id)}: {count(tasks, 'task')}, no errors"
        said = (format_assumed_owner(owner),) if owner else ()
        warnings = format_unmatched(unmatched)
        return "\n".join((head, *summarize_skipped(skipped), *said, *warnings)) + "\n"

    return Outcome(
        document={
            "ok": True, "goal_id": goal_id, "tasks": tasks, "skipped": skipped,
            "assumed_owner": owner, "unmatched": unmatched,
        },
        text=text,
    )  # fmt: skip


def locate_source(directory: Path, file: str | None) -> Path:
    """The graph file that is to be changed: `file`, else the one at the root of `directory`."""
    from gitslices.git.discovery import find_top
    from gitslices.graph.load import find_graph_file

    if file is not None:
        return get_cwd() / file
    here = make_absolute(directory)
    root = find_top(here) or here
    found = find_graph_file(root)
    if found is None:
        raise InputError(
            f"no task graph at {str(root)!r}",
            hint=f"begin with one: gitslices init; or name it: --file FILE (say {GRAPH_FILE})",
        )
    return found


def read_tree_at(directory: Path) -> "RepoTree | None":
    """The files of HEAD; None where there is no repository, or none that can be asked."""
    from gitslices.core.errors import GitslicesError
    from gitslices.git.discovery import probe_repository
    from gitslices.git.read import find_commit, read_config, read_tree

    try:
        repo = probe_repository(directory, get_named_by_hook(directory).git_dir)
        commit = find_commit(repo, "HEAD")
        return read_tree(repo, commit, read_config(repo)) if commit else None
    except GitslicesError:
        return None


_SCHEMA_EXAMPLES = """\b
Examples:
  gitslices schema task-graph > task-graph.schema.json
  gitslices schema claim
"""


@click.command("schema", epilog=_SCHEMA_EXAMPLES)
@click.argument("name", type=click.Choice(NAMES), metavar="NAME")
@common_options
def schema_command(*, name: str, directory: Path, as_json: bool) -> Outcome:
    """Print a JSON Schema.

    NAME is task-graph for what `plan` reads, else what is printed with --json: by a command (claim,
    gate), by one of its parts or options (hook-run, plan-diff), or where it fails (error).
    """
    text = files("gitslices.schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    return Outcome(document=json.loads(text), text=lambda: text)
