"""`gitslices validate`."""

from pathlib import Path

import click

from gitslices.cli.options import Outcome, common_options, make_absolute

_EXAMPLES = """\b
Examples:
  gitslices validate tasks.yaml
  make-graph | gitslices validate - --json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", required=False)
@common_options
def command(*, file: str | None, directory: Path, as_json: bool) -> Outcome:
    """Check the task graph in FILE, and report every error with its place.

    Tasks that would get no slice are named with the reason; they are no errors.

    FILE is JSON, YAML or TOML, `-` standard input; a relative path starts from the current
    directory, also with -C. Without it, the first of gitslices.toml, gitslices.yaml, gitslices.json
    and task_graph.json at the repository's root, or in DIR where there is none.
    """
    from gitslices.cli.source import load_source
    from gitslices.git.discovery import find_top
    from gitslices.output.text.plan import format_assumed_owner, summarize_skipped
    from gitslices.output.words import count, escape
    from gitslices.planning.policy import find_assumed_owner, find_skipped

    here = make_absolute(directory)
    scoped = load_source(file, find_top(here) or here)
    goal_id, tasks = scoped.graph.goal_id, len(scoped.graph.tasks)
    skipped, owner = find_skipped(scoped), find_assumed_owner(scoped.graph)

    def text() -> str:
        head = f"{escape(goal_id)}: {count(tasks, 'task')}, no errors"
        said = (format_assumed_owner(owner),) if owner else ()
        return "\n".join((head, *summarize_skipped(skipped), *said)) + "\n"

    return Outcome(
        document={
            "ok": True, "goal_id": goal_id, "tasks": tasks, "skipped": skipped,
            "assumed_owner": owner,
        },
        text=text,
    )  # fmt: skip
