"""`gitslices board`."""

import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec import Struct

from gitslices.cli.options import (
    Outcome,
    common_options,
    find_user,
    get_named_by_hook,
    make_absolute,
    open_here,
)
from gitslices.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitslices.workspace import Workspace

_PORTS: Final = click.IntRange(0, 65535)

_EXAMPLES = """\b
Examples:
  gitslices board                              in the browser, until Ctrl-C
  gitslices board --read-only --port 8137      for a screen on the wall
  gitslices board --host 0.0.0.0 --no-browser  for a phone in the same network
"""


class BoardReport(Struct, frozen=True, kw_only=True):
    """What `gitslices board --json` prints before it serves: whoever has `url` may come in."""

    url: str
    host: str
    port: int
    read_only: bool


@click.command(epilog=_EXAMPLES)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen; 0.0.0.0 for everybody in the network who has the address.",
)
@click.option(
    "--port", type=_PORTS, metavar="N", default=0, help="The port.  [default: one that is free]"
)
@click.option("--read-only", is_flag=True, help="Offer nothing that changes anything.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@common_options
def command(
    *, host: str, port: int, read_only: bool, no_browser: bool, directory: Path, as_json: bool
) -> int | Outcome:
    """Show what is under way in a browser, live, until Ctrl-C.

    One page, served by this command: the waves with their progress and the critical path of what is
    left, a card for each slice, who waits for whom and why, what may be merged, and of each slice
    its changes, log, attempts and output. What can be done there, each with the command it stands
    for: review, merge, sync, release, try again, allow a path. The address holds a token; whoever
    has it may do all of this.
    """  # fmt: skip
    try:
        from gitslices.board.server import BoardSettings, listen, name_url, serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "gitslices":
            raise
        raise InputError(
            "the board needs starlette and uvicorn, which are not installed",
            hint="install them: pip install 'gitslices[board]'",
        ) from error
    # What is wrong with the repository is said here, and not on a page.
    open_here(directory)
    there = listen(host, port)
    token = secrets.token_urlsafe(24)
    taken = there.getsockname()[1]
    url = name_url(host, taken, token)
    _tell(BoardReport(url=url, host=host, port=taken, read_only=read_only), as_json=as_json)
    settings = BoardSettings(
        open_workspace=_make_opener(directory), token=token, host=host,
        user=None if read_only else find_user(),
    )  # fmt: skip
    browses = not (no_browser or as_json) and sys.stdout.isatty()
    serve(settings, there, url if browses else None)
    return 0


def _tell(report: BoardReport, *, as_json: bool) -> None:
    if as_json:
        from gitslices.output.document import encode_document

        click.echo(encode_document(report), nl=False)
    else:
        click.echo(f"board: {report.url}\nCtrl-C ends it", color=False)
    sys.stdout.flush()


def _make_opener(directory: Path) -> "Callable[[], Workspace]":
    from gitslices.recovery.recovery import recover
    from gitslices.workspace import probe_workspace

    place, git_dir = make_absolute(directory), get_named_by_hook(directory).git_dir

    def open_one() -> "Workspace":
        # Each thread its own: git and the store are asked from several at once.
        workspace = probe_workspace(
            place, git_dir=git_dir, clock=lambda: datetime.now(UTC), purpose="gitslices board"
        )
        recover(workspace)
        return workspace

    return open_one
