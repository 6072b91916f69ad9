"""`gitslices init`, and `gitslices task`: add, set, rm."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from gitslices.cli.graphs import locate_source, read_tree_at
from gitslices.cli.options import Outcome, common_options, make_absolute, open_here

if TYPE_CHECKING:
    from gitslices.ops.graph_file import Action

_Function = TypeVar("_Function", bound=Callable[..., Any])

_INIT_EXAMPLES = """\b
Examples:
  gitslices init
  gitslices init --goal auth-rework
"""


@click.command("init", epilog=_INIT_EXAMPLES)
@click.option("--goal", "goal_id", metavar="ID", help="What to call it.  [default: the repository]")
@common_options
def init_command(*, goal_id: str | None, directory: Path, as_json: bool) -> Outcome:
    """Write a task graph to begin with: gitslices.toml at the repository's root.

    It has a goal, defaults and one task, from what the repository looks like, and says what each
    field is for. A graph that is there already is left alone.
    """
    from gitslices.ops.graph_file import init
    from gitslices.output.words import escape

    report = init(open_here(directory), goal_id)
    return Outcome(
        document=report,
        text=lambda: (
            f"wrote {escape(report.path)}: goal {escape(report.goal_id)}, with one task\n"
            "next: edit it, or gitslices task add ID --write PATTERN; then gitslices plan\n"
        ),
    )


_EXAMPLES = """\b
Examples:
  gitslices task add api --write src/api/ tests/api/ --title "Token endpoint"
  gitslices task add ui --write src/ui/ --after api
  gitslices task set ui --risk high --unset dependencies
  gitslices task rm ui
"""

_LISTS: Final = ("--write", "--read", "--checkout", "--after", "--acceptance", "--unset")
_OPTIONS: Final = {
    "write_set": ("--write", "PATTERN...", "What it may change: paths, patterns, !exceptions."),
    "read_set": ("--read", "PATTERN...", "What must not change while it runs."),
    "checkout_set": ("--checkout", "PATTERN...", "What a sparse worktree has besides."),
    "dependencies": ("--after", "ID...", "Tasks that have to be merged before it begins."),
    "title": ("--title", "TEXT", "The task in one line."),
    "description": ("--description", "TEXT", "What is to be done."),
    "acceptance": ("--acceptance", "TEXT...", "What must be true when it is done."),
    "risk": ("--risk", "TEXT", "low, medium, high, or any text."),
    "owner_role": ("--owner", "NAME", "Who does it."),
    "status": ("--status", "STATUS", "pending, blocked or done."),
}


class _TaskCommand(click.Command):
    """Takes several values after one option of a list: `--write src/ tests/`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write each further value with its option again, as click wants it."""
        spread: list[str] = []
        option = None
        for arg in args:
            if arg.startswith("-"):
                option = arg if arg in _LISTS else None
                spread += () if option else (arg,)
            else:
                spread += (arg,) if option is None else (option, arg)
        return super().parse_args(ctx, spread)


def _field_options(function: _Function) -> _Function:
    function = click.option(
        "--estimate", type=float, metavar="COST", help="What it costs beside the others."
    )(function)
    for name, (option, metavar, text) in reversed(_OPTIONS.items()):
        function = click.option(
            option, name, metavar=metavar, help=text, multiple=option in _LISTS,
            default=None,
        )(function)  # fmt: skip
    return function


_file_option = click.option(
    "--file", metavar="FILE", help="The graph.  [default: the one at the repository's root]"
)


@click.group(epilog=_EXAMPLES)
def command() -> None:
    """Add, change and take out tasks in the graph file, its comments kept.

    The graph must be a sound one afterwards, or else the file stays as it is.
    """


@command.command("add", cls=_TaskCommand)
@click.argument("task_id", metavar="ID")
@_field_options
@_file_option
@common_options
def add_command(
    *, task_id: str, file: str | None, directory: Path, as_json: bool, **values: Any
) -> Outcome:
    """Add a task; without --write it gets no slice until it has one."""
    return _edit("add", directory, file, task_id, _read_fields(values))


@command.command("set", cls=_TaskCommand)
@click.argument("task_id", metavar="ID")
@_field_options
@click.option(
    "--unset", "unset", metavar="FIELD...", multiple=True, help="Take fields away: read_set, risk."
)
@_file_option
@common_options
def set_command(
    *,
    task_id: str,
    unset: tuple[str, ...],
    file: str | None,
    directory: Path,
    as_json: bool,
    **values: Any,
) -> Outcome:
    """Change a task; a list that is given takes the place of the one before."""
    fields = _read_fields(values) | dict.fromkeys(map(_name_field, unset))
    if not fields:
        raise click.UsageError("say what is to be changed")
    return _edit("set", directory, file, task_id, fields)


@command.command("rm")
@click.argument("task_id", metavar="ID")
@_file_option
@common_options
def remove_command(*, task_id: str, file: str | None, directory: Path, as_json: bool) -> Outcome:
    """Take a task out, if no other one waits for it."""
    return _edit("rm", directory, file, task_id, {})


def _read_fields(values: dict[str, Any]) -> dict[str, object]:
    given = {name: value for name, value in values.items() if value not in (None, ())}
    fields: dict[str, object] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in given.items()
    }
    estimate = given.get("estimate")
    if estimate is not None and estimate.is_integer():
        fields["estimate"] = int(estimate)
    return fields


def _name_field(text: str) -> str:
    """A field of a task, by its own name or as its option has it."""
    by_option = {option.removeprefix("--"): name for name, (option, *_) in _OPTIONS.items()}
    name = by_option.get(text.removeprefix("--"), text.removeprefix("--"))
    known = (*_OPTIONS, "estimate", "metadata")
    if name not in known:
        raise click.UsageError(f"there is no field {text!r} to take away: {', '.join(known)}")
    return name


def _edit(
    action: "Action", directory: Path, file: str | None, task_id: str, fields: dict[str, object]
) -> Outcome:
    from gitslices.ops.graph_file import EditRequest, edit
    from gitslices.output.text.plan import format_unmatched
    from gitslices.output.words import escape
    from gitslices.planning.unmatched import find_unmatched

    path = locate_source(directory, file)
    name = file or path.name
    scoped = edit(EditRequest(path=path, name=name, action=action, task_id=task_id, fields=fields))
    tree = read_tree_at(make_absolute(directory))
    remarks = find_unmatched(scoped, tree) if tree and action != "rm" else ()
    own = tuple(one for one in remarks if one.task_id == task_id)
    done = {"add": "added to", "set": "changed in", "rm": "taken out of"}[action]

    def text() -> str:
        return (
            "\n".join((f"{escape(task_id)} {done} {escape(name)}", *format_unmatched(own))) + "\n"
        )

    task = next((one for one in scoped.graph.tasks if one.id == task_id), None)
    document = {"path": str(path), "task_id": task_id, "task": task, "unmatched": own}
    return Outcome(document=document, text=text)
