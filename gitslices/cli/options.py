"""What several commands take, and the workspace that they work in."""

import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import click
from msgspec import Struct

from gitslices.core.model import SliceId
from gitslices.git.environment import NamedByHook, get_cwd


class _Whole(click.IntRange):
    """A whole number from `least` on; what is more than `most` is refused, and not in any help."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least)
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; fails as click does."""
        number = int(super().convert(value, param, ctx))
        if number > self._most:
            self.fail(f"{number} is more than {self._most}.", param, ctx)
        return number


class Seconds(click.FloatRange):
    """A span of at most `most` seconds; not NaN, which click lets pass any range."""

    def __init__(self, most: float = math.inf) -> None:
        super().__init__(0)
        self._most = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds; fails as click does."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        if seconds > self._most:
            self.fail(f"{value} is more than {self._most:g} seconds.", param, ctx)
        return seconds


JOBS: Final = _Whole(1, 1000)
"""How much goes on at once: each is a thread of ours."""

WORKERS: Final = _Whole(1, 1_000_000)
RETRIES: Final = _Whole(0, 1_000_000)
FAILURES: Final = _Whole(1, 1_000_000)
EVENTS: Final = _Whole(1, 1_000_000_000)
TOKEN: Final = _Whole(1, 1_000_000_000)


if TYPE_CHECKING:
    from gitslices.slices.claims import Caller
    from gitslices.workspace import Workspace

_LOCK_TIMEOUT: Final = 120
_LONGEST_WAIT: Final = 30 * 86400

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Outcome(Struct, frozen=True, kw_only=True):
    """What a command has to say: `document` under `--json`, else `text`, in parts if it is long.

    `unsaid` is the next move where neither can be printed and something is lost by that.
    """

    document: Any
    text: Callable[[], str | Iterable[str]]
    exit_code: int = 0
    unsaid: str | None = None


def common_options(function: _Function) -> _Function:
    """Add `-C` and `--json`, which every command takes."""
    function = click.option(
        "-C", "directory", metavar="DIR", default=".",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Work in the repository that holds DIR.",
    )(function)  # fmt: skip
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
    )(function)


def goal_option(function: _Function) -> _Function:
    """Add `--goal`, for repositories with several goals under way."""
    return click.option(
        "--goal", "goal_id", metavar="ID", shell_complete=offer("goals"),
        help="The goal, where SLICE and the place at hand leave a choice.",
    )(function)  # fmt: skip


def goals_option(function: _Function) -> _Function:
    """Add `--goal` to a command that is about all goals where none is named."""
    return click.option(
        "--goal",
        "goal_id",
        metavar="ID",
        shell_complete=offer("goals"),
        help="Only this goal.  [default: all]",
    )(function)


def offer(kind: Literal["goals", "slices", "gates", "holders"]) -> Callable[..., Any]:
    """What a shell asks for the names of that kind."""

    def complete(context: click.Context, param: click.Parameter, unfinished: str) -> list[Any]:
        # Imported here: only a shell that completes a line ever asks.
        from gitslices.cli.completion import OFFERS

        return OFFERS[kind](context, unfinished)

    return complete


def under_way_option(function: _Function) -> _Function:
    """Add `--goal` to a command that is about all goals under way where none is named."""
    return click.option(
        "--goal",
        "goal_id",
        metavar="ID",
        shell_complete=offer("goals"),
        help="Only this goal.  [default: all under way]",
    )(function)


def fetch_option(function: _Function) -> _Function:
    """Add `--fetch`, for commands that tell or use what the target has."""
    return click.option(
        "--fetch", is_flag=True, help="Fetch the target from its remote first."
    )(function)  # fmt: skip


def slice_argument(function: _Function) -> _Function:
    """Add `[SLICE]`, which `choose_slice` fills in where it is left out."""
    return click.argument(
        "slice_id", metavar="[SLICE]", required=False, shell_complete=offer("slices")
    )(function)


def choose_slice(
    workspace: "Workspace", slice_id: str | None, goal_id: str | None
) -> tuple[SliceId, str | None]:
    """The slice that was named, else the one whose worktree is at hand; and the goal to look in."""
    if slice_id is not None:
        return SliceId(slice_id), goal_id
    from gitslices.slices.goals import get_slice_here

    here = get_slice_here(workspace.repo.git_dir, goal_id)
    return here.slice_id, here.goal_id


def lock_option(function: _Function) -> _Function:
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
    context = click.get_current_context()
    return open_workspace(
        make_absolute(directory),
        git_dir=get_named_by_hook(directory).git_dir,
        clock=lambda: datetime.now(UTC),
        lock_timeout=lock_timeout,
        purpose=context.command_path,
        # A program that reads JSON would wait for ever.
        prompts=can_ask() and not context.params.get("as_json"),
    )


def _recover(workspace: "Workspace") -> None:
    from gitslices.recovery.recovery import recover

    recover(workspace)


def make_absolute(directory: Path) -> Path:
    """`directory` from the root, without `..`; raises as `get_cwd` does for a relative one."""
    whole = directory if directory.is_absolute() else get_cwd() / directory
    return Path(os.path.normpath(whole))


def get_named_by_hook(directory: Path) -> NamedByHook:
    """What git told us as its hook, unless `-C` leads elsewhere."""
    named = click.get_current_context().find_root().obj
    return named if str(directory) == "." and isinstance(named, NamedByHook) else NamedByHook()


def remark(lines: Iterable[str]) -> None:
    """Say something on the way, where nobody takes it for the answer."""
    from gitslices.output.words import escape

    for line in lines:
        click.echo(f"gitslices: {escape(line)}", err=True)


def fetch_first(workspace: "Workspace", goal_id: str | None, *, asked: bool) -> None:
    """Fetch the target where that was asked for, or the settings want it before every claim."""
    from gitslices.slices.target import is_fetch_wanted

    if not asked and not is_fetch_wanted(workspace):
        return
    from gitslices.ops.fetch import fetch_before

    remark(fetch_before(workspace, goal_id, asked=asked))


def can_ask() -> bool:
    """Whether a person can be asked: one who sees standard error and answers on standard input."""
    # A question that nobody sees hangs an agent until it is killed.
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_terminal() -> bool:
    """Whether a person watches standard error."""
    return sys.stderr.isatty()


def slices_options(help_text: str) -> Callable[[_Function], _Function]:
    """Add `[SLICE]...`, and `--all` with this help."""

    def add(function: _Function) -> _Function:
        function = click.option("--all", "everything", is_flag=True, help=help_text)(function)
        return click.argument(
            "slice_ids", metavar="[SLICE]...", nargs=-1, shell_complete=offer("slices")
        )(function)

    return add


def choose_slices(
    workspace: "Workspace",
    slice_ids: tuple[str, ...],
    goal_id: str | None,
    *,
    everything: bool,
    meaning: str,
) -> tuple[tuple[SliceId, ...] | None, str | None]:
    """The slices that were named, or the one at hand, or None for all, and the goal to look in.

    All are those that `meaning` tells.
    """
    if everything and not slice_ids:
        return None, goal_id
    if slice_ids and not everything:
        return tuple(SliceId(id_) for id_ in slice_ids), goal_id
    from gitslices.slices.marks import find_mark

    if everything or find_mark(workspace.repo.git_dir) is None:
        raise click.UsageError(f"name slices, or --all for every one {meaning}")
    here, goal_id = choose_slice(workspace, None, goal_id)
    return (here,), goal_id


def prefer_option(function: _Function) -> _Function:
    """Add `--prefer`, for commands that choose among ready slices."""
    return click.option(
        "--prefer", type=click.Choice(("critical", "id", "priority")), default="critical",
        show_default=True,
        help="What goes first: the longest way still to go, the smallest id, or the smallest "
        "metadata.priority (P0, 1, high, low) of the tasks.",
    )(function)  # fmt: skip


_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST: Final = 30 * 86400


def ttl_option(help_text: str, default: str | None = None) -> Callable[[_Function], _Function]:
    """Add `--ttl`, a span of time such as `90s`, `30m`, `2h` or `1d`, given on in seconds."""
    return span_option("--ttl", help_text, default)


def span_option(
    name: str, help_text: str, default: str | None = None
) -> Callable[[_Function], _Function]:
    """Add an option for a span of time, written as that of `--ttl`."""
    return click.option(
        name, metavar="TIME", default=default, show_default=default is not None,
        callback=_parse_duration, help=help_text,
    )  # fmt: skip


def token_options(function: _Function) -> _Function:
    """Add `--token` and `--holder`, which show that a lease is still one's own."""
    function = click.option(
        "--token", type=TOKEN, metavar="N",
        help="The token that `claim` printed.  [default: the one in the slice's worktree]",
    )(function)  # fmt: skip
    return holder_option("Who works here, where somebody else has had the slice before.")(function)


def holder_option(help_text: str) -> Callable[[_Function], _Function]:
    """Add `--holder`; where nobody is named it is None, and `find_user` says who."""
    return click.option(
        "--holder", metavar="NAME", envvar="GITSLICES_HOLDER", shell_complete=offer("holders"),
        help=f"{help_text}  [default: $GITSLICES_HOLDER, else user@host]",
    )  # fmt: skip


def wait_option(help_text: str) -> Callable[[_Function], _Function]:
    """Add `--wait`: seconds, 0 for not at all, without a number for ever."""
    return click.option(
        "--wait", type=Seconds(), is_flag=False, flag_value=math.inf, default=0, metavar="SECONDS",
        help=f"{help_text}: this long, or without a number as long as it takes.",
    )  # fmt: skip


def find_user() -> str:
    """Who runs the command, and where."""
    from getpass import getuser

    try:
        user = getuser()
    except (KeyError, OSError):  # no account of that number, as in some containers
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"


def make_caller(holder: str | None) -> "Caller":
    """Who gives the command, by `--holder` where that was said."""
    from gitslices.slices.claims import Caller

    return Caller(holder=holder or find_user(), is_named=holder is not None)


def _parse_duration(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", value)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter(
            f"{value!r} is no duration from 1s to 30d, such as 90s, 30m or 2h."
        )
    return seconds
