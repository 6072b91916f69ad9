"""Options that the lease commands have in common."""

import os
import re
from collections.abc import Callable
from typing import Final

import click

from gitslices.cli.options import TOKEN, Function

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST: Final = 30 * 86400


def ttl_option(help_text: str, default: str | None = None) -> Callable[[Function], Function]:
    """Add `--ttl`, a span of time such as `90s`, `30m`, `2h` or `1d`, given on in seconds."""
    return click.option(
        "--ttl", metavar="TIME", default=default, show_default=default is not None,
        callback=_parse_duration, help=help_text,
    )  # fmt: skip


def token_option(*, required: bool = False) -> Callable[[Function], Function]:
    """Add `--token`, which shows that a lease is still one's own."""
    return click.option(
        "--token", type=TOKEN, metavar="N", required=required,
        help="The token that `claim` printed.",
    )  # fmt: skip


def holder_option(help_text: str) -> Callable[[Function], Function]:
    """Add `--holder`; where nobody is named it is None, and `find_user` says who."""
    return click.option(
        "--holder", metavar="NAME", envvar="GITSLICES_HOLDER",
        help=f"{help_text}  [default: $GITSLICES_HOLDER, else user@host]",
    )  # fmt: skip


def find_user() -> str:
    """Who runs the command, and where."""
    from getpass import getuser

    try:
        user = getuser()
    except (KeyError, OSError):  # no account of that number, as in some containers
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"


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
