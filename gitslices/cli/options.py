"""What every command takes, and the workspace it works in."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from msgspec import Struct

from gitslices.cli.numbers import Seconds
from gitslices.git.environment import NamedByHook, get_cwd

if TYPE_CHECKING:
    from gitslices.workspace import Workspace

_LOCK_TIMEOUT: Final = 120
_LONGEST_WAIT: Final = 30 * 86400

Function = TypeVar("Function", bound=Callable[..., Any])


class Outcome(Struct, frozen=True, kw_only=True):
    """What a command has to say: `document` under `--json`, else `text`.

    `unsaid` is the next move where neither can be printed and something is lost by that.
    """

    document: Any
    text: Callable[[], str]
    exit_code: int = 0
    unsaid: str | None = None


def common_options(function: Function) -> Function:
    """Add `-C` and `--json`, which every command takes."""
    function = click.option(
        "-C", "directory", metavar="DIR", default=".",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Work in the repository that holds DIR.",
    )(function)  # fmt: skip
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
    )(function)


def goal_option(function: Function) -> Function:
    """Add `--goal`, for repositories with several goals under way."""
    return click.option(
        "--goal", "goal_id", metavar="ID",
        help="The goal, if there are several.  [default: that of the worktree's slice]",
    )(function)  # fmt: skip


def goals_option(function: Function) -> Function:
    """Add `--goal` to a command that is about all goals where none is named."""
    return click.option("--goal", "goal_id", metavar="ID", help="Only this goal.  [default: all]")(
        function
    )


def lock_option(function: Function) -> Function:
    """Add `--lock-timeout`, for commands that change branches and worktrees."""
    return click.option(
        "--lock-timeout", type=Seconds(_LONGEST_WAIT), default=_LOCK_TIMEOUT, show_default=True,
        metavar="SECONDS", help="How long to wait for another gitslices.",
    )(function)  # fmt: skip


def open_here(directory: Path, *, lock_timeout: float = _LOCK_TIMEOUT) -> "Workspace":
    """The workspace of the repository at `directory`, with nothing left half done in it."""
    workspace = open_as_is(directory, lock_timeout=lock_timeout)
    _recover(workspace)
    return workspace


def probe_here(directory: Path, *, lock_timeout: float = _LOCK_TIMEOUT) -> "Workspace":
    """The same without GitPython, for commands that are quicker than its import."""
    from gitslices.workspace import probe_workspace

    workspace = _open(probe_workspace, directory, lock_timeout)
    _recover(workspace)
    return workspace


def open_as_is(directory: Path, *, lock_timeout: float) -> "Workspace":
    """The workspace of the repository at `directory`, whatever is left half done in it."""
    from gitslices.workspace import open_workspace

    return _open(open_workspace, directory, lock_timeout)


def _open(
    open_workspace: "Callable[..., Workspace]", directory: Path, lock_timeout: float
) -> "Workspace":
    return open_workspace(
        make_absolute(directory),
        git_dir=get_named_by_hook(directory).git_dir,
        clock=lambda: datetime.now(UTC),
        lock_timeout=lock_timeout,
        purpose=click.get_current_context().command_path,
    )


def _recover(workspace: "Workspace") -> None:
    from gitslices.ops.topology import recover

    recover(workspace)


def make_absolute(directory: Path) -> Path:
    """`directory` from the root, without `..`; raises as `get_cwd` does for a relative one."""
    whole = directory if directory.is_absolute() else get_cwd() / directory
    return Path(os.path.normpath(whole))


def get_named_by_hook(directory: Path) -> NamedByHook:
    """What git told us as its hook, unless `-C` leads elsewhere."""
    named = click.get_current_context().find_root().obj
    return named if str(directory) == "." and isinstance(named, NamedByHook) else NamedByHook()


def can_ask() -> bool:
    """Whether a person can be asked: one who sees standard error and answers on standard input."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_terminal() -> bool:
    """Whether a person watches standard error."""
    return sys.stderr.isatty()
