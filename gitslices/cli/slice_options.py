"""Slices by name, or all of them: what `merge` and `sync` take."""

from collections.abc import Callable

import click

from gitslices.cli.options import Function
from gitslices.model import SliceId


def slices_options(help_text: str) -> Callable[[Function], Function]:
    """Add `[SLICE]...`, and `--all` with this help."""

    def add(function: Function) -> Function:
        function = click.option("--all", "everything", is_flag=True, help=help_text)(function)
        return click.argument("slice_ids", metavar="[SLICE]...", nargs=-1)(function)

    return add


def choose_slices(
    slice_ids: tuple[str, ...], *, everything: bool, meaning: str
) -> tuple[SliceId, ...] | None:
    """The slices that were named, or None for all, which are those that `meaning` tells."""
    if bool(slice_ids) == everything:
        raise click.UsageError(f"name slices, or --all for every one {meaning}")
    return None if everything else tuple(SliceId(id_) for id_ in slice_ids)
