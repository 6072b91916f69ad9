"""Manual pages in roff, from what the commands say of themselves under `--help`."""

import inspect
import re
from collections.abc import Iterator

import click

from gitslices import __version__
from gitslices.cli.commands import COMMANDS
from gitslices.cli.main import app

EXIT_STATUS = {
    "0": "done, or yes",
    "1": "an ordinary no: a violation, nothing ready, a lease that is held, a conflict",
    "2": "the input is wrong: usage, task graph, unknown slice",
    "3": "the repository or the machine is: not a repository, git failed, disk full",
    "4": "busy, safe to try again",
}
CLOSING = "\\fBgitslices help COMMAND\\fP shows the same where there is no man.\n"


def make_manuals() -> Iterator[tuple[str, str]]:
    """Names and texts: the program under both its names, and each command."""
    parent = click.Context(app, info_name="gitslices", **app.context_settings)
    yield "gitslices.1", make_manual(app, parent, "plan parallel work on one Git repository")
    # Git looks for this one when it is asked: git slices --help
    yield "git-slices.1", ".so man1/gitslices.1\n"
    for name, summary in COMMANDS.items():
        command = app.get_command(parent, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=parent)
        yield f"gitslices-{name}.1", make_manual(command, context, summary)


def make_manual(command: click.Command, context: click.Context, summary: str) -> str:
    name = context.command_path.replace(" ", "-")
    lines = [
        f'.TH "{escape(name.upper())}" 1 "" "gitslices {__version__}" "gitslices"',
        ".SH NAME",
        f"{escape(name)} \\- {escape(summary[0].lower() + summary[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
        *write_synopsis(command, context),
        ".SH DESCRIPTION",
        *write_paragraphs(command.help or ""),
        ".SH OPTIONS",
        *write_options(command, context),
    ]
    if isinstance(command, click.Group):
        lines += [".SH COMMANDS", *write_parts(command, context)]
    lines += write_examples(command.epilog or "")
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_STATUS.items():
        lines += [".TP", f"\\fB{code}\\fP", escape(meaning)]
    lines += [".SH SEE ALSO", "\\fBgitslices\\fP(1), \\fBgit\\-worktree\\fP(1)", ".PP"]
    return "\n".join(lines) + "\n" + CLOSING


def write_parts(group: click.Group, context: click.Context) -> Iterator[str]:
    if group is app:
        for name, summary in COMMANDS.items():
            yield from (".TP", f"\\fBgitslices\\-{escape(name)}\\fP(1)", escape(summary))
        return
    for name, part in group.commands.items():
        below = click.Context(part, info_name=name, parent=context)
        yield from (f".SS {escape(below.command_path)}", *write_synopsis(part, below), ".PP")
        yield from write_paragraphs(part.help or "")
        yield from write_options(part, below)


def write_synopsis(command: click.Command, context: click.Context) -> list[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    return [f"\\fB{escape(context.command_path)}\\fP {escape(pieces)}"]


def write_paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        yield from (escape(" ".join(paragraph.split())), ".PP")


def write_options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None:
            yield from (".TP", f"\\fB{escape(record[0])}\\fP", escape(record[1]))


def write_examples(epilog: str) -> list[str]:
    head, _, body = inspect.cleandoc(epilog.replace("\b\n", "")).partition("\n")
    if not body:
        return []
    title = "EXAMPLES" if head.startswith("Examples") else head.rstrip(":").upper()
    return [f".SH {title}", ".nf", *map(escape, body.splitlines()), ".fi"]


def escape(text: str) -> str:
    """The text as roff takes it for itself: no request, no escape, and hyphens to be copied."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + plain if plain.startswith((".", "'")) else plain
