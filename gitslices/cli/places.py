"""`gitslices path`, `open` and `shell-init`."""

import subprocess
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gitslices.cli.options import (
    Outcome,
    can_ask,
    choose_slice,
    common_options,
    goal_option,
    probe_here,
    slice_argument,
)
from gitslices.core.model import SliceId

if TYPE_CHECKING:
    from gitslices.ops.places import PathReport
    from gitslices.workspace import Workspace

_PATH_EXAMPLES = """\b
Examples:
  cd "$(gitslices path api)"
  gs cd api                     with what shell-init gives
  gs cd                         choose from a list
"""


@click.command("path", epilog=_PATH_EXAMPLES)
@slice_argument
@goal_option
@common_options
def path_command(
    *, slice_id: str | None, goal_id: str | None, directory: Path, as_json: bool
) -> Outcome:
    """Print where the worktree of SLICE is.

    A slice that nobody has begun is brought to its target first, as a claim does it.
    Without SLICE a terminal offers a list to choose from; elsewhere it is the slice at hand.
    """
    place = _enter(probe_here(directory), slice_id, goal_id)
    return Outcome(document=place, text=lambda: f"{place.worktree_path}\n")


_OPEN_EXAMPLES = """\b
Examples:
  gitslices open api
  gitslices open                                     choose from a list
  git config --global gitslices.editor "code -n"     what it starts
"""


@click.command("open", epilog=_OPEN_EXAMPLES)
@slice_argument
@goal_option
@common_options
def open_command(
    *, slice_id: str | None, goal_id: str | None, directory: Path, as_json: bool
) -> Outcome:
    """Open the worktree of SLICE in an editor.

    The editor is $GITSLICES_EDITOR, `git config gitslices.editor` or $VISUAL; a shell starts it, as
    git starts core.editor, with the folder behind its words. Without SLICE a terminal offers a list
    to choose from; elsewhere it is the slice at hand.
    """
    from gitslices.core.errors import RefusedError
    from gitslices.ops.places import OpenReport, find_editor
    from gitslices.output.words import escape

    workspace = probe_here(directory)
    editor = find_editor(workspace)
    place = _enter(workspace, slice_id, goal_id)
    # Under --json nothing but the document may come to standard output.
    output = 2 if as_json else None
    argv = ["/bin/sh", "-c", f'{editor} "$@"', editor, place.worktree_path]
    status = subprocess.run(argv, cwd=place.worktree_path, stdout=output, check=False).returncode
    if status != 0:
        raise RefusedError(f"the editor has ended with exit status {status}: {editor}")
    report = OpenReport(
        goal_id=place.goal_id,
        slice_id=place.slice_id,
        worktree_path=place.worktree_path,
        editor=editor,
    )
    return Outcome(document=report, text=lambda: f"opened {escape(place.worktree_path)}\n")


def _enter(workspace: "Workspace", slice_id: str | None, goal_id: str | None) -> "PathReport":
    from gitslices.ops.places import enter
    from gitslices.output.words import escape

    if slice_id is None and can_ask():
        chosen = _ask(workspace, goal_id)
        place = enter(workspace, chosen.slice_id, chosen.goal_id)
    else:
        place = enter(workspace, *choose_slice(workspace, slice_id, goal_id))
    for warning in place.warnings or ():
        click.echo(f"warning: {escape(warning)}", err=True)
    return place


def _ask(workspace: "Workspace", goal_id: str | None) -> "PathReport":
    """The slice that a person chooses, by its number or its name."""
    from gitslices.core.errors import RefusedError
    from gitslices.ops.places import list_places
    from gitslices.output.text.leases import format_places

    places = list_places(workspace, goal_id)
    if not places:
        raise RefusedError("no slice has a worktree", hint="see: gitslices status")
    click.echo(format_places(places), err=True, nl=False)
    while True:
        # Not on standard output: that is the path, and a shell takes it.
        said = click.prompt("which", err=True)
        named = [place for place in places if place.slice_id == SliceId(said)]
        if len(named) == 1:
            return named[0]
        if said.isdecimal() and 0 < int(said) <= len(places):
            return places[int(said) - 1]
        click.echo(f"choose 1 to {len(places)}, or a name that is there once", err=True)


SHELLS: Final = ("bash", "zsh", "fish")

_SHELL_EXAMPLES = """\b
Examples:
  eval "$(gitslices shell-init bash)"       in ~/.bashrc
  eval "$(gitslices shell-init zsh)"        in ~/.zshrc, after compinit
  gitslices shell-init fish | source        in ~/.config/fish/config.fish
"""


@click.command("shell-init", epilog=_SHELL_EXAMPLES)
@click.argument("shell", type=click.Choice(SHELLS))
@common_options
def shell_init_command(*, shell: str, directory: Path, as_json: bool) -> Outcome:
    """Print what makes a shell know gitslices: `gs cd SLICE`, and completion.

    `gs` is gitslices, and can change the shell's directory. Commands, options, slices, goals, gates
    and holders are completed for gitslices, for gs and for `git slices`. Ghostscript, where it is
    called gs, is `command gs` then.
    """
    script = files("gitslices.shells").joinpath(f"init.{shell}").read_text("utf-8")
    return Outcome(document={"shell": shell, "script": script}, text=lambda: script)
