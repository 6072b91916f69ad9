"""What a command may do to the directory that it was started in."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gitslices.workspace import Workspace


@contextmanager
def tell_if_moved(workspace: "Workspace") -> Iterator[None]:
    """Say so if the current directory goes to the trash while the block lasts.

    Not refused: `git worktree remove` removes it, too, and says nothing.
    """
    before = _find_here()
    yield
    if before is None or _find_here() == before:
        return
    from gitslices.output.words import escape

    main = workspace.main_worktree
    way = f": cd {shlex.quote(str(main))}" if main else ""
    click.echo(f"the current directory is in the trash now{escape(way)}", err=True)


def _find_here() -> str | None:
    with suppress(OSError):
        return os.getcwd()  # noqa: PTH109
    return None
